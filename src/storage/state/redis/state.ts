// State in Redis (7 or later, also Redis Cluster's rules: one key an operation).
import type { Log } from '../../../platform/log.ts';
import { type Changed, checkedKey, type Fields, type Read, type State, StateUnavailable } from '../state.ts';
import { type Connection, connectRedis } from './connection.ts';
import { type Epochs, keepEpoch } from './epoch.ts';
import { CHANGE, ENLIST, INCREMENT, MEMBERS, READ, THROTTLE, WRITE } from './scripts.ts';

/** Options of {@link openRedisState}. */
export interface RedisOptions {
  url: string;
  log: Log;
  /** Stands before every key and topic: for several uses of one Redis. */
  prefix?: string;
  /** Milliseconds (security, L24: 500). */
  commandTimeout?: number;
  /** Milliseconds to wait for Redis at the start. */
  connectTimeout?: number;
  /** Where the heartbeat is kept in the database; without it a Redis that went back in time is not noticed. */
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

/** Answers of a Redis that is there and cannot serve: full, read-only, loading, without its replicas, in a fail-over. */
const CANNOT_SERVE = /^(OOM|READONLY|LOADING|MISCONF|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY)\b/;

/** What the house is told: a lost connection and a command without an answer are {@link StateUnavailable}, our own mistakes stay what they are. */
function unavailable(error: unknown): unknown {
  if (error instanceof StateUnavailable || error instanceof RangeError || error instanceof TypeError) return error;
  if (!(error instanceof Error)) return error;
  if (error.name === 'ReplyError' && !CANNOT_SERVE.test(error.message)) return error;
  return new StateUnavailable('Redis does not serve', { cause: error });
}

async function health(connection: Connection): Promise<{ ok: true } | { ok: false; why: string }> {
  try {
    const info = await connection.redis().info();
    if (!/^role:master\r?$/m.test(info)) return { ok: false, why: 'not a primary' };
    // A key that is evicted is a used challenge forgotten.
    if (!/^maxmemory_policy:noeviction\r?$/m.test(info))
      return { ok: false, why: 'maxmemory-policy is not noeviction' };
    return { ok: true };
  } catch {
    return { ok: false, why: 'no answer' };
  }
}

/** A {@link State} in Redis. Resolves when Redis is ready. @throws StateUnavailable */
export async function openRedisState(options: RedisOptions): Promise<State> {
  const { url, log, prefix = '', commandTimeout = 500, connectTimeout = 10_000, epochs, beatEvery = 1000 } = options;
  const full = (key: string) => prefix + checkedKey(key);
  const keeper = keepEpoch({ epochs, key: `${prefix}beat`, log });
  const connection = await connectRedis({ url, log, prefix, commandTimeout, connectTimeout, admit: keeper.check });
  const stopBeating = keeper.start(connection, beatEvery);
  const redis = () => connection.redis();
  /** Calls before the gate or with a bad key must reject, never throw at the caller's own turn. */
  const later = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  };

  return {
    epoch: keeper.epoch,
    now: () =>
      later(async () => {
        const [seconds = 0, micros = 0] = (await redis().time()).map(Number);
        return seconds * 1000 + Math.floor(micros / 1000);
      }),
    get: (key) => later(async () => (await redis().get(full(key))) ?? undefined),
    set: (key, value, ttl) =>
      later(async () => {
        await redis().set(full(key), value, 'EX', ttl);
      }),
    add: (key, value, ttl) => later(async () => (await redis().set(full(key), value, 'EX', ttl, 'NX')) === 'OK'),
    replace: (key, value, ttl) => later(async () => (await redis().set(full(key), value, 'EX', ttl, 'XX')) === 'OK'),
    take: (key) => later(async () => (await redis().getdel(full(key))) ?? undefined),
    delete: (key) => later(async () => (await redis().del(full(key))) === 1),
    increment: (key, ttl) => later(async () => Number(await connection.run(INCREMENT, full(key), ttl))),
    write: (key, fields, ttl, stamps = {}) =>
      later(async () => {
        const [now, flat] = (await connection.run(
          WRITE,
          full(key),
          ttl,
          JSON.stringify({ sets: fields, stamps }),
        )) as unknown[];
        return { fields: fieldsOf(flat), now: Number(now) };
      }),
    read: (key) =>
      later(async () => {
        const [now, flat] = (await connection.run(READ, full(key))) as unknown[];
        return readOf(now, flat);
      }),
    change: (key, wanted) =>
      later(async (): Promise<Changed> => {
        const [ok, now, flat] = (await connection.run(CHANGE, full(key), JSON.stringify(wanted), prefix)) as unknown[];
        const read = readOf(now, flat);
        return ok === 1 && read ? { ok: true, now: read } : { ok: false, now: read };
      }),
    enlist: (key, member, ttl) =>
      later(async () => {
        await connection.run(ENLIST, full(key), member, ttl * 1000);
      }),
    delist: (key, member) =>
      later(async () => {
        await redis().zrem(full(key), member);
      }),
    members: (key) => later(async () => (await connection.run(MEMBERS, full(key))) as string[]),
    throttle: (key, { points, window, block, maxBlock }, take) =>
      later(async () =>
        Number(await connection.run(THROTTLE, full(key), points, window, block, maxBlock, take ? 1 : 0)),
      ),
    publish: (topic, message) =>
      later(async () => {
        await redis().publish(full(topic), message);
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
