// Throw-away PostgreSQL and Redis servers: free ports, temporary folders, ended by their process id, at the latest when this process ends.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

/** A server that a test may stop, kill and start again on the same port with the same data. */
export interface TestServer {
  url: string;
  port: number;
  folder: string;
  /** Process id of the running server. */
  pid(): number;
  /** Ends it in good order; its data stay for {@link TestServer.start}. */
  stop(): Promise<void>;
  /** Ends it as a power cut would (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again after stop or kill; resolves when it answers. */
  start(): Promise<void>;
  /** Ends it and deletes its folder. */
  close(): Promise<void>;
}

/** Executables that are not on the PATH of everybody. */
const EXTRA_FOLDERS = ['/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * The first executable of these names on the PATH or in the usual folders.
 * @returns its path, undefined where there is none.
 */
export function findProgram(...names: string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_FOLDERS, ...postgresFolders()];
  for (const name of names) {
    for (const folder of folders) {
      if (folder !== '' && executable(join(folder, name))) return join(folder, name);
    }
  }
  return undefined;
}

/** Debian keeps PostgreSQL's own programs off the PATH; the newest version comes first. */
function postgresFolders(): string[] {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join('/usr/lib/postgresql', version, 'bin'));
  } catch {
    return [];
  }
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function required(...names: string[]): string {
  const found = findProgram(...names);
  if (found === undefined)
    throw new Error(`${names.join(' or ')} is not on this machine; \`npm test\` installs it or says how`);
  return found;
}

/** A port of 127.0.0.1 that nobody listens on now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

// ── What is still running when this process ends ───────────────────────────────────────────────────────────────────

const running = new Map<ChildProcess, { folder: string; signal: NodeJS.Signals }>();

function endAll(): void {
  for (const [child, { folder, signal }] of running) {
    child.kill(signal);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  running.clear();
}

process.once('exit', endAll);
process.once('SIGTERM', () => process.exit(143));
process.once('SIGHUP', () => process.exit(129));

/** How one kind of server is run. */
interface Kind {
  command: string;
  args: string[];
  port: number;
  url: string;
  folder: string;
  /** Ends it in good order. */
  gently: NodeJS.Signals;
  owner: { uid: number; gid: number } | undefined;
  answers(): Promise<boolean>;
}

async function supervise(kind: Kind): Promise<TestServer> {
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    if (child !== undefined) return;
    let said = '';
    const started = spawn(kind.command, kind.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: kind.folder,
      ...kind.owner,
    });
    const note = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    };
    started.stdout.on('data', note);
    started.stderr.on('data', note);
    child = started;
    running.set(started, { folder: kind.folder, signal: kind.gently });
    started.once('exit', () => running.delete(started));
    const deadline = performance.now() + 20_000;
    while (!(await kind.answers())) {
      if (started.exitCode !== null) throw new Error(`${kind.command} ended at once:\n${said}`);
      if (performance.now() > deadline)
        throw new Error(`${kind.command} does not answer on port ${kind.port}:\n${said}`);
      await wait(20);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    await gone;
  }

  await start();
  return {
    url: kind.url,
    port: kind.port,
    folder: kind.folder,
    pid: () => child?.pid ?? 0,
    start,
    stop: () => end(kind.gently),
    kill: () => end('SIGKILL'),
    async close() {
      await end(kind.gently);
      rmSync(kind.folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

// ── PostgreSQL ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** PostgreSQL refuses to run as root: there it runs as the user that Debian's package makes. */
function postgresOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }).trim());
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * Starts a PostgreSQL of its own.
 * @param options.durable with fsync, for tests that pull the plug; without it everything is faster.
 * @param options.settings further settings of postgresql.conf.
 */
export async function startPostgres(
  options: { durable?: boolean; settings?: Record<string, string> } = {},
): Promise<TestServer> {
  const initdb = required('initdb');
  const command = required('postgres');
  const owner = postgresOwner();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-pg-'));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const setUp = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
  execFileSync(initdb, setUp, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, ...owner });
  const port = await freePort();
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    max_connections: '300',
    ...(options.durable === true ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const answers = () => answersSql(url);
  return supervise({
    command,
    args: ['-D', data, '-p', `${port}`, '-k', folder, ...flags],
    port,
    url,
    folder,
    gently: 'SIGINT',
    owner,
    answers,
  });
}

/** A standby of a server that {@link startPostgres} started: it follows by streaming, until it is promoted. @param at its port; a free one where it is missing. */
export async function startStandby(primary: TestServer, at?: number): Promise<TestServer> {
  const copy = required('pg_basebackup');
  const command = required('postgres');
  const owner = postgresOwner();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-pg-'));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const from = ['-h', '127.0.0.1', '-p', `${primary.port}`, '-U', 'postgres'];
  const how = ['-D', data, '--write-recovery-conf', '--checkpoint=fast', '--no-sync'];
  execFileSync(copy, [...from, ...how], { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder, ...owner });
  const port = at ?? (await freePort());
  const settings = ['max_connections=300', 'listen_addresses=127.0.0.1', 'fsync=off'].flatMap((one) => ['-c', one]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return supervise({
    command,
    args: ['-D', data, '-p', `${port}`, '-k', folder, ...settings],
    port,
    url,
    folder,
    gently: 'SIGINT',
    owner,
    answers: () => answersSql(url),
  });
}

async function answersSql(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  // A server that goes away while we ask is an answer too, never an uncaught error.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

// ── Redis ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Starts a Redis (or Valkey) of its own.
 * @param options.durable keeps every write over a restart (append-only file, fsync always).
 * @param options.settings further settings of redis.conf.
 * @param options.sentinel makes it a Sentinel with this configuration file, which it rewrites.
 */
export async function startRedis(
  options: { durable?: boolean; settings?: Record<string, string>; sentinel?: string } = {},
): Promise<TestServer> {
  const command = required('redis-server', 'valkey-server');
  const folder = mkdtempSync(join(tmpdir(), 'countersign-redis-'));
  const port = Number(options.settings?.['port'] ?? (await freePort()));
  const listens = { bind: '127.0.0.1', port: `${port}`, dir: folder };
  const stores: Record<string, string> = {
    save: '',
    databases: '64',
    appendonly: options.durable === true ? 'yes' : 'no',
    appendfsync: 'always',
    daemonize: 'no',
    ...options.settings,
  };
  const settings = { ...listens, ...(options.sentinel === undefined ? stores : {}) };
  const args = [
    ...(options.sentinel === undefined ? [] : [options.sentinel, '--sentinel']),
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  ];
  const url = `redis://127.0.0.1:${port}`;
  return supervise({
    command,
    args,
    port,
    url,
    folder,
    gently: 'SIGTERM',
    owner: undefined,
    answers: () => answersPing(port),
  });
}

/** Asks with a bare PING, so that a server that still loads its data does not count as ready. */
async function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(2000, () => socket.destroy());
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      resolve(answer.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
