// What people have allowed services that are not first-party: it outlives the sign-in, until they take it back.
import type { Knex } from 'knex';

/** Creates the table. A node of the version before neither reads nor writes it, and asks as it did. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table consents (
      user_id text not null references users (id) on delete cascade,
      client_id text not null,
      granted jsonb not null,
      given_at timestamptz not null default clock_timestamp(),
      primary key (user_id, client_id)
    )`);
}

/** Drops it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table consents');
}
