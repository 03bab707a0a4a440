// Structured logs. Never hand a secret to a log; the redaction list is the second line, not the first.
import { type DestinationStream, type Logger, pino } from 'pino';

/** What of pino we use. `level` may be set while it runs; children keep the one that they were made with. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child' | 'level'>;

const REDACTED = ['password', 'pin', 'secret', 'token', 'code', 'cookie', 'authorization', 'pin_tag', 'k_off', 'sec'];

/**
 * What is written of an error: members are listed, not forbidden. Libraries hang on it what they were asked: ioredis the whole command
 * with its values, PostgreSQL the row that it refused. Causes stand in the message and the stack; `errno` is the error's `code`.
 */
function errorFacts(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'unknown';
  const { type, message, stack } = pino.stdSerializers.err(error);
  const { code } = error as { code?: unknown };
  return { type, message, stack, ...(typeof code === 'string' || typeof code === 'number' ? { errno: code } : {}) };
}

/**
 * A logger that writes one JSON line an event.
 * @param level `silent`, `error`, `warn`, `info` or `debug`. @param to standard error, unless a test reads along.
 */
export function createLog(level: string, to?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorFacts },
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    // Not waited for: lines that come while one is written go out together. What is left is written at the exit.
    to ?? pino.destination({ dest: 2, sync: false }),
  );
}
