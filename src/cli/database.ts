// `countersign db …`: migrations, up and down, and what a restored backup needs.
import type { Command } from 'commander';
import { type Database, openDatabase } from '../storage/postgres/database.ts';
import { acceptRestored } from '../usecases/accept-restored.ts';
import { readSettings } from './read-settings.ts';
import { withWorld } from './with-world.ts';

/** Adds the `db` commands to the program. */
export function addDatabaseCommands(program: Command, print: (line: string) => void): void {
  const db = program.command('db').description('the database: status, migrate, rollback, restored');
  const each = (name: string, description: string, work: (database: Database) => Promise<string[]>) =>
    db
      .command(name)
      .description(description)
      .option('--config <folder>', 'configuration folder')
      .action(async (options: { config?: string }) => {
        const settings = await readSettings(options.config);
        const database = await openDatabase(settings.storage.database);
        try {
          for (const line of await work(database)) print(line);
        } finally {
          await database.close();
        }
      });
  each('status', 'which migrations are applied and which are waiting', async (database) => {
    const { done, pending } = await database.status();
    return [...done.map((name) => `applied  ${name}`), ...pending.map((name) => `waiting  ${name}`)];
  });
  each('migrate', 'apply the migrations that are waiting', async (database) => {
    const names = await database.migrate();
    return names.length > 0 ? names.map((name) => `applied  ${name}`) : ['nothing to do'];
  });
  db.command('restored')
    .description('after a backup was restored: phones that were used since then are not taken for copies')
    .option('--config <folder>', 'configuration folder')
    .action(async (options: { config?: string }) => {
      const phones = await withWorld(options.config, acceptRestored);
      print(
        `${phones} phone${phones === 1 ? '' : 's'} may go on: each with its PIN or biometric, once without the proof that it is no copy`,
      );
    });
  each('rollback', 'take the last batch of migrations back', async (database) => {
    const names = await database.rollback();
    return names.length > 0 ? names.map((name) => `taken back  ${name}`) : ['nothing to do'];
  });
}
