// A production configuration on this machine: https by a throw-away certificate authority, keys of its own by `countersign keys generate`, no demo.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { type Files, SERVICE, writeFiles } from './house.ts';
import { freePort, freshDatabase, freshRedis, listens } from './services.ts';
import type { Ran } from './world.ts';

const MAIN = join('dist', 'src', 'main.js');
const PATIENCE = 20_000;

/** A production server that can be started, told and closed. */
export interface Production {
  issuer: string;
  /** The second port. */
  watch: string;
  folder: string;
  environment: { [name: string]: string };
  /** The folder that `keys generate` made. */
  secrets: string;
  /** Everything that the server has written so far. */
  output(): string;
  start(): Promise<void>;
  stop(): Promise<number | null>;
  /** Runs one command with this configuration to its end. */
  cli(args: string[], input?: string): Promise<Ran>;
  close(): Promise<void>;
}

/** Makes the certificates: openssl is on every machine that builds Node. */
export function certificates(folder: string): { ca: string; cert: string; key: string } {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '1', '-subj', '/CN=Test CA');
  openssl('req', ...ec, '-keyout', at('tls.key'), '-out', at('tls.csr'), '-subj', '/CN=localhost');
  writeFileSync(at('san.cnf'), 'subjectAltName=DNS:localhost,DNS:mtls.localhost,IP:127.0.0.1\n');
  const sign = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('san.cnf')];
  openssl('x509', '-req', '-in', at('tls.csr'), ...sign, '-days', '1', '-out', at('tls.pem'));
  execFileSync('chmod', ['600', at('tls.key')]);
  return { ca: at('ca.pem'), cert: at('tls.pem'), key: at('tls.key') };
}

/** Writes everything and starts nothing yet. @param server more keys of server.yaml. */
export async function production(server: object = {}, files: Files = {}): Promise<Production> {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const root = mkdtempSync(join(tmpdir(), 'countersign-production-'));
  const folder = join(root, 'config');
  const [port, watch, database, redis] = await Promise.all([freePort(), freePort(), freshDatabase(), freshRedis()]);
  const issuer = `https://localhost:${port}`;
  const { ca, cert, key } = certificates(root);
  writeFiles(folder, {
    'server.yaml': {
      issuer,
      tls: { cert_file: cert, key_file: key },
      log_level: 'info',
      shutdown: { delay: 0 },
      ...server,
    },
    'mail.yaml': { from: 'no-reply@example.org', transport: { kind: 'outbox', folder: './data/outbox' } },
    'clients/payroll.yaml': SERVICE,
    ...files,
  });
  const environment = { DATABASE_URL: database.url, REDIS_URL: redis.url, WATCH_PORT: String(watch) };
  const { PORT: _p, HOST: _h, COUNTERSIGN_CONFIG: _c, ...rest } = process.env;
  const env = { ...rest, ...environment, COUNTERSIGN_CONFIG: folder };
  const cli = (args: string[], input = '') =>
    new Promise<Ran>((resolve) => {
      const child = execFile(process.execPath, [MAIN, ...args], { env, timeout: PATIENCE }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      });
      child.stdin?.end(input);
    });
  const secrets = join(root, 'secrets');
  const generated = await cli(['keys', 'generate', '--folder', secrets]);
  if (generated.code !== 0) throw new Error(generated.stderr);
  writeFileSync(join(folder, 'keys.yaml'), generated.stdout);
  // The test's own requests trust the authority; nothing else of this process does.
  const before = getGlobalDispatcher();
  setGlobalDispatcher(new Agent({ connect: { ca: readFileSync(ca, 'utf8') } }));
  let child: ChildProcess | undefined;
  let said = '';
  process.once('exit', () => child?.kill('SIGKILL'));

  async function stop(): Promise<number | null> {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null) return ending?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => ending.once('exit', resolve));
    ending.kill('SIGTERM');
    return gone;
  }
  async function start(): Promise<void> {
    const started = spawn(process.execPath, [MAIN, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    const deadline = performance.now() + PATIENCE;
    while (!(await listens(port))) {
      if (started.exitCode !== null || performance.now() > deadline) throw new Error(`it does not start:\n${said}`);
      await wait(20);
    }
  }
  return {
    issuer,
    watch: `http://127.0.0.1:${watch}`,
    folder,
    environment,
    secrets,
    output: () => said,
    start,
    stop,
    cli,
    close: async () => {
      await stop();
      setGlobalDispatcher(before);
      await redis.close();
      await database.drop();
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
