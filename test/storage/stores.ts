// The implementations that every contract suite runs against, each empty and of its own.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../src/platform/log.ts';
import { Secret } from '../../src/settings/secret.ts';
import type { RedisSettings } from '../../src/settings/settings.ts';
import { type Database, openDatabase } from '../../src/storage/postgres/database.ts';
import { openEmbeddedState } from '../../src/storage/state/embedded/state.ts';
import { openRedisState } from '../../src/storage/state/redis/state.ts';
import type { State } from '../../src/storage/state/state.ts';
import { freshDatabase, freshRedis } from '../support/services.ts';

export const silent = createLog('silent');

/** The settings of one Redis. */
export const redisAt = (url: string): RedisSettings => ({ kind: 'redis', url: new Secret(url, 'test') });

/** Something opened, and how to be rid of it. */
export interface Opened<T> {
  it: T;
  close(): Promise<void>;
}

/** Both states. Redis gets longer for a command than in service: these suites share two cores with everything else. */
export const STATES: { name: string; open: () => Promise<Opened<State>> }[] = [
  {
    name: 'embedded',
    open: async () => {
      const it = openEmbeddedState();
      return { it, close: () => it.close() };
    },
  },
  {
    name: 'Redis',
    open: async () => {
      const redis = await freshRedis();
      const prefix = `${randomBytes(6).toString('hex')}:`;
      const it = await openRedisState({ at: redisAt(redis.url), log: silent, prefix, commandTimeout: 5000 });
      const close = async () => {
        await it.close();
        await redis.close();
      };
      return { it, close };
    },
  },
];

/** Both databases, migrated. */
export const DATABASES: { name: string; open: () => Promise<Opened<Database>> }[] = [
  {
    name: 'PGlite',
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
      const it = await openDatabase({ kind: 'embedded', folder: join(folder, 'db') });
      await it.migrate();
      const close = async () => {
        await it.close();
        rmSync(folder, { recursive: true, force: true });
      };
      return { it, close };
    },
  },
  {
    name: 'PostgreSQL',
    open: async () => {
      const fresh = await freshDatabase();
      const it = await openDatabase({ kind: 'postgres', url: new Secret(fresh.url, 'test'), poolMax: 10 });
      await it.migrate();
      const close = async () => {
        await it.close();
        await fresh.drop();
      };
      return { it, close };
    },
  },
];

/** Runs the same work so often at once, and answers what each came to. */
export function atOnce<T>(times: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: times }, (_, index) => work(index)));
}
