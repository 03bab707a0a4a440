// `npm run bench -- setups`: ours as operators run it — one process, workers, nginx before two nodes, Redis Cluster — in one run, and what the audit costs.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { certificates } from '../test/support/production.ts';
import { startNginx } from '../test/support/proxies.ts';
import { startCluster } from '../test/support/redis-together.ts';
import { freePort, startPostgres, startRedis, type TestServer } from '../test/support/servers.ts';
import { freshDatabase, freshRedis } from '../test/support/services.ts';
import { type Contestant, ours, type Way } from './contestants.ts';
import { flowsOf } from './flows.ts';
import { type BenchKeys, benchKeys } from './keys.ts';
import { type Amount, type Result, underLoad } from './load.ts';
import { cpuOf, cpuOfFamily, memoryOfFamily } from './processes.ts';
import { memoryAndStart, perCpuSecond, round, table } from './report.ts';
import { Connections } from './visitor.ts';

/** What is measured of each: enough for a steady figure, and some twelve seconds a setup. */
const AMOUNTS = {
  'authorize + token': { count: 1500, seconds: 6, atOnce: 8 },
  'password login': { count: 300, seconds: 8, atOnce: 4 },
  introspection: { count: 3000, seconds: 4, atOnce: 8 },
} as const satisfies { [flow: string]: Amount };

type Measured = keyof typeof AMOUNTS;
const MEASURED = Object.keys(AMOUNTS) as Measured[];

/** What one setup showed. Memory in MB, of all its processes. */
interface Card {
  name: string;
  coldStart: number;
  idleMemory: number;
  loadedMemory: number;
  results: { [flow in Measured]: Result };
}

async function measure(
  setup: Contestant,
  keys: BenchKeys,
  stores: { postgres: number; redis: number[] },
): Promise<Card> {
  await wait(1500);
  const processes = [setup.pid, ...(setup.others ?? [])];
  const sum = (of: (pid: number) => number, pids: number[]) => pids.reduce((total, pid) => total + of(pid), 0);
  const idleMemory = sum(memoryOfFamily, processes);
  const connections = new Connections(setup.origin, 8, setup.ca);
  const flows = await flowsOf(connections, keys);
  const usage = () => ({
    server: sum(cpuOfFamily, processes),
    postgres: cpuOfFamily(stores.postgres),
    redis: sum(cpuOf, stores.redis),
  });
  const results = {} as Card['results'];
  for (const name of MEASURED) {
    results[name] = await underLoad(flows[name], AMOUNTS[name], usage);
    console.log(`  ${setup.name}: ${name} done`);
  }
  const loadedMemory = sum(memoryOfFamily, processes);
  await connections.close();
  await setup.stop();
  return { name: setup.name, coldStart: setup.coldStart, idleMemory, loadedMemory, results };
}

/** Two nodes and nginx, which ends TLS, by the file of deploy/. */
async function behindNginx(keys: BenchKeys, database: string, redis: string): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-nginx-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { ca, cert, key } = certificates(folder);
  const [port, unused, ...nodes] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const [one = 0, two = 0] = nodes;
  const way = (name: string, own: number): Way => ({
    name,
    port: own,
    issuer: `https://localhost:${port}`,
    server: { trusted_proxies: ['127.0.0.1/32'] },
    peopleAreThere: true,
  });
  const first = await ours(keys, database, redis, way('two nodes behind nginx, TLS', one));
  const second = await ours(keys, database, redis, way('second', two));
  const proxy = await startNginx({
    port,
    certificate: { cert, key },
    nodes: [one, two],
    watch: [0, 0],
    mutualTls: { port: unused, ca },
  });
  return {
    ...first,
    origin: `https://localhost:${port}`,
    others: [second.pid, proxy.pid],
    ca: readFileSync(ca, 'utf8'),
    stop: async () => {
      await proxy.close();
      await Promise.all([first.stop(), second.stop()]);
    },
  };
}

/** What the audit did in the database since the counters were last emptied. */
interface AuditCost {
  events: number;
  bytes: number;
  /** Milliseconds of execution, of the audit's statements and of all. */
  own: number;
  all: number;
}

async function auditCost(sql: pg.Client, work: () => Promise<void>): Promise<AuditCost> {
  const size = async () => {
    const { rows } = await sql.query(
      `select count(*)::int as events, pg_total_relation_size('audit_events')::int as bytes from audit_events`,
    );
    return rows[0] as { events: number; bytes: number };
  };
  const before = await size();
  await sql.query('select pg_stat_statements_reset()');
  await work();
  // The writer takes what came together; the last of it is on its way.
  await wait(1500);
  const { rows } = await sql.query(
    `select coalesce(sum(total_exec_time) filter (where query ~* 'audit'), 0)::float as own, sum(total_exec_time)::float as all
     from pg_stat_statements where query !~ 'pg_stat_statements'`,
  );
  const after = await size();
  return { events: after.events - before.events, bytes: after.bytes - before.bytes, ...rows[0] };
}

