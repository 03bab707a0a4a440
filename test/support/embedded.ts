// Databases of the embedded default that are ready to open: making one takes PGlite six seconds of processor time, copying one a tenth.
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';

/** Where the example configuration and the tests' keep it, below the configuration folder. */
export const EMBEDDED = join('data', 'database');

/**
 * Puts an empty database into `folder`, as PGlite makes it at a first start. The first caller of a run of `npm test` makes it, the
 * others copy it; a file that is run by hand has none, and its server makes its own.
 */
export async function emptyEmbedded(folder: string): Promise<void> {
  const run = process.env.TEST_RUN_FOLDER;
  if (run === undefined || run === '') return;
  const made = join(run, 'embedded');
  if (!existsSync(made)) await make(run, made);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  cpSync(made, folder, { recursive: true });
}

async function make(run: string, made: string): Promise<void> {
  const own = mkdtempSync(join(run, 'embedded-'));
  const pglite = new PGlite({ dataDir: own });
  await pglite.waitReady;
  await pglite.close();
  try {
    renameSync(own, made);
  } catch (error) {
    // Another file of tests was faster.
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(made)) throw error;
  }
}
