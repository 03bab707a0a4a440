// The groups that people are in, and their attributes: what services are told by `groups` and by claims of the operator's own.
import type { Knex } from 'knex';

/** Adds the columns with a default, which rewrites no row; a node of the version before neither reads nor writes them. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users
      add column groups jsonb not null default '[]',
      add column attributes jsonb not null default '{}'`);
}

/** Drops them, and what they held: nobody is in a group any more. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table users drop column groups, drop column attributes');
}
