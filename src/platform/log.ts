// Structured logs. Never hand a secret to a log; the redaction list is the second line, not the first.
import { type Logger, pino } from 'pino';

/** The methods of pino that we use. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'child'>;

const REDACTED = ['password', 'pin', 'secret', 'token', 'code', 'cookie', 'authorization', 'pin_tag', 'k_off', 'sec'];

/**
 * A logger that writes one JSON line an event to standard error.
 * @param level `silent`, `error`, `warn`, `info` or `debug`.
 */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    // Not waited for: lines that come while one is written go out together. What is left is written at the exit.
    pino.destination({ dest: 2, sync: false }),
  );
}
