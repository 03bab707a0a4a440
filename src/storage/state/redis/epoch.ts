// Notices a Redis that went back in time (an old snapshot, a lagging replica) and raises the epoch, so that challenges from before are refused.
import type { Log } from '../../../platform/log.ts';
import type { Connection } from './connection.ts';
import { BEAT } from './scripts.ts';

/** The heartbeat's other half, in the database. */
export interface Epochs {
  /** The number that Redis is known to have held, and the epoch. */
  read(): Promise<{ beat: number; epoch: number }>;
  /** Notes that Redis holds `beat`; never lowers it. */
  confirm(beat: number): Promise<{ beat: number; epoch: number }>;
  /** Raises the epoch where it still is `from`; answers the epoch that stands. */
  raise(from: number): Promise<number>;
}

/** Keeps the epoch. */
export interface EpochKeeper {
  epoch(): number;
  /** Compares both numbers; to be called whenever a connection came up, before it is used. */
  check(connection: Connection): Promise<void>;
  /** Beats until the answer is called. */
  start(connection: Connection, every: number): () => void;
}

/**
 * Redis gets each number before the database does. So Redis can be ahead, and where it is behind it has lost something.
 * What was lost between two heartbeats is not noticed; what guards a factor is therefore committed in the database as well.
 */
export function keepEpoch(options: { epochs: Epochs | undefined; key: string; log: Log }): EpochKeeper {
  const { epochs, key, log } = options;
  let epoch = 0;

  async function check(connection: Connection): Promise<void> {
    if (!epochs) return;
    const known = await epochs.read();
    epoch = Math.max(epoch, known.epoch);
    const upToDate = await connection.runUnchecked(BEAT, key, known.beat, known.beat + 1);
    if (upToDate === 1) {
      epoch = Math.max(epoch, (await epochs.confirm(known.beat + 1)).epoch);
      return;
    }
    epoch = Math.max(epoch, await epochs.raise(known.epoch));
    // From 0: the number is set anew whatever Redis holds, so that the next node finds it up to date.
    await connection.runUnchecked(BEAT, key, 0, known.beat + 1);
    log.warn({ epoch }, 'redis is behind the database: challenges from before are refused');
  }

  return {
    epoch: () => epoch,
    check,
    start(connection, every) {
      if (!epochs) return () => undefined;
      let busy = false;
      const timer = setInterval(async () => {
        if (busy) return;
        busy = true;
        try {
          connection.redis();
          await check(connection);
        } catch (error) {
          log.debug({ err: error instanceof Error ? error.message : String(error) }, 'redis heartbeat missed');
        } finally {
          busy = false;
        }
      }, every);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
