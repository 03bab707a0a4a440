// Builds dist/: the server, the scripts of the pages and the phone app. Does nothing where dist/ is of exactly these sources.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { checkNode, installIfStale, root, run } from './install.mjs';

const DIST = join(root, 'dist');
const STAMP = '.stamp';

/** Everything that dist/ is made of. */
const SOURCES = [
  'src',
  'interactions',
  'phone',
  'migrations',
  'examples',
  'packages',
  'docs/relying-services/errors.md',
  'scripts/build.mjs',
  'scripts/bundle.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'package.json',
];

/** Folders whose files other than TypeScript (words, pictures, styles) go along as they are. */
const MIRRORED = ['src', 'interactions', 'migrations', 'examples'];

/** What the command line reads: the page that explains errors, and which version this is. */
const PAGES = ['docs/relying-services/errors.md', 'package.json'];

/** The three compilers; they write to different folders and run side by side. */
const STEPS = [
  {
    name: 'server',
    program: 'typescript/bin/tsc',
    args: (to) => ['-p', 'tsconfig.build.json', '--outDir', to],
    needs: 'tsconfig.build.json',
  },
  {
    name: 'page scripts',
    program: 'vite/bin/vite.js',
    args: viteArgs('interactions', 'assets'),
    needs: 'interactions/vite.config.ts',
  },
  { name: 'phone app', program: 'vite/bin/vite.js', args: viteArgs('phone', 'phone'), needs: 'phone/vite.config.ts' },
];

function viteArgs(folder, output) {
  return (to) => [
    'build',
    '-c',
    `${folder}/vite.config.ts`,
    '--logLevel',
    'warn',
    '--outDir',
    join(to, output),
    '--emptyOutDir',
  ];
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

function copyMirrored(to) {
  const mirrored = MIRRORED.flatMap((folder) => [...filesUnder(folder)]).filter((path) => !/\.(ts|tsx|md)$/.test(path));
  for (const path of [...mirrored, ...PAGES]) {
    const target = join(to, path);
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
  if (read(join(DIST, STAMP)) === stamp) return true;
  const start = performance.now();
  console.log('Building …');
  // Built aside and moved in whole: a server that runs from dist/ never sees half of it, and a failed build changes nothing.
  const fresh = join(root, 'node_modules', `.build-${process.pid}`);
  try {
    const codes = await Promise.all(STEPS.map((step) => compile(step, fresh)));
    if (codes.some((code) => code !== 0)) return false;
    // Loaded here: before the packages are installed there is no bundler.
    const { bundle } = await import('./bundle.mjs');
    if (!(await done('bundle', bundle(fresh)))) return false;
    copyMirrored(fresh);
    writeFileSync(join(fresh, STAMP), stamp);
    moveIn(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  console.log(`Built in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
  return true;
}

/** Whether a step that throws has gone well. */
function done(name, work) {
  return work.then(
    () => true,
    (error) => {
      console.error(`The ${name} could not be built: ${error.message}`);
      return false;
    },
  );
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function moveIn(fresh) {
  const old = `${fresh}-old`;
  if (existsSync(DIST)) renameSync(DIST, old);
  renameSync(fresh, DIST);
  rmSync(old, { recursive: true, force: true });
}

async function compile({ name, program, args, needs }, to) {
  const missing = [needs, join('node_modules', program)].find((path) => !existsSync(join(root, path)));
  if (missing !== undefined) {
    console.error(`${name}: ${missing} is not there.`);
    return 1;
  }
  const compiler = [join(root, 'node_modules', program), ...args(to)];
  const code = await run(process.execPath, compiler, { env: { NODE_ENV: 'production' } });
  if (code !== 0) console.error(`The ${name} could not be built.`);
  return code;
}

// Run by hand (`npm run build`), not imported by another script.
if (relative(fileURLToPath(import.meta.url), argv[1] ?? '') === '') {
  checkNode();
  await installIfStale();
  process.exit((await build()) ? 0 : 1);
}
