// Throw-away Redis servers that belong together: a cluster, and a primary with a replica that Sentinels watch.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort, startRedis, type TestServer } from './servers.ts';

/** Runs commands on one server. */
export async function at<T>(server: { url: string }, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Asks until it holds. */
export async function until(what: string, holds: () => Promise<boolean>, within = 15_000): Promise<void> {
  const end = performance.now() + within;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await wait(50);
  }
}

/** By default a primary waits five seconds for more replicas before it sends its data to the first. */
const AT_ONCE = { 'repl-diskless-sync-delay': '0' };

/** A cluster whose slots are shared out among three primaries. */
export interface TestCluster {
  /** `host:port` of each member, as storage.yaml takes it. */
  nodes: string[];
  primaries: TestServer[];
  /** Of the first primary, where it was asked for. */
  replica?: TestServer;
  close(): Promise<void>;
}

const SHARES = [
  [0, 5460],
  [5461, 10_922],
  [10_923, 16_383],
] as const;

/** Starts three primaries, and a replica of the first where `replica` is true. A primary that is silent for a second is given up. */
export async function startCluster({ replica = false } = {}): Promise<TestCluster> {
  const ports = await Promise.all(Array.from({ length: replica ? 4 : 3 }, () => freePort()));
  const all = await Promise.all(
    ports.map((port) =>
      startRedis({
        settings: { 'cluster-enabled': 'yes', 'cluster-port': `${port}`, 'cluster-node-timeout': '1000', ...AT_ONCE },
      }),
    ),
  );
  const [first, ...others] = all as [TestServer, ...TestServer[]];
  await Promise.all(
    all.map((server, index) =>
      at(server, async (client) => {
        const share = SHARES[index];
        if (share) await client.call('CLUSTER', 'ADDSLOTSRANGE', ...share);
        await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      }),
    ),
  );
  await at(first, async (client) => {
    for (const [index, other] of others.entries())
      await client.call('CLUSTER', 'MEET', '127.0.0.1', other.port, ports[index + 1] ?? 0);
  });
  const healthy = (server: TestServer) =>
    at(server, async (client) => {
      const info = String(await client.cluster('INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${all.length}`);
    });
  await until('the cluster stands', async () => (await Promise.all(all.map(healthy))).every(Boolean));
  const fourth = all[3];
  if (fourth) {
    const id = await at(first, (client) => client.cluster('MYID'));
    await at(fourth, async (client) => {
      await client.call('CLUSTER', 'REPLICATE', String(id));
    });
    await until('the replica follows', () =>
      at(fourth, async (client) => (await client.info('replication')).includes('master_link_status:up')),
    );
  }
  return {
    nodes: all.map(({ port }) => `127.0.0.1:${port}`),
    primaries: all.slice(0, 3),
    ...(fourth ? { replica: fourth } : {}),
    close: async () => {
      await Promise.all(all.map((server) => server.close()));
    },
  };
}

/** A primary, its replica, and three Sentinels that watch them under the name `main`. */
export interface TestSentinels {
  nodes: string[];
  primary: TestServer;
  replica: TestServer;
  /** The plain side of the Sentinels. */
  sentinels: TestServer[];
  /** Waits until the Sentinels name this server. */
  elected(server: TestServer): Promise<void>;
  close(): Promise<void>;
}

/** Files by which they speak TLS to us and among themselves; `users` has their users, of whom `watch` copies and watches. */
export interface Encryption {
  cert: string;
  key: string;
  ca: string;
  users: string;
  watchPassword: string;
}

/** Settings of one server that speaks TLS at a port of its own; the plain port is for tests to look in. */
async function secured(encryption: Encryption | undefined): Promise<Record<string, string>> {
  if (!encryption) return {};
  return {
    'tls-port': `${await freePort()}`,
    'tls-cert-file': encryption.cert,
    'tls-key-file': encryption.key,
    'tls-ca-cert-file': encryption.ca,
    'tls-auth-clients': 'no',
    'tls-replication': 'yes',
    aclfile: encryption.users,
  };
}

/** Starts them. A primary that is silent for half a second is given up. @param encryption TLS and users, where it is about them. */
export async function startSentinels(encryption?: Encryption): Promise<TestSentinels> {
  const reached = new Map<TestServer, string>();
  const start = async (settings: Record<string, string>, tls: Record<string, string>): Promise<TestServer> => {
    const copies = encryption ? { masteruser: 'watch', masterauth: encryption.watchPassword } : {};
    const server = await startRedis({ settings: { ...settings, ...tls, ...copies } });
    reached.set(server, tls['tls-port'] ?? `${server.port}`);
    return server;
  };
  const primary = await start(AT_ONCE, await secured(encryption));
  const replica = await start({ replicaof: `127.0.0.1 ${reached.get(primary)}` }, await secured(encryption));
  const folder = mkdtempSync(join(tmpdir(), 'countersign-sentinel-'));
  const members = await Promise.all(
    [1, 2, 3].map(async (number) => {
      const [port, tls] = [`${await freePort()}`, await secured(encryption)];
      return { number, port, tls, at: tls['tls-port'] ?? port, id: randomBytes(20).toString('hex') };
    }),
  );
  // They are told of the replica and of each other: to find out by themselves takes them five seconds.
  const sentinels = await Promise.all(
    members.map(({ number, port, tls, id }) => {
      const watched = [
        ...Object.entries(tls).map((entry) => entry.join(' ')),
        `sentinel myid ${id}`,
        `sentinel monitor main 127.0.0.1 ${reached.get(primary)} 2`,
        ...(encryption ? ['sentinel auth-user main watch', `sentinel auth-pass main ${encryption.watchPassword}`] : []),
        'sentinel down-after-milliseconds main 500',
        'sentinel failover-timeout main 3000',
        `sentinel known-replica main 127.0.0.1 ${reached.get(replica)}`,
        ...members
          .filter((other) => other.id !== id)
          .map((other) => `sentinel known-sentinel main 127.0.0.1 ${other.at} ${other.id}`),
      ];
      const file = join(folder, `${number}.conf`);
      writeFileSync(file, `${watched.join('\n')}\n`);
      return startRedis({ sentinel: file, settings: { port } });
    }),
  );
  const [first] = sentinels as [TestServer, ...TestServer[]];
  await until('the replica follows, and the Sentinels know of it and of each other', async () => {
    const follows = (await at(replica, (client) => client.info('replication'))).includes('master_link_status:up');
    const all = await Promise.all(
      sentinels.map((sentinel) => at(sentinel, async (client) => String(await client.info('sentinel')))),
    );
    return follows && all.every((info) => info.includes('status=ok') && info.includes('slaves=1,sentinels=3'));
  });
  return {
    nodes: members.map((member) => `127.0.0.1:${member.at}`),
    primary,
    replica,
    sentinels,
    elected: (server) =>
      until(`${server.port} is elected`, async () => {
        const named = await at(first, (client) => client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main'));
        return String((named as string[])[1]) === reached.get(server);
      }),
    close: async () => {
      await Promise.all([...sentinels, replica, primary].map((server) => server.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
