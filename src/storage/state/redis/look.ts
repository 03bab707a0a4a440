// What a look at Redis tells an operator. INFO and TIME only: services that rent Redis out forbid CONFIG.
import { Redis } from 'ioredis';

/** What was found; sizes in bytes, times in milliseconds since 1970. */
export interface RedisFacts {
  version: string;
  role: string;
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

/** Connects, looks and leaves. @throws Error with the reason where it does not answer within `timeout` ms. */
export async function lookAtRedis(url: string, clock: { now(): number }, timeout: number): Promise<RedisFacts> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeout,
    commandTimeout: timeout,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
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
      version: field('redis_version'),
      role: field('role'),
      policy: field('maxmemory_policy'),
      maxMemory: Number(field('maxmemory')),
      usedMemory: Number(field('used_memory')),
      appendOnly: field('aof_enabled') === '1',
      snapshots: Number(field('rdb_saves')) > 0,
      lastWriteOk: field('rdb_last_bgsave_status') !== 'err' && field('aof_last_write_status') !== 'err',
      now: seconds * 1000 + micros / 1000,
      asked: (before + clock.now()) / 2,
    };
  } finally {
    redis.disconnect();
  }
}
