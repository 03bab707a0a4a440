// `npm run image`: the Dockerfile's own steps in clean roots made of Debian's packages, then the image as an engine would run it. Linux, as root.
//
// There is Debian, Node and npm of the version that FROM names, and nothing of this machine but the network. Each stage is such a root; RUN is run in it
// with namespaces of its own. The image runs as its USER, the root read-only and /tmp in memory, and its HEALTHCHECK is asked.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Instruction, inContext, type Stage, stagesOf, wordsOf } from '../test/support/dockerfile.ts';
import { findProgram, freePort, startPostgres, startRedis } from '../test/support/servers.ts';

/** How long the image may take until it is healthy, and until it has ended, in milliseconds. */
const PATIENCE = 40_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Ends the run with what is wrong. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
  say(`  ✔ ${what}`);
}

// ── Roots ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a stage has set for the steps after it, and for the image. */
interface Built {
  root: string;
  environment: { [name: string]: string };
  folder: string;
  user: string;
  steps: Instruction[];
}

/** Runs a program of this machine and shows what it says only where it fails. */
function run(command: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')} …:\n${stdout}${stderr}`);
}

/** Debian as small as it gets, with Node and npm where the official image has them. @param from such as `node:24-bookworm-slim`. */
function makeBase(folder: string, from: string): string {
  const [, major, suite] = /^node:(\d+)-(\w+)-slim$/.exec(from) ?? [];
  if (major === undefined || suite === undefined)
    throw new Error(`${from} is none of the images that this can stand in for`);
  const root = join(folder, 'base');
  say(`Debian ${suite} …`);
  run('mmdebstrap', ['--variant=minbase', suite, root]);
  say(`Node ${major} …`);
  const unpacked = (spec: string): string => {
    const to = mkdtempSync(join(folder, 'package-'));
    const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', to, spec], { encoding: 'utf8' }).trim();
    run('tar', ['-xzf', join(to, file), '-C', to]);
    return join(to, 'package');
  };
  cpSync(join(unpacked(`node-linux-${process.arch}@${major}`), 'bin/node'), join(root, 'usr/local/bin/node'));
  const npm = join(root, 'usr/local/lib/node_modules/npm');
  cpSync(unpacked('npm@11'), npm, { recursive: true });
  for (const name of ['npm', 'npx'])
    run('ln', ['-s', `../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name)]);
  run('chroot', [root, 'useradd', '--uid', '1000', '--user-group', '--create-home', '--shell', '/bin/bash', 'node']);
  return root;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Where a folder or a file of this machine is seen in a root, for one step. */
interface Mount {
  from: string;
  to: string;
}

/** A shell text that mounts, and then becomes the program in the root. Everything is gone with the namespace. */
function inside(
  built: Built,
  words: string[],
  how: { readOnly?: boolean; mounts?: Mount[]; memory?: string[] } = {},
): string[] {
  const { root } = built;
  const lines = ['set -e', 'mount --make-rprivate /', `mount --bind ${quoted(root)} ${quoted(root)}`];
  for (const { from, to } of how.mounts ?? []) lines.push(`mount --bind ${quoted(from)} ${quoted(root + to)}`);
  if (how.readOnly) lines.push(`mount -o remount,bind,ro ${quoted(root)}`);
  for (const folder of how.memory ?? []) {
    // An engine gives a volume the owner that its folder has in the image.
    lines.push(`owner=$(stat -c 'uid=%u,gid=%g,mode=%a' ${quoted(root + folder)})`);
    lines.push(`mount -t tmpfs -o "$owner" tmpfs ${quoted(root + folder)}`);
  }
  lines.push(`mount -t proc proc ${quoted(`${root}/proc`)}`);
  for (const device of ['null', 'zero', 'random', 'urandom'])
    lines.push(`mount --bind /dev/${device} ${quoted(`${root}/dev/${device}`)}`);
  const environment = Object.entries(built.environment).map(([name, value]) => quoted(`${name}=${value}`));
  const path = quoted('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  const start = `cd ${quoted(built.folder)} && exec env -i ${path} ${environment.join(' ')} ${words.map(quoted).join(' ')}`;
  lines.push(`exec chroot --userspec=${built.user} ${quoted(root)} /bin/sh -c ${quoted(start)}`);
  return ['--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', lines.join('\n')];
}

/** What npm needs of this machine to reach its registry: its own files of settings, and a certificate authority that they name. */
function npmMounts(root: string): Mount[] {
  const setting = (name: string) => execFileSync('npm', ['config', 'get', name], { encoding: 'utf8' }).trim();
  const seen = [
    { from: setting('userconfig'), to: join(homedir(), '.npmrc') },
    { from: setting('globalconfig'), to: '/usr/local/etc/npmrc' },
    { from: '/etc/resolv.conf', to: '/etc/resolv.conf' },
    { from: setting('cafile'), to: setting('cafile') },
  ].filter(({ from }) => from.startsWith('/') && existsSync(from));
  for (const { to } of seen) {
    mkdirSync(join(root, to, '..'), { recursive: true });
    writeFileSync(join(root, to), '', { flag: 'a' });
  }
  return seen;
}

// ── Stages ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function build(stage: Stage, base: string, folder: string, earlier: Map<string, Built>): Built {
  const root = join(folder, stage.name || 'image');
  run('cp', ['-a', '--reflink=auto', base, root]);
  const built: Built = { root, environment: {}, folder: '/', user: 'root', steps: stage.steps };
  for (const { name, text } of stage.steps) {
    if (name === 'ENV') {
      for (const [, key = '', value = ''] of text.matchAll(/(\w+)=(\S+)/g)) built.environment[key] = value;
    } else if (name === 'WORKDIR') {
      built.folder = text;
      mkdirSync(join(root, text), { recursive: true });
    } else if (name === 'USER') built.user = text;
    else if (name === 'COPY') copy(built, text, earlier);
    else if (name === 'RUN') {
      say(`  RUN ${text}`);
      const begun = performance.now();
      run('unshare', inside(built, ['/bin/sh', '-c', text], { mounts: npmMounts(root) }));
      say(`      ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    } else if (!['VOLUME', 'EXPOSE', 'HEALTHCHECK', 'CMD'].includes(name))
      throw new Error(`${name} is not understood here`);
  }
  return built;
}

