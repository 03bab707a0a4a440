// `npm run bench`: ours beside two bare oidc-providers in one run, with the project's targets beside. Reports; asserts nothing.
import { setTimeout as wait } from 'node:timers/promises';
import { hash, verify } from '@node-rs/argon2';
import { startPostgres, startRedis } from '../test/support/servers.ts';
import { freshDatabase, freshRedis } from '../test/support/services.ts';
import { type Contestant, control, ours } from './contestants.ts';
import { Counters, type Counts } from './counters.ts';
import { FLOW_NAMES, type FlowName, flowsOf } from './flows.ts';
import { benchKeys, HASH, PERSON } from './keys.ts';
import { type Amount, type Result, underLoad } from './load.ts';
import { cpuOf, cpuOfFamily, memoryOf, type Usage } from './processes.ts';
import { printReport } from './report.ts';
import { Connections } from './visitor.ts';

/** Bounds of each flow: enough for a steady figure, and a full run of some two minutes on two cores. */
const AMOUNTS: { [name in FlowName]: Amount } = {
  discovery: { count: 8000, seconds: 6, atOnce: 8 },
  client_credentials: { count: 6000, seconds: 6, atOnce: 8 },
  'authorize + token': { count: 2500, seconds: 8, atOnce: 8 },
  'password login': { count: 400, seconds: 10, atOnce: 4 },
  introspection: { count: 5000, seconds: 6, atOnce: 8 },
};

/** What one contestant showed. */
export interface Card {
  name: string;
  coldStart: number;
  idleMemory: number;
  loadedMemory: number;
  results: { [name in FlowName]?: Result };
  counts?: { [name in FlowName]?: Counts };
}

/** CPU milliseconds of one hash alone, measured in this process at this hour. */
async function hashCost(): Promise<number> {
  const stored = await hash(PERSON.password, HASH);
  await verify(stored, PERSON.password);
  const before = process.cpuUsage();
  for (let run = 0; run < 50; run += 1) await verify(stored, PERSON.password);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / 50;
}

interface Stores {
  postgres: number;
  redis: number;
}

async function measure(
  contestant: Contestant,
  keys: Awaited<ReturnType<typeof benchKeys>>,
  stores: Stores,
  counters?: Counters,
): Promise<Card> {
  await wait(1500);
  const idleMemory = memoryOf(contestant.pid);
  const connections = new Connections(contestant.origin, 8);
  const flows = await flowsOf(connections, keys);
  const usage = (): Usage => ({
    server: cpuOf(contestant.pid),
    postgres: cpuOfFamily(stores.postgres),
    redis: cpuOf(stores.redis),
  });
  const card: Card = {
    name: contestant.name,
    coldStart: contestant.coldStart,
    idleMemory,
    loadedMemory: 0,
    results: {},
  };
  for (const name of FLOW_NAMES) {
    if (counters) card.counts = { ...card.counts, [name]: await counters.perFlow(flows[name]) };
    card.results[name] = await underLoad(flows[name], AMOUNTS[name], usage);
    console.log(`  ${contestant.name}: ${name} done`);
  }
  card.loadedMemory = memoryOf(contestant.pid);
  await connections.close();
  await contestant.stop();
  return card;
}

async function main(): Promise<void> {
  console.log('Starting PostgreSQL and Redis of our own …');
  const [postgres, redis] = await Promise.all([
    startPostgres({
      durable: true,
      settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.max': '10000' },
    }),
    startRedis(),
  ]);
  process.env.TEST_DATABASE_URL = postgres.url;
  process.env.TEST_REDIS_URL = redis.url;
  const [database, forOurs, forControl] = [await freshDatabase(), await freshRedis(), await freshRedis()];
  const keys = await benchKeys();
  const stores = { postgres: postgres.pid(), redis: redis.pid() };
  const counters = await Counters.connect(redis.url, postgres.url);
  try {
    const perHash = await hashCost();
    const cards = [
      await measure(await control(keys), keys, stores),
      await measure(await control(keys, forControl.url), keys, stores, counters),
      await measure(await ours(keys, database.url, forOurs.url), keys, stores, counters),
    ];
    printReport(cards, perHash);
  } finally {
    await counters.close();
    await Promise.all([postgres.close(), redis.close()]);
  }
}

await main();
process.exit(0);
