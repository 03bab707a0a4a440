// Since when, and until when, each secret of keys.yaml was the one used for what is new: what it made may count for some time after that.
import type { Knex } from 'knex';

/** Creates the table. A node of the version before does not know it, and is not missed in it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table key_uses (
      list text not null,
      id text not null,
      first_used_at timestamptz not null default clock_timestamp(),
      last_used_at timestamptz not null default clock_timestamp(),
      primary key (list, id)
    )`);
}

/** Drops it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table key_uses');
}
