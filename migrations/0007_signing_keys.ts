// Signing keys that nodes share: made by rotation, sealed under the kek, and kids that were retired.
import type { Knex } from 'knex';

/** Creates the table. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table signing_keys (
      kid text primary key,
      alg text,
      sealed jsonb,
      made_at timestamptz not null default clock_timestamp(),
      signs_from timestamptz not null default clock_timestamp(),
      retired_at timestamptz,
      check ((sealed is null) = (alg is null) and (sealed is not null or retired_at is not null))
    )`);
}

/** Drops it: keys of keys.yaml sign again, and what these keys signed is refused. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table signing_keys');
}
