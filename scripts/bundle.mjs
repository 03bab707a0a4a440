// Puts the compiled server and its packages into a few files: to find and read some eight hundred small ones takes most of a start, and of every command.
import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { build, stop } from 'esbuild';
import { root } from './install.mjs';

/** What is started: the program, and the thread that reads very many files. Both begin at `src/` as before. */
const ENTRIES = ['main.js', 'settings/ahead-worker.js'];

/** Machine code. It is looked for in node_modules. */
const APART = ['@node-rs/argon2', '@node-rs/bcrypt'];

/** Loaded by name at its first use like those that stay apart, but one with our knex. */
const WITH_US = 'knex-pglite';

/** Drivers of other databases, which knex names and nobody installs. */
const ABSENT = [
  'better-sqlite3',
  'mariadb',
  'mysql',
  'mysql2',
  'oracledb',
  'pg-native',
  'pg-query-stream',
  'sqlite3',
  'tedious',
];

/** What a CommonJS package finds in its file, and a module does not. */
const COMMONJS = `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url);
const { filename: __filename, dirname: __dirname } = import.meta;`;

/**
 * Writes `server/` from `src/` in a folder of compiled files, and lets the entries in `src/` begin there.
 * @param {string} to the folder; `src/`, `interactions/` and `migrations/` in it stay, for who reads or imports them.
 */
export async function bundle(to) {
  const folder = realpathSync(to);
  const outdir = join(folder, 'server');
  const { outputFiles = [] } = await build({
    write: false,
    entryPoints: ENTRIES.map((entry) => join(folder, 'src', entry)),
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    external: [...APART, ...ABSENT],
    banner: { js: COMMONJS },
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [lateStaysApart, staysWhereItWas(folder, outdir)],
  });
  // Its process would stay beside `npm start` for as long as the server runs.
  await stop();
  refuseOtherNames(outputFiles.map(({ text }) => text).join('\n'));
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
  }
  for (const entry of ENTRIES) {
    const from = join(folder, 'src', entry);
    const first = entry === 'main.js' ? '#!/usr/bin/env node\n' : '';
    writeFileSync(from, `${first}import '${relative(dirname(from), join(outdir, entry)).replaceAll(sep, '/')}';\n`);
  }
}

/** A package that is loaded at its first use has nothing to win, and many of them are CommonJS, whose names only Node tells apart. */
const lateStaysApart = {
  name: 'late-stays-apart',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
      kind === 'dynamic-import' && path !== WITH_US ? { path, external: true } : undefined,
    );
  },
};

/** A module of ours that reads files beside it still finds them: it has the address of the file that it was compiled to. */
const staysWhereItWas = (folder, outdir) => ({
  name: 'stays-where-it-was',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(folder + sep)) return undefined;
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const was = JSON.stringify(relative(outdir, path));
      return { contents: text.replaceAll('import.meta.url', `new URL(${was}, import.meta.url).href`), loader: 'js' };
    });
  },
});

/**
 * oidc-provider writes the names of its classes into what it keeps and into its errors, and a bundler may give a class another name
 * where two packages have one of the same.
 * @param {string} bundled all that was written.
 * @throws where that has happened.
 */
export function refuseOtherNames(bundled) {
  const library = join(root, 'node_modules', 'oidc-provider', 'lib');
  const models = readdirSync(join(library, 'models'), { recursive: true }).filter((name) => name.endsWith('.js'));
  const files = [...models.map((name) => join('models', name)), join('helpers', 'errors.js')];
  const classes = files.flatMap((name) => [...readFileSync(join(library, name), 'utf8').matchAll(/\bclass (\w+)/g)]);
  for (const [, name] of classes) {
    const other = new RegExp(`\\bclass (_${name}|${name}\\d+)\\b`).exec(bundled);
    if (other)
      throw new Error(`the bundle calls ${name} of oidc-provider ${other[1]}: what is kept would get another name`);
  }
}
