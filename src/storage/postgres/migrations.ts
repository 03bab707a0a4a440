// Migrations: the files of `migrations/`, under names without an ending, so that one is the same whether run from source or built.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import type { Connected } from './connect.ts';

/** `../../../migrations` is right both below `src/` and below `dist/src/`. */
const FOLDER = new URL('../../../migrations/', import.meta.url);

/** Any number of our own: only one node migrates at a time. */
const MIGRATING = 726_140_001;

interface Migration {
  up(knex: Knex): Promise<void>;
  down(knex: Knex): Promise<void>;
}

/** Where migrations are: applied ones, and those to come. */
export interface MigrationStatus {
  done: string[];
  pending: string[];
}

/** The names in a folder's listing: each once, without `.ts` or `.js`; declarations and source maps are none. */
export function migrationNames(files: readonly string[]): string[] {
  const sources = files.filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'));
  return [...new Set(sources.map((file) => file.replace(/\.(ts|js)$/, '')))].sort();
}

/** One migration under bounds: it waits for a lock at most a second (F26), and may itself take a minute. */
function bounded(step: (knex: Knex) => Promise<void>): (knex: Knex) => Promise<void> {
  return async (knex) => {
    await knex.raw(`set local lock_timeout = '1s'`);
    await knex.raw(`set local statement_timeout = '60s'`);
    await step(knex);
  };
}

const source: Knex.MigrationSource<string> = {
  getMigrations: async () => migrationNames(readdirSync(fileURLToPath(FOLDER))),
  getMigrationName: (name) => name,
  async getMigration(name) {
    // This file's own ending says which of the two is running.
    const { up, down } = (await import(new URL(`${name}${import.meta.url.slice(-3)}`, FOLDER).href)) as Migration;
    return { up: bounded(up), down: bounded(down) };
  },
};

const TABLE = 'migrations';
const CONFIG: Knex.MigratorConfig = { migrationSource: source, tableName: TABLE };

/** Runs `work` while no other node migrates. */
async function alone<T>({ knex, kind }: Connected, work: () => Promise<T>): Promise<T> {
  // An embedded database is locked by its folder, and has one connection only.
  if (kind === 'embedded') {
    await freeLock(knex);
    return work();
  }
  return knex.transaction(async (trx) => {
    await trx.raw(`set local statement_timeout = '60s'`);
    await trx.raw(`set local idle_in_transaction_session_timeout = 0`);
    await trx.raw('select pg_advisory_xact_lock(?)', [MIGRATING]);
    await freeLock(knex);
    return work();
  });
}

/** We hold the real lock: one that knex finds in its table is of a process that died. */
async function freeLock(knex: Knex): Promise<void> {
  if (await knex.schema.hasTable('migrations_lock')) await knex.migrate.forceFreeMigrationsLock(CONFIG);
}

/** Applies what is pending; answers the names. */
export async function migrate(connected: Connected): Promise<string[]> {
  return alone(connected, async () => {
    const [, names] = (await connected.knex.migrate.latest(CONFIG)) as [number, string[]];
    return names;
  });
}

/** How far a rollback goes: `last`, what was applied together the last time; `everything`; or down to a migration that stays. */
export type RollbackTo = 'last' | 'everything' | { stays: string };

/** What {@link rollback} would take back, the newest first. @throws Error where what should stay is not applied. */
export async function rollbackPlan({ knex }: Connected, to: RollbackTo): Promise<string[]> {
  if (!(await knex.schema.hasTable(TABLE))) return [];
  const applied = await knex<{ name: string; batch: number }>(TABLE).orderBy('id', 'desc');
  const names = applied.map(({ name }) => name);
  if (to === 'everything') return names;
  if (to === 'last') return applied.filter(({ batch }) => batch === applied[0]?.batch).map(({ name }) => name);
  if (!names.includes(to.stays)) throw new Error(`${to.stays} is not applied: "countersign db status" tells what is`);
  return names.slice(0, names.indexOf(to.stays));
}

/** Takes migrations back, with everything that they hold; answers the names, the newest first. @throws as {@link rollbackPlan}. */
export async function rollback(connected: Connected, to: RollbackTo): Promise<string[]> {
  return alone(connected, async () => {
    const names = await rollbackPlan(connected, to);
    for (const _name of names) await connected.knex.migrate.down(CONFIG);
    return names;
  });
}

/** What is applied and what is pending. Changes nothing: knex would make its tables to list them. */
export async function migrationStatus({ knex }: Connected): Promise<MigrationStatus> {
  if (!(await knex.schema.hasTable(TABLE))) return { done: [], pending: await source.getMigrations([]) };
  const [done, pending] = (await knex.migrate.list(CONFIG)) as [{ name: string }[], unknown[]];
  // knex hands pending ones back as the source gave them.
  return { done: done.map(({ name }) => name), pending: pending.map((name) => String(name)) };
}
