// Two real nodes on real servers of their own, with people whose phones are enrolled: what one fault is brought upon.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { type Opened, openWorld } from '../../src/app/world.ts';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { createLog } from '../../src/platform/log.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { addUser } from '../../src/usecases/manage-users.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { PIN } from '../interactions/with-phone.ts';
import { PASSWORD } from '../support/house.ts';
import { startSentinels, type TestSentinels, until } from '../support/redis-together.ts';
import { startPostgres, startRedis, startStandby, type TestServer } from '../support/services.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';
import { type CutLine, layCutLine } from './cut-line.ts';

/** What a fault needs. Redis `kept` has an append-only file; `watched` is a primary with a replica and three Sentinels. */
export interface Needs {
  redis?: 'plain' | 'kept' | 'watched';
  /** With a synchronous standby. */
  standby?: boolean;
  /** Nodes reach their stores by lines that can lose answers. */
  lines?: boolean;
  /** Keys of `shutdown` in server.yaml, in seconds. */
  shutdown?: { delay: number; grace: number };
}

/** A person with a phone. */
export interface Person {
  id: string;
  login: string;
  phone: HeadlessPhone;
}

/** Where the faults happen. */
export interface Stage {
  world: RunningWorld;
  issuer: string;
  nodes: [Node, Node];
  /** The Redis that is written to, and the one that follows it where there is one; a fault that changes their places writes that here. */
  redis: { primary: TestServer; replica?: TestServer; sentinels?: TestSentinels };
  postgres: { primary: TestServer; standby?: TestServer };
  lines: { redis?: CutLine; postgres?: CutLine };
  /** Adds a person with one phone. */
  person(login: string): Promise<Person>;
  /** The link of an offer to enrol one more phone. */
  offer(userId: string): Promise<string>;
  /** One more phone of a person, enrolled. */
  phoneOf(userId: string): Promise<HeadlessPhone>;
  /** Asks the database that is primary. */
  ask<T>(statement: string, values?: string[]): Promise<T[]>;
  /** Whether a node says that it is ready; false where it does not answer within a second. */
  isReady(node: Node): Promise<boolean>;
  close(): Promise<void>;
}

/** Nothing here may be slowed down by limits: all of it comes from one address. */
const LIMITS = Object.fromEntries(
  ['device_api_address', 'sign_in_address', 'password_address', 'password_person', 'push_short', 'push_day'].map(
    (rule) => [rule, { points: 1_000_000 }],
  ),
);

/** Milliseconds between two looks of the balancer at readiness, and how long one may take. */
const LOOK = { every: 200, timeout: 1000 };

async function openServers(needs: Needs) {
  const settings = needs.standby ? { synchronous_standby_names: '*', synchronous_commit: 'on' } : {};
  const primary = await startPostgres({ durable: needs.standby !== true, settings });
  const standby = needs.standby ? await startStandby(primary) : undefined;
  if (needs.redis === 'watched') {
    const sentinels = await startSentinels();
    return { primary, standby, redis: { primary: sentinels.primary, replica: sentinels.replica, sentinels } };
  }
  const redis = await startRedis({ durable: needs.redis === 'kept', settings: { dbfilename: 'dump.rdb' } });
  return { primary, standby, redis: { primary: redis } };
}

/** Sets everything up. Close it at the end. */
export async function openStage(needs: Needs): Promise<Stage> {
  const { primary, standby, redis } = await openServers(needs);
  const lines = needs.lines
    ? { redis: await layCutLine(redis.primary.url), postgres: await layCutLine(primary.url) }
    : {};
  const hosts = [primary, standby].flatMap((server) => (server ? [`127.0.0.1:${server.port}`] : []));
  const databaseUrl = lines.postgres?.url ?? `postgres://postgres@${hosts.join(',')}/postgres`;
  const sentinels = 'sentinels' in redis ? redis.sentinels : undefined;
  const world = await startWorld({
    nodes: 2,
    balanced: true,
    keepAlive: true,
    watched: true,
    environment: {
      DATABASE_URL: databaseUrl,
      ...(sentinels ? {} : { REDIS_URL: lines.redis?.url ?? redis.primary.url }),
    },
    files: {
      'limits.yaml': LIMITS,
      'devices.yaml': { kdf_iterations: 1000, devices_per_account: 50 },
      ...(sentinels ? { 'storage.yaml': { state: { sentinel: { name: 'main', nodes: sentinels.nodes } } } } : {}),
    },
    server: { shutdown: needs.shutdown ?? { delay: 0, grace: 2 } },
  });
  const own = await ownWorld(world);
  const isReady = (node: Node) =>
    fetch(`${node.watch}/health/ready`, { signal: AbortSignal.timeout(LOOK.timeout) }).then(
      ({ ok }) => ok,
      () => false,
    );
  // As a proxy does that looks at readiness: what is new goes in turn to the nodes that say yes, and to any where none does.
  let ready = [true, true];
  let turn = 0;
  world.balancer?.route(() => {
    const open = [0, 1].filter((place) => ready[place]);
    turn += 1;
    return (open.length > 0 ? open : [0, 1])[turn % (open.length || 2)] ?? 0;
  });
  let looking = true;
  const look = (async () => {
    while (looking) {
      ready = await Promise.all(world.nodes.map(isReady));
      await wait(LOOK.every);
    }
  })();
  const phoneOf = async (userId: string) => {
    const phone = new HeadlessPhone({ origin: world.issuer, state: memoryStore() });
    await phone.enrol({ link: await offer(userId) }, PIN);
    return phone;
  };
  const offer = async (userId: string) => {
    const offered = { userId, session: `s-${userId}`, name: 'Phone 0', pin: PIN, pinAgain: PIN };
    const started = await startEnrolment(own.world, offered);
    if (!started.ok) throw new Error(started.why);
    return started.link;
  };
  const stage: Stage = {
    world,
    issuer: world.issuer,
    nodes: world.nodes as [Node, Node],
    redis,
    postgres: standby ? { primary, standby } : { primary },
    lines,
    isReady,
    offer,
    phoneOf,
    async person(login) {
      const about = { login, name: `Person ${login}`, email: `${login}@example.org`, password: PASSWORD };
      const added = await addUser(own.world, about);
      if (!added.ok) throw new Error(added.why);
      return { id: added.user.id, login, phone: await phoneOf(added.user.id) };
    },
    async ask<T>(statement: string, values: string[] = []) {
      const client = new pg.Client({ connectionString: stage.postgres.primary.url });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query(statement, values)).rows as T[];
      } finally {
        await client.end();
      }
    },
    async close() {
      looking = false;
      await look;
      await world.close();
      await own.close();
      await Promise.all([lines.redis?.close(), lines.postgres?.close()]);
      await sentinels?.close();
      if (!sentinels) await redis.primary.close();
      await Promise.all([stage.postgres.standby?.close(), stage.postgres.primary.close()]);
    },
  };
  await until('both nodes are ready', async () => (await Promise.all(world.nodes.map(isReady))).every(Boolean));
  return stage;
}

/** The stores as the nodes see them: the operator's part and the account page's are done in this process. */
async function ownWorld({ folder, environment }: RunningWorld): Promise<Opened> {
  const loaded = loadSettings(folder, environment);
  if (!loaded.ok) throw new Error('the configuration is not right');
  return openWorld(() => loaded.settings, createLog('silent'));
}
