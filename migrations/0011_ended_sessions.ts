// Sessions that a person signed out of: in the database too, because a Redis that takes over may have the session and not the sign-out.
import type { Knex } from 'knex';

/** Adds the column with a default, which rewrites no row; a node of the version before neither reads nor writes it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table users add column ended_sessions jsonb not null default '{}'`);
}

/** Drops it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table users drop column ended_sessions');
}