function copy(built: Built, text: string, earlier: Map<string, Built>): void {
  const words = text.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const [...sources] = words.filter((word) => !word.startsWith('--'));
  const target = sources.pop() ?? '';
  const to = join(built.root, target.startsWith('/') ? target : join(built.folder, target));
  const ignore = readFileSync('.dockerignore', 'utf8');
  for (const source of sources) {
    const stage = from === undefined ? undefined : earlier.get(from);
    if (from !== undefined && !stage) throw new Error(`no stage ${from}`);
    const at = stage ? join(stage.root, source) : source;
    // A file goes into a folder that ends with "/"; of a folder it is always what is in it.
    const place =
      target.endsWith('/') && spawnSync('test', ['-f', at]).status === 0
        ? join(to, source.split('/').at(-1) ?? '')
        : to;
    mkdirSync(join(place, '..'), { recursive: true });
    const filter = (path: string) => stage !== undefined || path === '.' || inContext(relative('.', path), ignore);
    cpSync(at, place, { recursive: true, verbatimSymlinks: true, filter });
  }
}

// ── The image runs ─────────────────────────────────────────────────────────────────────────────────────────────────

/** An image at work. */
interface Running {
  healthy(): boolean;
  /** Its first process, as this machine numbers it. */
  pid(): number;
  said(): string;
  stop(): Promise<number | null>;
}

const stepOf = ({ steps }: Built, name: string): string => steps.findLast((step) => step.name === name)?.text ?? '';

/** Starts it as the manifests of Kubernetes do: only /tmp can be written to. */
function start(built: Built, environment: { [name: string]: string }, mounts: Mount[]): Running {
  const own = { ...built, environment: { ...built.environment, ...environment } };
  const how = { readOnly: true, mounts, memory: ['/tmp'] };
  const child: ChildProcess = spawn('unshare', inside(own, wordsOf(stepOf(built, 'CMD')), how), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const pid = () => Number(execFileSync('ps', ['-o', 'pid=', '--ppid', `${child.pid}`], { encoding: 'utf8' }));
  return {
    said: () => said,
    pid,
    healthy: () =>
      child.exitCode === null &&
      spawnSync('unshare', inside(own, wordsOf(stepOf(built, 'HEALTHCHECK')), how)).status === 0,
    stop: async () => {
      const gone = new Promise<number | null>((done) => child.once('exit', done));
      process.kill(pid(), 'SIGTERM');
      return gone;
    },
  };
}

async function becomesHealthy(running: Running): Promise<boolean> {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await wait(500)) {
    if (running.healthy()) return true;
  }
  say(running.said());
  return false;
}

