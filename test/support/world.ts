// Real provider processes, as an operator starts them: one or two nodes, embedded or on PostgreSQL and Redis, to stop, kill and start again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parse } from 'yaml';
import { openWorld } from '../../src/app/world.ts';
import { createLog } from '../../src/platform/log.ts';
import { addUser } from '../../src/usecases/manage-users.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { EMBEDDED, emptyEmbedded } from './embedded.ts';
import { base, type Files, PASSWORD, readSettings, writeFiles } from './house.ts';
import { freePort, freshDatabase, freshRedis, listens } from './services.ts';

/** One provider process. Every node has the same issuer; its own address is for those who want this very node. */
export interface Node {
  origin: string;
  /** The second port's address, where the world is watched. */
  watch: string;
  /** What it has written so far, both streams. */
  output(): string;
  pid(): number;
  /** SIGTERM, or another signal, and waits for the end; answers the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** SIGKILL: nothing is finished. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** SIGHUP: reads the configuration again. */
  hangUp(): void;
  /** The folder that it reads. */
  folder: string;
}

/** Answer of one run of the command line. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Nodes with one configuration. */
export interface RunningWorld {
  issuer: string;
  folder: string;
  nodes: Node[];
  /** DATABASE_URL and REDIS_URL where the nodes run on servers. */
  environment: { [name: string]: string };
  /** What listens at the issuer's address where `balanced` was asked for. */
  balancer?: Balancer;
  /** Runs `countersign …` to its end with this configuration. */
  cli(args: string[], input?: string): Promise<Ran>;
  /** Adds a person with a password ({@link PASSWORD}). With the embedded default only while no node runs. */
  addPerson(login: string): Promise<void>;
  /** Texts of all mails that were sent, oldest first. */
  mails(): string[];
  close(): Promise<void>;
}

/** What a test may choose. */
export interface WorldOptions {
  backend?: 'embedded' | 'servers';
  /** Two nodes need servers. */
  nodes?: 1 | 2;
  /** The issuer is an address before the nodes, and the test says which node answers what. */
  balanced?: boolean;
  files?: Files;
  logLevel?: 'info' | 'debug';
  /** Each node has a second port, for health and metrics. */
  watched?: boolean;
  /** More environment of every node. */
  environment?: { readonly [name: string]: string };
  /** More keys of server.yaml. */
  server?: object;
  /** More words after `serve`. */
  serve?: string[];
  /** The issuer: the address of a proxy that the test itself puts before the nodes. */
  issuer?: string;
  /** The balancer keeps its connections to the nodes open, as nginx and HAProxy do, and passes over only a node that refuses one. */
  keepAlive?: boolean;
  /** Sign-in names that exist before the first node starts. */
  people?: string[];
}

const PATIENCE = 60_000;
const MAIN = join('dist', 'src', 'main.js');

let built = false;

/** The compiled server, brought up to date once a run. */
function ensureBuilt(): void {
  if (!built) execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
  built = true;
}

/** Starts the nodes. Close them at the end of the suite. */
export async function startWorld(options: WorldOptions = {}): Promise<RunningWorld> {
  ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-world-'));
  const closing: (() => Promise<unknown>)[] = [
    async () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }),
  ];
  const ports = await Promise.all(Array.from({ length: options.nodes ?? 1 }, freePort));
  const behind = options.balanced || options.issuer !== undefined;
  const front = behind ? await freePort() : ports[0];
  const issuer = options.issuer ?? `http://localhost:${front}`;
  const port = {
    'server.yaml': {
      issuer,
      demo: true,
      data_folder: './data',
      log_level: options.logLevel ?? 'info',
      ...options.server,
    },
  };
  writeFiles(folder, { ...base(issuer), ...port, ...options.files });
  const environment: { [name: string]: string } = { ...options.environment };
  if (options.backend === 'servers') {
    const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
    Object.assign(environment, { DATABASE_URL: database.url, REDIS_URL: redis.url });
    closing.push(database.drop, redis.close);
  } else await emptyEmbedded(join(folder, EMBEDDED));
  const cli = (args: string[], input = '') => runCli(folder, environment, args, input);
  const nodes: Node[] = [];
  let balancer: Balancer | undefined;
  const close = async () => {
    for (const step of closing.reverse()) await step();
  };
  try {
    if (options.people?.length) await addPeople(folder, environment, options.people);
    for (const own of ports) {
      const watch = options.watched ? await freePort() : 0;
      const node = createNode(folder, environment, own, { second: own !== front, watch, serve: options.serve ?? [] });
      closing.push(() => node.stop());
      await node.start();
      nodes.push(node);
    }
    if (options.balanced) {
      balancer = await startBalancer(Number(front), ports, options.keepAlive);
      closing.push(balancer.close);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    issuer,
    folder,
    nodes,
    environment,
    ...(balancer === undefined ? {} : { balancer }),
    cli,
    addPerson: (login) => addPeople(folder, environment, [login]),
    mails: () => mailsIn(join(folder, 'data', 'outbox')),
    close,
  };
}

