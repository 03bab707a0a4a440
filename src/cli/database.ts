// `countersign db …`: migrations, up and down, and what a restored backup needs.
import type { Command } from 'commander';
import { type Database, openDatabase } from '../storage/postgres/database.ts';
import { acceptRestored } from '../usecases/accept-restored.ts';
import { readSettings } from './read-settings.ts';
import { withWorld } from './with-world.ts';

interface Options {
  config?: string;
  json?: true;
  to?: string;
  everything?: true;
}

/** What a command answers: as JSON, and as lines. */
interface Answer {
  facts: object;
  lines: string[];
}

/** Adds the `db` commands to the program. */
export function addDatabaseCommands(program: Command, print: (line: string) => void): void {
  const db = program.command('db').description('the database: status, migrate, rollback, restored');
  const each = (name: string, description: string, work: (database: Database, options: Options) => Promise<Answer>) =>
    db
      .command(name)
      .description(description)
      .option('--json', 'as JSON')
      .option('--config <folder>', 'configuration folder')
      .action(async (options: Options) => {
        const settings = await readSettings(options.config);
        const database = await openDatabase(settings.storage.database);
        try {
          const { facts, lines } = await work(database, options);
          for (const line of options.json ? [JSON.stringify(facts)] : lines) print(line);
        } finally {
          await database.close();
        }
      });
  const named = (word: string, names: string[]) =>
    names.length > 0 ? names.map((name) => `${word}  ${name}`) : ['nothing to do'];

  each('status', 'which migrations are applied and which are waiting', async (database) => {
    const { done, pending } = await database.status();
    const lines = [...done.map((name) => `applied  ${name}`), ...pending.map((name) => `waiting  ${name}`)];
    return { facts: { applied: done, waiting: pending }, lines };
  });
  each('migrate', 'apply the migrations that are waiting', async (database) => {
    const applied = await database.migrate();
    return { facts: { applied }, lines: named('applied', applied) };
  });
  each(
    'rollback',
    'take back what was applied together the last time, with what it holds; the first installation only if that is said',
    async (database, options) => {
      const taken = await takeBack(database, options);
      return { facts: { taken_back: taken }, lines: named('taken back', taken) };
    },
  )
    .option('--to <name>', 'take back what was applied after this migration, which stays')
    .option('--everything', 'take back all of them: every person, phone and key and the audit are gone');

  db.command('restored')
    .description('after a backup was restored: phones that were used since then are not taken for copies')
    .option('--json', 'as JSON')
    .option('--config <folder>', 'configuration folder')
    .action(async (options: Options) => {
      const phones = await withWorld(options.config, acceptRestored);
      print(
        options.json
          ? JSON.stringify({ phones })
          : `${phones} phone${phones === 1 ? '' : 's'} may go on: each with its PIN or biometric, once without the proof that it is no copy`,
      );
    });
}

async function takeBack(database: Database, { to, everything }: Options): Promise<string[]> {
  if (to !== undefined && everything) throw new Error('--to and --everything are both given: keep one');
  const wanted = everything ? 'everything' : to === undefined ? 'last' : { stays: to };
  const plan = await database.rollbackPlan(wanted);
  const { done } = await database.status();
  // A new installation applies all of them together: "the last batch" is then everything that there is.
  if (wanted === 'last' && plan.length > 1 && plan.length === done.length)
    throw new Error(
      [
        `All ${done.length} migrations were applied together: this would drop every person, phone and key and the audit. Nothing was changed.`,
        `countersign db rollback --to ${plan[1]}    takes back ${plan[0]} alone`,
        'countersign db rollback --everything    drops it all',
      ].join('\n'),
    );
  return database.rollback(wanted);
}
