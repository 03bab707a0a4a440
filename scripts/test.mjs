// `npm test`: sets everything up, then runs build, types, lint and every test. `npm test -- FILE…` runs a part.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkNode, installIfStale, root, run } from './install.mjs';
import { haveEverything } from './machine.mjs';

const started = performance.now();
const sum = { passed: 0, failed: 0 };
/** Files that were named; all where none was. */
const named = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'countersign-test-'));
/** The program that runs now; ended with us. */
let current;

process.once('exit', () => {
  if (current?.exitCode === null && current.signalCode === null) current.kill('SIGTERM');
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
  current = child;
};

/** Build, types and lint count as one test each. */
async function stage(name, work) {
  const start = performance.now();
  const good = await work();
  sum[good ? 'passed' : 'failed'] += 1;
  console.log(`${good ? 'ok' : 'FAILED'}: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
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

async function runTests(env) {
  const counts = join(folder, 'counts.json');
  const specs = named.length > 0 ? named : ['test/**/*.test.{ts,tsx}'];
  const reporter = ['--reporter', join(root, 'scripts', 'reporter.mjs')];
  // Without the node-option of its configuration mocha starts no second process, which would outlive ours.
  const { 'node-option': _, ...config } = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8'));
  const own = join(folder, 'mocharc.json');
  writeFileSync(own, JSON.stringify(config));
  const args = ['--config', own, '--forbid-only', ...reporter, ...specs];
  const code = await run(
    process.execPath,
    ['--import', 'tsx', join(root, 'node_modules/mocha/bin/mocha.js'), ...args],
    {
      env: { ...env, COUNTS_FILE: counts },
      onStart,
    },
  );
  const told = countsOf(counts);
  if (told === undefined) {
    console.error(`The tests ended (code ${code}) before they could be counted.`);
    sum.failed += 1;
    return;
  }
  for (const title of told.pending) console.error(`FAILED: skipped: ${title}`);
  sum.passed += told.passed;
  sum.failed += told.failed;
  if (code !== 0 && told.failed === 0) {
    console.error(`Every test passed, but the runner ended with code ${code}.`);
    sum.failed += 1;
  }
}

/** Servers of this run, where the environment names none. They end with this process. */
async function services() {
  // Written in TypeScript and shared with the tests, so it can be read only now that everything is installed.
  const { register } = await import('tsx/esm/api');
  register();
  const { findProgram, startPostgres, startRedis } = await import('../test/support/servers.ts');
  if (!(await haveEverything(findProgram, onStart))) process.exit(1);
  const env = {};
  if ((process.env.TEST_DATABASE_URL ?? '') === '') env.TEST_DATABASE_URL = (await startPostgres()).url;
  if ((process.env.TEST_REDIS_URL ?? '') === '') env.TEST_REDIS_URL = (await startRedis()).url;
  return env;
}

checkNode();
await installIfStale();
const env = await services();
await stage('build', build);
if (named.length === 0) {
  await stage('types', async () => (await program('typescript/bin/tsc', ['--noEmit'])) === 0);
  await stage('lint', async () => (await program('@biomejs/biome/bin/biome', ['check', '.'])) === 0);
} else {
  console.log('Only the named files are run; types and lint are left out.\n');
}
await runTests(env);

const seconds = Math.round((performance.now() - started) / 1000);
console.log(`\nTook ${Math.floor(seconds / 60)} min ${seconds % 60} s.`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed === 0 ? 0 : 1);
