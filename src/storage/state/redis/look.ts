// What a look at Redis tells an operator. INFO and TIME only: services that rent Redis out forbid CONFIG.
import type { Redis } from 'ioredis';
import type { RedisSettings } from '../../../settings/settings.ts';
import { addressOf, askMember } from './members.ts';
import { clientOf, manners, memberOf, sentinelOf } from './servers.ts';

/** What was found; sizes in bytes, times in milliseconds since 1970. */
export interface RedisFacts {
  /** `host:port` */
  server: string;
  version: string;
  role: string;
  /** Replicas that are connected to it. */
  replicas: number;
  inCluster: boolean;
  policy: string;
  maxMemory: number;
  usedMemory: number;
  appendOnly: boolean;
  /** Snapshots are made by themselves, or one was made. */
  snapshots: boolean;
  lastWriteOk: boolean;
  now: number;
  /** Our own clock at the middle of the question for `now`. */
  asked: number;
}

/** What one server says. @throws Error with the reason where it does not answer within `timeout` ms. */
async function lookAt(redis: Redis, clock: { now(): number }): Promise<RedisFacts> {
  let last: Error | undefined;
  redis.on('error', (error: Error) => {
    last = error;
  });
  try {
    await redis.connect().catch((error: Error) => {
      throw last ?? error;
    });
    const info = await redis.info();
    const field = (name: string) => new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1] ?? '';
    const before = clock.now();
    const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
    return {
      server: `${redis.options.host}:${redis.options.port}`,
      version: field('redis_version'),
      role: field('role'),
      replicas: Number(field('connected_slaves')),
      policy: field('maxmemory_policy'),
      maxMemory: Number(field('maxmemory')),
      usedMemory: Number(field('used_memory')),
      appendOnly: field('aof_enabled') === '1',
      snapshots: Number(field('rdb_saves')) > 0,
      lastWriteOk: field('rdb_last_bgsave_status') !== 'err' && field('aof_last_write_status') !== 'err',
      inCluster: field('cluster_enabled') === '1',
      now: seconds * 1000 + micros / 1000,
      asked: (before + clock.now()) / 2,
    };
  } finally {
    redis.disconnect();
  }
}

/** What was found: each server that takes writes; of several also the slots that nobody has, and the settings' nodes that do not answer. */
export interface RedisLook {
  primaries: RedisFacts[];
  /** Slots of a cluster that no primary holds. */
  homeless: number;
  /** Members or Sentinels of the settings that do not answer, each with the reason. */
  silent: string[];
}

/** Connects to every server that is written to, looks and leaves. @throws Error with the reason where none answers within `timeout` ms. */
export async function lookAtRedis(at: RedisSettings, clock: { now(): number }, timeout: number): Promise<RedisLook> {
  const once = {
    ...manners(timeout),
    // Commands wait for the connection, which is made once.
    enableOfflineQueue: true,
    lazyConnect: true,
    connectTimeout: timeout,
    retryStrategy: () => null,
  };
  if (at.kind === 'redis') return { primaries: [await lookAt(clientOf(at, once), clock)], homeless: 0, silent: [] };
  const silent: string[] = [];
  const answers = async <T>(client: Redis, work: () => Promise<T>): Promise<T | undefined> => {
    const { host, port } = client.options;
    let last: Error | undefined;
    client.on('error', (error: Error) => {
      last = error;
    });
    try {
      await client.connect();
      return await work();
    } catch (error) {
      silent.push(`${host}:${port} (${(last ?? (error as Error)).message})`);
      return undefined;
    } finally {
      client.disconnect();
    }
  };
  if (at.kind === 'redis-sentinel') {
    const named = await Promise.all(
      at.nodes.map((node) => {
        const client = sentinelOf(at, node, once);
        return answers(client, () => client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', at.master));
      }),
    );
    if (silent.length === at.nodes.length) throw new Error(`no Sentinel answers: ${silent.join(', ')}`);
    const [host, port] = (named.find(Array.isArray) ?? []) as string[];
    if (host === undefined) throw new Error(`no Sentinel watches a primary named "${at.master}"`);
    return { primaries: [await lookAt(memberOf(at, { host, port: Number(port) }, once), clock)], homeless: 0, silent };
  }
  const said = await Promise.all(
    at.nodes.map((node) => {
      const client = memberOf(at, node, once);
      return answers(client, () => askMember(client));
    }),
  );
  const [map] = said.filter((one) => one !== undefined).sort((one, other) => other.epoch - one.epoch);
  if (!map) throw new Error(`no member of the cluster answers: ${silent.join(', ')}`);
  const names = [...new Set(map.owners)].filter((name) => name !== undefined);
  const primaries = await Promise.all(names.map((name) => lookAt(memberOf(at, addressOf(name), once), clock)));
  return { primaries, homeless: map.owners.filter((name) => name === undefined).length, silent };
}
