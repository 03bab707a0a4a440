// Builds dist/: the server, the scripts of the pages and the phone app. Does nothing where dist/ is of exactly these sources.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { checkNode, installIfStale, root, run } from './install.mjs';

const DIST = join(root, 'dist');
const STAMP = join(DIST, '.stamp');

/** Everything that dist/ is made of. */
const SOURCES = [
  'src',
  'interactions',
  'phone',
  'migrations',
  'examples',
  'scripts/build.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];

/** Folders whose files other than TypeScript (words, pictures, styles) go along as they are. */
const MIRRORED = ['src', 'interactions', 'migrations', 'examples'];

/** The three compilers; they write to different folders and run side by side. */
const STEPS = [
  { name: 'server', program: 'typescript/bin/tsc', args: ['-p', 'tsconfig.build.json'], needs: 'tsconfig.build.json' },
  {
    name: 'page scripts',
    program: 'vite/bin/vite.js',
    args: viteArgs('interactions'),
    needs: 'interactions/vite.config.ts',
  },
  { name: 'phone app', program: 'vite/bin/vite.js', args: viteArgs('phone'), needs: 'phone/vite.config.ts' },
];

function viteArgs(folder) {
  return ['build', '-c', `${folder}/vite.config.ts`, '--logLevel', 'warn'];
}

function* filesUnder(path) {
  const full = join(root, path);
  if (!existsSync(full)) return;
  const entries = readdirSync(full, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.isDirectory()) yield* filesUnder(join(path, entry.name));
    else yield join(path, entry.name);
  }
}

function sourceFiles() {
  return SOURCES.flatMap((path) => (extname(path) === '' ? [...filesUnder(path)] : [path]));
}

/** A hash of the names and the content of all sources. */
function stampOfSources() {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0]);
  for (const path of sourceFiles()) {
    const content = readFileSync(join(root, path));
    hash.update(`\n${path}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function copyMirrored() {
  for (const path of MIRRORED.flatMap((folder) => [...filesUnder(folder)])) {
    if (/\.(ts|tsx|md)$/.test(path)) continue;
    const target = join(DIST, path);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, path), target);
  }
}

/**
 * Brings dist/ up to date.
 * @returns {Promise<boolean>} false where a step failed; what it said is on the screen.
 */
export async function build() {
  const stamp = stampOfSources();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === stamp) return true;
  const start = performance.now();
  console.log('Building …');
  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  const codes = await Promise.all(STEPS.map(step));
  if (codes.some((code) => code !== 0)) return false;
  copyMirrored();
  writeFileSync(STAMP, stamp);
  console.log(`Built in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
  return true;
}

async function step({ name, program, args, needs }) {
  const missing = [needs, join('node_modules', program)].find((path) => !existsSync(join(root, path)));
  if (missing !== undefined) {
    console.error(`${name}: ${missing} is not there.`);
    return 1;
  }
  const code = await run(process.execPath, [join(root, 'node_modules', program), ...args], {
    env: { NODE_ENV: 'production' },
  });
  if (code !== 0) console.error(`The ${name} could not be built.`);
  return code;
}

// Run by hand (`npm run build`), not imported by another script.
if (relative(fileURLToPath(import.meta.url), argv[1] ?? '') === '') {
  checkNode();
  await installIfStale();
  process.exit((await build()) ? 0 : 1);
}
