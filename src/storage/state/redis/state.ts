// State in Redis (7 or later): one server, the primary that Sentinel names, or a cluster. Each operation touches one key.
import type { Redis } from 'ioredis';
import type { Log } from '../../../platform/log.ts';
import type { RedisSettings } from '../../../settings/settings.ts';
import { type Changed, checkedKey, type Fields, type Read, type State, StateUnavailable } from '../state.ts';
import { connectCluster } from './cluster.ts';
import type { Connection } from './connection.ts';
import { type Epochs, keepEpoch } from './epoch.ts';
import { execute } from './line.ts';
import { connectOne } from './one.ts';
import { CHANGE, ENLIST, INCREMENT, MEMBERS, READ, type Script, THROTTLE, WRITE } from './scripts.ts';

/** Options of {@link openRedisState}. */
export interface RedisOptions {
  at: RedisSettings;
  log: Log;
  /** Stands before every key and topic: for several uses of one Redis. */
  prefix?: string;
  /** Milliseconds (security, L24: 500). */
  commandTimeout?: number;
  /** Milliseconds to wait for Redis at the start. */
  connectTimeout?: number;
  /** Where the heartbeat is kept in the database; without it a Redis that forgot something is not noticed. */
  epochs?: Epochs;
  /** Milliseconds between two heartbeats. */
  beatEvery?: number;
}

function fieldsOf(flat: unknown): Fields {
  const list = flat as string[];
  const pairs: [string, string][] = [];
  for (let at = 0; at < list.length; at += 2) pairs.push([list[at] ?? '', list[at + 1] ?? '']);
  return Object.fromEntries(pairs);
}

function readOf(now: unknown, flat: unknown): Read | undefined {
  return (flat as string[]).length === 0 ? undefined : { fields: fieldsOf(flat), now: Number(now) };
}

/** Answers of a Redis that is there and cannot serve: full, read-only, loading, without its replicas, in a fail-over, moving the key's slot. */
const CANNOT_SERVE = /^(OOM|READONLY|LOADING|MISCONF|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|MOVED|ASK)\b/;

/** What the house is told: a lost connection and a command without an answer are {@link StateUnavailable}, our own mistakes stay what they are. */
function unavailable(error: unknown): unknown {
  if (error instanceof StateUnavailable || error instanceof RangeError || error instanceof TypeError) return error;
  if (!(error instanceof Error)) return error;
  if (error.name === 'ReplyError' && !CANNOT_SERVE.test(error.message)) return error;
  return new StateUnavailable('Redis does not serve', { cause: error });
}

/** It reads, and refuses to write (Redis: `OOM`). What its replicas and its log wait for does not count. */
function isFull(info: string): boolean {
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const most = field('maxmemory');
  return most > 0 && field('used_memory') - field('mem_not_counted_for_evict') > most;
}

async function health(connection: Connection): Promise<{ ok: true } | { ok: false; why: string }> {
  try {
    const infos = await connection.everywhere((redis) => redis.info());
    if (infos.some((info) => !/^role:master\r?$/m.test(info))) return { ok: false, why: 'not a primary' };
    // A key that is evicted is a used challenge forgotten.
    if (infos.some((info) => !/^maxmemory_policy:noeviction\r?$/m.test(info)))
      return { ok: false, why: 'maxmemory-policy is not noeviction' };
    if (infos.some(isFull)) return { ok: false, why: 'full: maxmemory is reached' };
    return { ok: true };
  } catch {
    return { ok: false, why: 'no answer' };
  }
}

/** A {@link State} in Redis. Resolves when Redis is ready. @throws StateUnavailable */
export async function openRedisState(options: RedisOptions): Promise<State> {
  const { at, log, prefix = '', commandTimeout = 500, connectTimeout = 10_000, epochs, beatEvery = 1000 } = options;
  const full = (key: string) => prefix + checkedKey(key);
  const keeper = keepEpoch({ epochs, prefix, restarts: at.kind === 'redis', log });
  const wanted = { log, prefix, commandTimeout, connectTimeout, keeper };
  const connection = await (at.kind === 'redis-cluster' ? connectCluster(wanted, at) : connectOne(wanted, at));
  const stopBeating = keeper.start(connection.seats, beatEvery);
  /** Calls before the gate or with a bad key must reject, never throw at the caller's own turn. */
  const later = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  };

  /** One command on one key. */
  const ask = <T>(key: string, work: (redis: Redis, key: string) => Promise<T>): Promise<T> =>
    later(() => {
      const whole = full(key);
      return connection.ask(whole, (redis) => work(redis, whole));
    });
  const run = (key: string, script: Script, ...args: (string | number)[]): Promise<unknown> =>
    ask(key, (redis, whole) => execute(redis, script, whole, args));

  return {
    epoch: keeper.epoch,
    now: () =>
      later(async () => {
        const [seconds = 0, micros = 0] = (await connection.anywhere((redis) => redis.time())).map(Number);
        return seconds * 1000 + Math.floor(micros / 1000);
      }),
    get: (key) => ask(key, async (redis, whole) => (await redis.get(whole)) ?? undefined),
    set: (key, value, ttl) =>
      ask(key, async (redis, whole) => {
        await redis.set(whole, value, 'EX', ttl);
      }),
    add: (key, value, ttl) =>
      ask(key, async (redis, whole) => (await redis.set(whole, value, 'EX', ttl, 'NX')) === 'OK'),
    replace: (key, value, ttl) =>
      ask(key, async (redis, whole) => (await redis.set(whole, value, 'EX', ttl, 'XX')) === 'OK'),
    take: (key) => ask(key, async (redis, whole) => (await redis.getdel(whole)) ?? undefined),
    delete: (key) => ask(key, async (redis, whole) => (await redis.del(whole)) === 1),
    increment: async (key, ttl) => Number(await run(key, INCREMENT, ttl)),
    write: async (key, fields, ttl, stamps = {}) => {
      const [now, flat] = (await run(key, WRITE, ttl, JSON.stringify({ sets: fields, stamps }))) as unknown[];
      return { fields: fieldsOf(flat), now: Number(now) };
    },
    read: async (key) => {
      const [now, flat] = (await run(key, READ)) as unknown[];
      return readOf(now, flat);
    },
    change: async (key, wanted): Promise<Changed> => {
      const [ok, now, flat] = (await run(key, CHANGE, JSON.stringify(wanted), prefix)) as unknown[];
      const read = readOf(now, flat);
      return ok === 1 && read ? { ok: true, now: read } : { ok: false, now: read };
    },
    enlist: async (key, member, ttl) => {
      await run(key, ENLIST, member, ttl * 1000);
    },
    delist: (key, member) =>
      ask(key, async (redis, whole) => {
        await redis.zrem(whole, member);
      }),
    members: async (key) => (await run(key, MEMBERS)) as string[],
    throttle: async (key, { points, window, block, maxBlock }, take) =>
      Number(await run(key, THROTTLE, points, window, block, maxBlock, take ? 1 : 0)),
    publish: (topic, message) =>
      later(async () => {
        const whole = full(topic);
        await connection.anywhere((redis) => redis.publish(whole, message));
      }),
    subscribe: (topic, listener) => later(() => connection.subscribe(checkedKey(topic), listener)),
    health: () => health(connection),
    close: async () => {
      stopBeating();
      await connection.close();
    },
  };
}

export { StateUnavailable };
