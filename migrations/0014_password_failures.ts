// How often in a row a person's password was typed wrong: the wait of the limits forgets after a day, and this closes it for good (SP 800-63B-4 section 3.2.2).
import type { Knex } from 'knex';

/** Adds the column with a default, which rewrites no row; a node of the version before neither reads nor writes it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table users add column password_failures integer not null default 0');
}

/** Drops it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table users drop column password_failures');
}