/** What `countersign user add` does, without a process for each of them. */
async function addPeople(folder: string, environment: { [name: string]: string }, logins: string[]): Promise<void> {
  const settings = await readSettings(folder, environment);
  const { world, close } = await openWorld(() => settings, createLog('silent'));
  try {
    for (const login of logins) {
      const about = { name: `Person ${login}`, email: `${login}@example.org`, password: PASSWORD };
      const added = await addUser(world, { login, ...about });
      if (!added.ok) throw new Error(added.why);
    }
  } finally {
    await close();
  }
}

/** @param how.second in the demo PORT would move the issuer, so a second node reads a folder of its own that says `port`. */
function createNode(
  folder: string,
  environment: { [name: string]: string },
  port: number,
  how: { second: boolean; watch: number; serve: string[] },
): Node {
  const { watch } = how;
  const config = how.second ? secondFolder(folder, port) : folder;
  let child: ChildProcess | undefined;
  let said = '';
  process.once('exit', () => child?.kill('SIGKILL'));

  async function start(): Promise<void> {
    const started = spawn(process.execPath, [MAIN, 'serve', '--config', config, ...how.serve], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...clean(environment), ...(watch > 0 ? { WATCH_PORT: String(watch) } : {}) },
    });
    child = started;
    const note = (chunk: Buffer) => {
      said += chunk.toString();
    };
    started.stdout.on('data', note);
    started.stderr.on('data', note);
    const deadline = performance.now() + PATIENCE;
    while (!(await listens(port))) {
      if (started.exitCode !== null || performance.now() > deadline)
        throw new Error(`the node on port ${port} does not start:\n${said}`);
      await wait(20);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => ending.once('exit', resolve));
    ending.kill(signal);
    return gone;
  }

  return {
    origin: `http://localhost:${port}`,
    watch: `http://127.0.0.1:${watch}`,
    output: () => said,
    pid: () => child?.pid ?? 0,
    stop: (signal = 'SIGTERM') => end(signal),
    kill: async () => void (await end('SIGKILL')),
    start,
    hangUp: () => void child?.kill('SIGHUP'),
    folder: config,
  };
}

/** The same files with another port; the data folder, and so the secrets, are shared. */
function secondFolder(folder: string, port: number): string {
  const second = join(folder, `node-${port}`);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  const copies = Object.fromEntries(names.map((name) => [name, parsed(join(folder, name))]));
  const server = { ...copies['server.yaml'], port, data_folder: join(folder, 'data') };
  const mail = {
    from: 'Test <test@localhost>',
    transport: { kind: 'outbox', folder: join(folder, 'data', 'outbox'), console: false },
  };
  writeFiles(second, { ...copies, 'server.yaml': server, 'mail.yaml': mail });
  return second;
}

function parsed(file: string): object {
  return parse(readFileSync(file, 'utf8')) as object;
}

/** The machine's own settings must not leak into a test. */
function clean(environment: { [name: string]: string }): NodeJS.ProcessEnv {
  const { PORT: _p, HOST: _h, DATABASE_URL: _d, REDIS_URL: _r, COUNTERSIGN_CONFIG: _c, ...rest } = process.env;
  return { ...rest, ...environment };
}

function runCli(folder: string, environment: { [name: string]: string }, args: string[], input: string): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...clean(environment), COUNTERSIGN_CONFIG: folder };
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
    const ran = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      ran.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      ran.stderr += chunk.toString();
    });
    child.stdin.end(input);
    child.once('close', (code) => resolve({ code: code ?? 1, ...ran }));
  });
}

function mailsIn(outbox: string): string[] {
  try {
    return readdirSync(outbox)
      .sort()
      .map((name) => readFileSync(join(outbox, name), 'utf8'));
  } catch {
    return [];
  }
}
