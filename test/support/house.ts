// A whole provider in this process, on a free port, with a configuration folder of its own: the same composition as `serve`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { assemble, type House } from '../../src/app/assemble.ts';
import { createLog } from '../../src/platform/log.ts';
import { ensureDemoSecrets } from '../../src/settings/demo-secrets.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { formatProblem } from '../../src/settings/problems.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { addUser } from '../../src/usecases/manage-users.ts';
import { EMBEDDED, emptyEmbedded } from './embedded.ts';
import { freePort, freshDatabase, freshRedis } from './services.ts';

/** A file of a configuration folder by its path, as what stands in it. */
export type Files = { readonly [path: string]: object };

/** What a test may choose. */
export interface HouseOptions {
  /**
   * `servers`, the default: PostgreSQL and Redis, empty for this test; or servers that the test has started itself, to
   * stop and kill them (without `redisUrl`, `files` say where the state is). `embedded` is for tests that are about it.
   */
  backend?: 'embedded' | 'servers' | { databaseUrl: string; redisUrl?: string };
  /** More files, or other ones, than {@link BASE}. */
  files?: Files | ((port: number) => Files);
  /** Stands before the provider on the same origin: true where it has answered. */
  before?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A running provider. */
export interface RunningHouse {
  issuer: string;
  house: House;
  settings: Settings;
  folder: string;
  environment: { [name: string]: string };
  /** Writes files and takes the folder over as SIGHUP does. */
  reload(files: Files): ReturnType<House['reload']>;
  close(): Promise<void>;
}

/** Password of everybody that {@link person} adds. */
export const PASSWORD = 'a long enough pass phrase';

/** A service without a secret, at an address that nobody serves: tests read the redirect. */
export const SERVICE = {
  client_id: 'payroll',
  client_name: 'Payroll',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://localhost:9/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
  homepage: 'http://localhost:9/',
};

/** A small configuration that hashes quickly. */
export function base(issuer: string): Files {
  return {
    'server.yaml': { issuer, demo: true, data_folder: './data', log_level: 'silent' },
    'methods.yaml': { password: { memory_kib: 1024 } },
    'mail.yaml': {
      from: 'Test <test@localhost>',
      transport: { kind: 'outbox', folder: './data/outbox', console: false },
    },
    'devices.yaml': { kdf_iterations: 1000 },
    'clients/payroll.yaml': SERVICE,
  };
}

/** Writes a configuration folder. */
export function writeFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), stringify(content));
  }
}

/** Settings of a folder, with the secrets of a demo. */
export async function readSettings(folder: string, environment: { [name: string]: string }): Promise<Settings> {
  await ensureDemoSecrets(folder);
  const loaded = loadSettings(folder, environment);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.settings;
}

/** Starts a provider. Close it at the end of the suite. */
export async function startHouse(options: HouseOptions = {}): Promise<RunningHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-house-'));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const { files = {} } = options;
  writeFiles(folder, { ...base(issuer), ...(typeof files === 'function' ? files(port) : files) });
  const closing: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const environment: { [name: string]: string } = {};
  if ((options.backend ?? 'servers') === 'servers') {
    const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
    environment['DATABASE_URL'] = database.url;
    environment['REDIS_URL'] = redis.url;
    closing.push(database.drop, redis.close);
  }
  if (options.backend === 'embedded') await emptyEmbedded(join(folder, EMBEDDED));
  if (typeof options.backend === 'object') {
    environment['DATABASE_URL'] = options.backend.databaseUrl;
    if (options.backend.redisUrl !== undefined) environment['REDIS_URL'] = options.backend.redisUrl;
  }
  const settings = await readSettings(folder, environment);
  const house = await assemble(settings, createLog('silent'));
  closing.push(house.close);
  const answer = house.handler;
  const server = createServer((request, response) => {
    if (!options.before?.(request, response)) void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  closing.push(() => stop(server));
  return {
    issuer,
    house,
    settings,
    folder,
    environment,
    reload: async (files) => {
      writeFiles(folder, files);
      return house.reload(await readSettings(folder, environment));
    },
    close: async () => {
      for (const step of closing.reverse()) await step();
    },
  };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

let people = 0;

/** Adds a person with {@link PASSWORD}; each has a name of their own. */
export async function person(house: House, more: { email?: string } = {}): Promise<{ id: string; login: string }> {
  people += 1;
  const login = `person${people}`;
  const added = await addUser(house.world, {
    login,
    name: `Person ${people}`,
    email: `${login}@example.org`,
    password: PASSWORD,
    ...more,
  });
  if (!added.ok) throw new Error(added.why);
  return { id: added.user.id, login };
}