/** Sign-ins one after the other, and what the audit took of the database for each. */
async function measureAudit(keys: BenchKeys, database: string, redis: string): Promise<string> {
  const setup = await ours(keys, database, redis, { name: 'audit', peopleAreThere: true });
  const connections = new Connections(setup.origin, 8);
  const sql = new pg.Client({ connectionString: database });
  await sql.connect();
  try {
    const flow = (await flowsOf(connections, keys))['password login'];
    await underLoad(flow, { count: 50, seconds: 5, atOnce: 4 }, () => ({ server: 0, postgres: 0, redis: 0 }));
    const times = 200;
    const cost = await auditCost(sql, async () => {
      for (let run = 0; run < times; run += 4) await Promise.all([flow(), flow(), flow(), flow()]);
    });
    const each = (value: number, digits: number) => round(value / times, digits);
    return [
      `events ${each(cost.events, 1)}, table and indexes ${each(cost.bytes / 1024, 2)} KB,`,
      `execution ${each(cost.own, 3)} of the database's ${each(cost.all, 3)} ms`,
    ].join(' ');
  } finally {
    await sql.end();
    await connections.close();
    await setup.stop();
  }
}

function print(cards: Card[], audit: string): void {
  const [plain] = cards;
  if (!plain) return;
  for (const name of MEASURED) {
    console.log(`\n${name}`);
    const rows = cards.map(({ name: setup, results }) => {
      const { perSecond, p50, p99, cpu } = results[name];
      const figures = [perSecond, p50, p99, cpu.server, cpu.postgres, cpu.redis].map((value) => round(value, 2));
      const ratio = perCpuSecond(results[name]) / perCpuSecond(plain.results[name]);
      return [setup, ...figures, round(perCpuSecond(results[name]), 0), `${round(ratio, 2)}×`];
    });
    const cpu = ['CPU ms ours and proxy', 'CPU ms PostgreSQL', 'CPU ms Redis'];
    table([['', 'ops/s', 'p50 ms', 'p99 ms', ...cpu, 'ops/CPU-s', 'vs one process'], ...rows]);
  }
  console.log('\nMemory of all processes, and start');
  memoryAndStart(cards);
  console.log(`\nAudit, for each sign-in with its token: ${audit}`);
}

/** Runs all setups one after the other and prints what they showed. Reports; asserts nothing. */
export async function benchSetups(): Promise<void> {
  console.log(
    `Starting PostgreSQL, Redis and a Redis Cluster of our own … (load of this machine: ${round(loadavg()[0])})`,
  );
  // Each server that is started here ends with this process, and says so once.
  process.setMaxListeners(50);
  const servers: { close(): Promise<void> }[] = [];
  const kept = <T extends { close(): Promise<void> }>(server: T): T => {
    servers.push(server);
    return server;
  };
  try {
    const postgres = kept(
      await startPostgres({
        durable: true,
        settings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.max': '10000' },
      }),
    );
    const redis: TestServer = kept(await startRedis());
    const cluster = kept(await startCluster());
    process.env.TEST_DATABASE_URL = postgres.url;
    process.env.TEST_REDIS_URL = redis.url;
    const keys = await benchKeys();
    const [database, state] = [(await freshDatabase()).url, (await freshRedis()).url];
    const sql = new pg.Client({ connectionString: database });
    await sql.connect();
    await sql.query('create extension if not exists pg_stat_statements');
    await sql.end();
    const one = { postgres: postgres.pid(), redis: [redis.pid()] };
    const many = { postgres: postgres.pid(), redis: cluster.primaries.map((primary) => primary.pid()) };
    const onCluster = (await freshDatabase()).url;
    const cards = [
      await measure(await ours(keys, database, state, { name: 'one process' }), keys, one),
      await measure(
        await ours(keys, database, state, { name: '--workers 2', serve: ['--workers', '2'], peopleAreThere: true }),
        keys,
        one,
      ),
      await measure(await behindNginx(keys, database, state), keys, one),
      await measure(
        await ours(keys, onCluster, '', {
          name: 'one process, Redis Cluster',
          state: { kind: 'redis', cluster: { nodes: cluster.nodes } },
        }),
        keys,
        many,
      ),
    ];
    print(cards, await measureAudit(keys, database, state));
    console.log(`Load of this machine at the end: ${round(loadavg()[0])}`);
  } finally {
    for (const server of servers.reverse()) await server.close();
  }
}