/** The folder of get-started.md, and what compose.yaml says to change in it. */
async function configuration(folder: string, image: Built, issuer: string): Promise<string> {
  const to = join(folder, 'production');
  execFileSync(
    'chroot',
    [image.root, '/usr/local/bin/node', '/app/dist/src/main.js', 'init', '/made', '--issuer', issuer],
    { stdio: 'ignore' },
  );
  run('mv', [join(image.root, 'made'), to]);
  const change = (file: string, is: RegExp, becomes: string) => {
    const text = readFileSync(join(to, file), 'utf8');
    if (!is.test(text)) throw new Error(`init writes no ${is} into ${file}`);
    writeFileSync(join(to, file), text.replace(is, becomes));
  };
  change('server.yaml', /^data_folder: .*$/m, 'data_folder: /data');
  run('chown', ['-R', '1000:1000', to]);
  return to;
}

async function tryImage(folder: string, image: Built): Promise<void> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  try {
    const [port, watch] = await Promise.all([freePort(), freePort()]);
    const issuer = `http://localhost:${port}`;
    const mounts = [{ from: await configuration(folder, image, issuer), to: '/config' }];
    mkdirSync(join(image.root, 'config'), { recursive: true });
    const stores = { DATABASE_URL: postgres.url, REDIS_URL: redis.url };
    const environment = { ...stores, PORT: `${port}`, WATCH_PORT: `${watch}` };
    const own = { ...image, environment: { ...image.environment, ...environment } };
    const once = (words: string[]) =>
      spawnSync('unshare', inside(own, words, { readOnly: true, mounts, memory: ['/tmp', stepOf(image, 'VOLUME')] }), {
        encoding: 'utf8',
      });
    const migrated = once(['node', 'dist/src/main.js', 'db', 'migrate']);
    must(
      migrated.status === 0,
      `the migration job ends well${migrated.status === 0 ? '' : `\n${migrated.stdout}${migrated.stderr}`}`,
    );
    must(once(['touch', '/app/x']).stderr.includes('Read-only file system'), 'nothing in the root can be written to');
    must(once(['touch', '/data/x', '/tmp/x']).status === 0, 'the volume and /tmp can');
    must(
      once(['npm', '--version']).status === 0 && once(['ls', 'node_modules/typescript']).status !== 0,
      'no package of development is in it',
    );
    const server = start(image, environment, mounts);
    must(await becomesHealthy(server), 'HEALTHCHECK says that it is healthy');
    const status = readFileSync(`/proc/${server.pid()}/status`, 'utf8');
    must(/^Uid:\s+1000\s/m.test(status) && /^NSpid:.*\b1$/m.test(status), 'Node runs as user 1000 and is process 1');
    const metadata = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as { issuer: string };
    must(metadata.issuer === issuer, 'the issuer answers');
    must((await fetch(`${issuer}/phone/`)).ok, 'the phone app is served');
    const code = await server.stop();
    must(code === 0, `SIGTERM ends it with code 0 (${code})`);
    must(!server.healthy(), 'HEALTHCHECK says no where nothing runs');
  } finally {
    await Promise.all([postgres.close(), redis.close()]);
  }
}

async function tryDemo(demo: Built): Promise<void> {
  const port = await freePort();
  const running = start(demo, { ISSUER: 'http://localhost:1', DEMO_PORT: `${port}`, DEMO_CLIENT_SECRET: 'x' }, []);
  must(await becomesHealthy(running), 'the demo is healthy');
  must((await running.stop()) !== null, 'and ends');
}

async function main(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('It takes Linux and root: roots are made, and namespaces.');
  if (findProgram('mmdebstrap') === undefined)
    throw new Error('mmdebstrap is not on this machine: apt-get install mmdebstrap');
  const folder = mkdtempSync(join(tmpdir(), 'countersign-image-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const stages = stagesOf(readFileSync('Dockerfile', 'utf8'));
  const base = makeBase(folder, stages[0]?.from ?? '');
  const built = new Map<string, Built>();
  for (const stage of stages) {
    say(`Stage ${stage.name || 'image'}`);
    if (stage.from !== stages[0]?.from) throw new Error('each stage is expected to start from the same image');
    built.set(stage.name || 'image', build(stage, base, folder, built));
  }
  const [image, demo] = [built.get('image'), built.get('demo')];
  if (!image || !demo) throw new Error('the last stage has no name, and one is called demo');
  say('The image runs');
  await tryImage(folder, image);
  await tryDemo(demo);
  const size = execFileSync('du', ['-sm', image.root, base], { encoding: 'utf8' }).match(/^\d+/gm) ?? [];
  say(`On top of its base the image has ${Number(size[0]) - Number(size[1])} MB.`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
process.exit(0);
