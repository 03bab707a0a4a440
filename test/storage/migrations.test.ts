// Migrations: the same list from source and built, and several nodes that start at once on one empty database.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Secret } from '../../src/settings/secret.ts';
import { type Database, openDatabase } from '../../src/storage/postgres/database.ts';
import { migrationNames } from '../../src/storage/postgres/migrations.ts';
import { freshDatabase } from '../support/services.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const SOURCES = migrationNames(readdirSync(join(ROOT, 'migrations')));

const open = (url: string): Promise<Database> =>
  openDatabase({ kind: 'postgres', url: new Secret(url, 'test'), poolMax: 4 });

/** What a node that runs from `root` answers to a statement of this module, as JSON. */
async function elsewhere(root: string, script: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root });
  return JSON.parse(stdout);
}

describe('migrations', function () {
  this.timeout(120_000);

  it('applied from source are the same list to a built node: nothing is pending there', async () => {
    // Built here, below the root (so that packages are found): a test does not depend on what an earlier build left.
    mkdirSync(join(ROOT, 'data'), { recursive: true });
    const built = mkdtempSync(join(ROOT, 'data', 'built-'));
    const fresh = await freshDatabase();
    try {
      await run(process.execPath, [
        TSC,
        ...['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', built, '--rootDir', ROOT, '--sourceMap'],
      ]);
      const files = readdirSync(join(built, 'migrations'));
      expect(files.some((file) => file.endsWith('.js.map'))).to.equal(true);
      expect(migrationNames(files)).to.deep.equal(SOURCES);
      const database = await open(fresh.url);
      expect(await database.migrate()).to.deep.equal(SOURCES);
      await database.close();
      const status = await elsewhere(
        built,
        `const { openDatabase } = await import('./src/storage/postgres/database.js');
         const database = await openDatabase({ kind: 'postgres', url: { reveal: () => '${fresh.url}' }, poolMax: 2 });
         const applied = await database.migrate();
         console.log(JSON.stringify({ applied, ...(await database.status()) }));
         await database.close();`,
      );
      expect(status).to.deep.equal({ applied: [], done: SOURCES, pending: [] });
    } finally {
      rmSync(built, { recursive: true, force: true });
      await fresh.drop();
    }
  });

  it('run once when five nodes start at once, also where one died while it migrated', async () => {
    const fresh = await freshDatabase();
    const nodes = await Promise.all(Array.from({ length: 5 }, () => open(fresh.url)));
    try {
      const applied = await Promise.all(nodes.map((node) => node.migrate()));
      expect(applied.filter((names) => names.length > 0)).to.deep.equal([SOURCES]);
      const [first] = nodes;
      if (!first) throw new Error('no node');
      expect(await first.status()).to.deep.equal({ done: SOURCES, pending: [] });
      const { rows } = await first.knex.raw('select name from migrations order by name');
      expect(rows.map(({ name }: { name: string }) => name)).to.deep.equal(SOURCES);
      // What a node that died leaves: the lock in knex's own table.
      await first.knex.raw('update migrations_lock set is_locked = 1');
      await first.rollback('last');
      await first.knex.raw('update migrations_lock set is_locked = 1');
      const again = await Promise.all(nodes.map((node) => node.migrate()));
      expect(again.filter((names) => names.length > 0)).to.deep.equal([SOURCES]);
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
      await fresh.drop();
    }
  });
});
