// `npm test`: sets everything up, then runs build, types, lint and every test. `npm test -- FILE…` runs a part.
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { build } from './build.mjs';
import { checkNode, installIfStale, root, run } from './install.mjs';
import { haveEverything } from './machine.mjs';

const started = performance.now();
const sum = { passed: 0, failed: 0 };
/** What failed, told again at the end: by then it stands far up. */
const broken = [];
/** Files that were named; all where none was. */
const named = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'));
/** The programs that run now; ended with us. */
const running = new Set();

process.once('exit', () => {
  for (const one of running) one.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.once(signal, () => process.exit(code));
}

const onStart = (child) => {
  running.add(child);
  child.once('exit', () => running.delete(child));
};

const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);

/** Build, types and lint count as one test each. */
async function stage(name, work) {
  const start = performance.now();
  const good = await work();
  sum[good ? 'passed' : 'failed'] += 1;
  console.log(`${good ? 'ok' : 'FAILED'}: ${name} (${seconds(start)} s)\n`);
}

const program = (path, args, env = {}) =>
  run(process.execPath, [join(root, 'node_modules', path), ...args], { env, onStart });

function countsOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Folders that take longest, each in so many runs: they begin first, so that none of them is left alone at the end. */
const LONG = {
  phone: 3,
  journeys: 2,
  operating: 2,
  provider: 2,
  storage: 2,
  api: 1,
  interactions: 1,
  'relying-services': 1,
};
/** All other folders, in so many runs together: to load the whole provider anew for a few small files takes longer than they do. */
const REST = { name: 'rest', count: 3 };
const TEST = /\.test\.tsx?$/;

/** The runs of test files, longest first. */
function parts() {
  const all = new Map();
  for (const { name, parentPath } of readdirSync(join(root, 'test'), { withFileTypes: true, recursive: true })) {
    if (!TEST.test(name)) continue;
    const path = relative(root, join(parentPath, name));
    const folder = path.split(sep)[1];
    const run = Object.hasOwn(LONG, folder) ? folder : REST.name;
    all.set(run, [...(all.get(run) ?? []), path]);
  }
  const runs = [];
  for (const [name, count] of [...Object.entries(LONG), [REST.name, REST.count]]) {
    const files = (all.get(name) ?? []).sort();
    for (let part = 0; part < count; part += 1) {
      const named = count === 1 ? name : `${name}-${part + 1}`;
      runs.push({ name: named, files: files.filter((_, index) => index % count === part) });
    }
  }
  return runs.filter(({ files }) => files.length > 0);
}

/** Runs at one time: one more than there are processors keeps all of them busy. With still more each waits longer, and no run ends sooner. */
const AT_ONCE = Math.min(6, availableParallelism() + 1);

/** The parts, `AT_ONCE` of them at a time; one lane begins when `late` has ended. */
async function runTests(env, late) {
  const waiting = parts();
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const told = join(folder, `${next.name}.txt`);
      const output = openSync(told, 'w');
      const start = performance.now();
      await runFiles(next.name, next.files, env, output);
      closeSync(output);
      console.log(`\n── tests: ${next.name} (${seconds(start)} s)\n${readFileSync(told, 'utf8')}`);
    }
  };
  await Promise.all([late.then(lane), ...Array.from({ length: AT_ONCE - 1 }, lane)]);
}

/** Without the node-option of its configuration mocha starts no second process, which would outlive ours. */
function mochaConfig() {
  const own = join(folder, 'mocharc.json');
  if (!existsSync(own)) {
    const { 'node-option': _, ...config } = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8'));
    writeFileSync(own, JSON.stringify(config));
  }
  return own;
}

async function runFiles(name, specs, env, output) {
  const counts = join(folder, `${name}.json`);
  const reporter = ['--reporter', join(root, 'scripts', 'reporter.mjs')];
  const args = ['--config', mochaConfig(), '--forbid-only', ...reporter, ...specs];
  const code = await run(
    process.execPath,
    ['--import', 'tsx', join(root, 'node_modules/mocha/bin/mocha.js'), ...args],
    {
      env: { ...env, COUNTS_FILE: counts },
      onStart,
      ...(output === undefined ? {} : { output }),
    },
  );
  const told = countsOf(counts);
  if (told === undefined) {
    console.error(`FAILED: the tests of ${name} ended (code ${code}) before they could be counted.`);
    sum.failed += 1;
    return;
  }
  for (const title of told.pending) console.error(`FAILED: skipped: ${title}`);
  sum.passed += told.passed;
  sum.failed += told.failed;
  broken.push(...told.failures.map((failure) => ({ ...failure, name, passedIn: told.passedIn[failure.file] ?? 0 })));
  if (code !== 0 && told.failed === 0) {
    console.error(`FAILED: every test of ${name} passed, but the runner ended with code ${code}.`);
    sum.failed += 1;
  }
}

/** More files than these have not met with an overloaded machine: they are broken. */
const ONCE_MORE = 5;

/**
 * Runs the files in which a test failed once more, each by itself with nothing beside it. What passes then counts as passed, and is told as
 * unsteady with what it said before: browsers and servers that share two processors now and then miss every patience. What fails again has
 * failed, and no test gets a third try.
 */
async function onceMore(env) {
  const files = new Set(broken.map(({ file }) => file));
  if (files.size === 0 || files.size > ONCE_MORE || files.has(undefined)) return;
  for (const file of files) {
    const first = broken.filter((failure) => failure.file === file);
    sum.passed -= first[0].passedIn;
    sum.failed -= first.length;
    broken.splice(0, broken.length, ...broken.filter((failure) => failure.file !== file));
    const before = sum.failed;
    console.log(`\n── once more, alone: ${relative(root, file)}`);
    await runFiles(`once-more-${relative(root, file).replaceAll(sep, '-')}`, [relative(root, file)], env);
    if (sum.failed > before) continue;
    for (const { title, why } of first) console.log(`\nUNSTEADY, passed when it ran alone: ${title}\n${why}`);
  }
}

/** Servers of this run, where the environment names none. They end with this process. */
async function services() {
  // Written in TypeScript and shared with the tests, so it can be read only now that everything is installed.
  const { register } = await import('tsx/esm/api');
  register();
  const { findProgram, startPostgres, startRedis } = await import('../test/support/servers.ts');
  if (!(await haveEverything(findProgram, onStart))) process.exit(1);
  const env = { TEST_RUN_FOLDER: folder };
  if ((process.env.TEST_DATABASE_URL ?? '') === '') env.TEST_DATABASE_URL = (await startPostgres()).url;
  if ((process.env.TEST_REDIS_URL ?? '') === '') env.TEST_REDIS_URL = (await startRedis()).url;
  return env;
}

checkNode();
await installIfStale();
// Installing programs is waiting for the network: the processors do what needs none of them.
const machine = services();
await stage('build', build);
if (named.length > 0) {
  console.log('Only the named files are run; types and lint are left out.\n');
  await runFiles('named', named, await machine);
} else {
  const checks = (async () => {
    await stage('types', async () => (await program('typescript/bin/tsc', ['--noEmit'])) === 0);
    await stage('lint', async () => (await program('@biomejs/biome/bin/biome', ['check', '.'])) === 0);
  })();
  await runTests(await machine, checks);
  await onceMore(await machine);
}

for (const { name, title, why } of broken) console.log(`\nFAILED in ${name}: ${title}\n${why}`);
const took = Math.round((performance.now() - started) / 1000);
console.log(`\nTook ${Math.floor(took / 60)} min ${took % 60} s.`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed === 0 ? 0 : 1);
