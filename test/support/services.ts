// A database and a Redis of a test's own, on the servers of TEST_DATABASE_URL and TEST_REDIS_URL or on throw-away ones.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startPostgres, startRedis, type TestServer } from './servers.ts';

export { findProgram, freePort, listens, startPostgres, startRedis, startStandby, type TestServer } from './servers.ts';

let postgres: Promise<TestServer> | undefined;
let redis: Promise<TestServer> | undefined;

/** `npm test` names the servers; a single file run by hand starts one for the whole process. */
async function databaseServer(): Promise<string> {
  const named = process.env.TEST_DATABASE_URL;
  if (named !== undefined && named !== '') return named;
  postgres ??= startPostgres();
  return (await postgres).url;
}

async function redisServer(): Promise<string> {
  const named = process.env.TEST_REDIS_URL;
  if (named !== undefined && named !== '') return named;
  redis ??= startRedis();
  return (await redis).url;
}

/** An empty database that nobody else uses. */
export interface FreshDatabase {
  url: string;
  /** Ends its connections and drops it. */
  drop(): Promise<void>;
}

/** Makes an empty database on the test server. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = await databaseServer();
  const name = `cs_test_${randomBytes(8).toString('hex')}`;
  await asAdmin(server, `create database ${name} template template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => asAdmin(server, `drop database if exists ${name} with (force)`) };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** An empty Redis that nobody else uses. Pub/sub channels are shared by all logical databases of a server: give them random names. */
export interface FreshRedis {
  url: string;
  /** Empties it and gives it back. */
  close(): Promise<void>;
}

/** How long a reservation outlives a test run that was killed, in seconds. */
const RESERVATION = 1200;

/** Reserves a logical database of the test server, or starts a server where none is left. */
export async function freshRedis(): Promise<FreshRedis> {
  const server = await redisServer();
  const admin = new Redis(server, { db: 0, lazyConnect: true });
  await admin.connect();
  try {
    const database = await reserve(admin);
    if (database === undefined) {
      const own = await startRedis();
      return { url: own.url, close: own.close };
    }
    const url = new URL(server);
    url.pathname = `/${database}`;
    await emptied(url.href);
    return { url: url.href, close: () => release(server, url.href, database) };
  } finally {
    admin.disconnect();
  }
}

const reservation = (database: number) => `countersign-test-database-${database}`;

async function reserve(admin: Redis): Promise<number | undefined> {
  const [, count] = (await admin.config('GET', 'databases')) as string[];
  for (let database = 1; database < Number(count); database += 1) {
    const ours = await admin.set(reservation(database), `${process.pid}`, 'EX', RESERVATION, 'NX');
    if (ours === 'OK') return database;
  }
  return undefined;
}

async function emptied(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true });
  await client.connect();
  try {
    await client.flushdb();
  } finally {
    client.disconnect();
  }
}

async function release(server: string, url: string, database: number): Promise<void> {
  await emptied(url);
  const admin = new Redis(server, { db: 0, lazyConnect: true });
  await admin.connect();
  try {
    await admin.del(reservation(database));
  } finally {
    admin.disconnect();
  }
}
