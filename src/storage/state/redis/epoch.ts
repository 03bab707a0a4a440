// Notices that Redis may have forgotten something (an old snapshot, a fail-over) and raises the epoch, so that challenges from before are refused.
import type { Redis } from 'ioredis';
import type { Log } from '../../../platform/log.ts';
import { execute } from './line.ts';
import { BEAT } from './scripts.ts';

/** What the database knows of Redis. */
export interface Known {
  /** The number that every server is known to have held. */
  beat: number;
  epoch: number;
  /** The server (its run id) that was last seen in each place. */
  servers: { readonly [place: string]: string };
  /** Seconds since somebody last found everything in order; undefined where nobody has. */
  age: number | undefined;
}

/** The heartbeat's other half, in the database. */
export interface Epochs {
  read(): Promise<Known>;
  /** Notes that Redis holds `beat` (never lowers it), and servers that are new and trusted; answers the epoch. */
  confirm(beat: number, servers: Known['servers']): Promise<number>;
  /** Raises the epoch where it still is `from`, and notes the servers: all of them where `whole`. Answers whether it was raised. */
  raise(from: number, servers: Known['servers'], whole: boolean): Promise<boolean>;
}

/** A server that is to be watched. */
export interface Seat {
  client: Redis;
  /** Which place it has, and the hash tag by which a key lies there; empty where any key does. */
  place(known: ReadonlySet<string>): { name: string; tag: string };
}

/** Keeps the epoch. */
export interface EpochKeeper {
  epoch(): number;
  /**
   * Looks at these servers, before any is used and at every heartbeat.
   * @param whole whether these are all that there are.
   */
  check(seats: readonly Seat[], whole: boolean): Promise<void>;
  /** Beats until the answer is called. */
  start(seats: () => Promise<{ seats: Seat[]; whole: boolean }>, every: number): () => void;
}

/** What one server said. */
interface Look {
  seat: Seat;
  key: string;
  name: string;
  id: string;
  /** Seconds since it was started. */
  uptime: number;
  /** It holds the number that was last confirmed. */
  upToDate: boolean;
}

/** How often a check begins again because another node raised the epoch meanwhile. */
const TRIES = 4;
/** A server's own count of seconds is rounded. */
const ROUNDED = 1;

/**
 * Two signs. Each server gets a rising number before the database does, so it can be ahead, and where it is behind it has lost
 * something. And in each place stands the server that was there before: another one was a replica until now, which may lack
 * the last moment, too short for the number to tell.
 * @param options.restarts whether a server that was started since may be the one from before, judged by its number alone: so
 * it is where nobody but the operator puts another in its place. Where Redis itself does, each change counts.
 */
export function keepEpoch(options: {
  epochs: Epochs | undefined;
  prefix: string;
  restarts: boolean;
  log: Log;
}): EpochKeeper {
  const { epochs, prefix, restarts, log } = options;
  let epoch = 0;

  async function look(seat: Seat, known: Known): Promise<Look> {
    const { name, tag } = seat.place(new Set(Object.keys(known.servers)));
    const key = `${prefix}beat${tag === '' ? '' : `{${tag}}`}`;
    const info = await seat.client.info('server', 'replication');
    const field = (wanted: string) => new RegExp(`^${wanted}:([^\\r\\n]*)`, 'm').exec(info)?.[1] ?? '';
    if (field('role') !== 'master') {
      // It was the primary when we came. Whoever is now is found by coming anew.
      seat.client.disconnect(true);
      throw new Error('it is a replica');
    }
    const upToDate = (await execute(seat.client, BEAT, key, [known.beat, known.beat + 1])) === 1;
    return { seat, key, name, id: field('run_id'), uptime: Number(field('uptime_in_seconds')), upToDate };
  }

  function isStrange({ name, id, uptime }: Look, { servers, age }: Known): boolean {
    if (Object.keys(servers).length === 0 || servers[name] === id) return false;
    // One that already ran while we spoke to the other is another.
    return !restarts || servers[name] === undefined || age === undefined || uptime > age + ROUNDED;
  }

  async function check(seats: readonly Seat[], whole: boolean): Promise<void> {
    if (!epochs) return;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const known = await epochs.read();
      epoch = Math.max(epoch, known.epoch);
      const looks = await Promise.all(seats.map((seat) => look(seat, known)));
      const servers = Object.fromEntries(looks.map(({ name, id }) => [name, id]));
      const behind = looks.filter(({ upToDate }) => !upToDate);
      const strange = looks.filter((one) => isStrange(one, known));
      if (behind.length === 0 && strange.length === 0) {
        // A server that is not there now must not be found behind a number that it never got.
        if (whole) epoch = Math.max(epoch, await epochs.confirm(known.beat + 1, servers));
        return;
      }
      const raised = await epochs.raise(known.epoch, servers, whole);
      // From 0: the number is set anew whatever Redis holds, so that the next node finds it up to date.
      for (const { seat, key } of behind) await execute(seat.client, BEAT, key, [0, known.beat + 1]);
      if (!raised) continue;
      epoch = Math.max(epoch, known.epoch + 1);
      const why = strange.length > 0 ? 'another redis took over' : 'redis is behind the database';
      log.warn(
        { epoch, places: [...strange, ...behind].map(({ name }) => name) },
        `${why}: challenges from before are refused`,
      );
      return;
    }
    throw new Error('the epoch does not stand still: do two servers both believe that they are the primary?');
  }

  return {
    epoch: () => epoch,
    check,
    start(seats, every) {
      if (!epochs) return () => undefined;
      let busy = false;
      const timer = setInterval(async () => {
        if (busy) return;
        busy = true;
        try {
          const { seats: now, whole } = await seats();
          if (now.length > 0) await check(now, whole);
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
