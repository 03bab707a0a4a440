// The three that are compared: ours on PostgreSQL and Redis, a bare oidc-provider in memory, and one on plain Redis.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openWorld } from '../src/app/world.ts';
import { createLog } from '../src/platform/log.ts';
import { newEncryptionKeys, newSecret } from '../src/settings/demo-secrets.ts';
import { loadSettings } from '../src/settings/load.ts';
import { formatProblem } from '../src/settings/problems.ts';
import { addUser } from '../src/usecases/manage-users.ts';
import { freePort } from '../test/support/servers.ts';
import { type BenchKeys, HASH, PERSON, REDIRECT, RESOURCE, RESOURCE_SCOPE } from './keys.ts';

/** A server under measurement. */
export interface Contestant {
  name: string;
  origin: string;
  pid: number;
  /** Processes that belong to it and are none of its children: a second node, a proxy. */
  others?: number[];
  /** PEM of the authority that signed its certificate, where it speaks TLS. */
  ca?: string;
  /** From its start to its first answer, in milliseconds. */
  coldStart: number;
  stop(): Promise<void>;
}

/** Secrets of ours alone: nodes that run side by side have the same. */
const OWN = { encryption: await newEncryptionKeys(), kek: newSecret(), pepper: newSecret() };

/** How long a start may take, in milliseconds. */
const PATIENCE = 60_000;

/** Starts a compiled server and waits for its first discovery document. */
async function start(name: string, port: number, args: string[], env: { [name: string]: string }): Promise<Contestant> {
  const origin = `http://localhost:${port}`;
  const began = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production', ...env },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  process.once('exit', () => child.kill('SIGKILL'));
  while (!(await answers(origin))) {
    if (child.exitCode !== null || performance.now() - began > PATIENCE)
      throw new Error(`${name} does not start:\n${said}`);
    await wait(5);
  }
  return { name, origin, pid: child.pid ?? 0, coldStart: performance.now() - began, stop: () => ended(child) };
}

async function answers(origin: string): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/.well-known/openid-configuration`);
    await answer.text();
    return answer.ok;
  } catch {
    return false;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** A bare oidc-provider. @param redisUrl for the one on plain Redis. */
export async function control(keys: BenchKeys, redisUrl?: string): Promise<Contestant> {
  const port = await freePort();
  const [name, kind] = redisUrl === undefined ? ['bare, memory', 'memory'] : ['bare, plain Redis', 'redis'];
  const env = { BENCH_KEYS: JSON.stringify(keys), ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }) };
  return start(name, port, ['--import', 'tsx', 'bench/control.ts', `${port}`, kind], env);
}

/** What one way of running ours has beyond the plain one. */
export interface Way {
  name: string;
  /** More words after `serve`. */
  serve?: string[];
  /** The issuer where something stands before the nodes. */
  issuer?: string;
  /** The port of the node itself. */
  port?: number;
  /** `state` of storage.yaml, instead of REDIS_URL. */
  state?: object;
  /** More of server.yaml. */
  server?: object;
  /** A person is there from a run before on the same database. */
  peopleAreThere?: boolean;
}

/** Ours, as an operator would run it: no demo, audit and limits on. */
export async function ours(
  keys: BenchKeys,
  databaseUrl: string,
  redisUrl: string,
  way: Way = { name: 'Countersign' },
): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const port = way.port ?? (await freePort());
  const files: { [path: string]: object } = await configuration(keys, way.issuer ?? `http://localhost:${port}`);
  files['server.yaml'] = { ...files['server.yaml'], port, ...way.server };
  if (way.state) files['storage.yaml'] = { state: way.state };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    // JSON is YAML.
    writeFileSync(join(folder, path), JSON.stringify(content));
  }
  const watch = `${await freePort()}`;
  const env = {
    DATABASE_URL: databaseUrl,
    WATCH_PORT: watch,
    ...(way.state ? {} : { REDIS_URL: redisUrl }),
  };
  if (way.peopleAreThere !== true) await addPerson(folder, env);
  return start(way.name, port, ['dist/src/main.js', 'serve', '--config', folder, ...(way.serve ?? [])], env);
}

async function configuration(keys: BenchKeys, issuer: string): Promise<{ [path: string]: object }> {
  const confidential = { token_endpoint_auth_method: 'client_secret_basic' };
  return {
    'server.yaml': { issuer, data_folder: './data', log_level: 'warn' },
    'keys.yaml': {
      signing: JSON.stringify(keys.signing),
      encryption: OWN.encryption,
      cookies: [{ secret: keys.cookie }],
      kek: [{ id: 'k1', secret: OWN.kek }],
      peppers: [{ id: 'p1', secret: OWN.pepper }],
    },
    // All of it comes from one address, which an operator's people do not.
    'limits.yaml': { sign_in_address: { points: 1_000_000 } },
    'methods.yaml': { password: { memory_kib: HASH.memoryCost, passes: HASH.timeCost } },
    'mail.yaml': { from: 'Bench <bench@localhost>', transport: { kind: 'outbox', folder: './data/outbox' } },
    'clients/bench-web.yaml': {
      ...confidential,
      client_id: keys.web.id,
      client_secret: keys.web.secret,
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code'],
      first_party: true,
    },
    'clients/bench-machine.yaml': {
      ...confidential,
      client_id: keys.machine.id,
      client_secret: keys.machine.secret,
      grant_types: ['client_credentials'],
    },
    'resources/api.yaml': { identifier: RESOURCE, name: 'Bench API', scopes: { [RESOURCE_SCOPE]: {} } },
  };
}

async function addPerson(folder: string, env: { [name: string]: string }): Promise<void> {
  const loaded = loadSettings(folder, env);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  const { world, close } = await openWorld(() => loaded.settings, createLog('silent'));
  try {
    const added = await addUser(world, { ...PERSON, name: 'Bench' });
    if (!added.ok) throw new Error(`the person of the bench: ${added.why}`);
  } finally {
    await close();
  }
}
