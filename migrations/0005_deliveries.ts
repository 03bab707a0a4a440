// What is to be told to services, kept until they have it: pings of back-channel requests and sign-outs.
import type { Knex } from 'knex';

/** Creates the table. `due_at` is null while there is nothing to tell yet. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table deliveries (
      id text primary key,
      kind text not null,
      client_id text not null,
      sealed jsonb not null,
      tries integer not null default 0,
      due_at timestamptz,
      expires_at timestamptz not null,
      created_at timestamptz not null default clock_timestamp()
    )`);
  await knex.raw('create index deliveries_due on deliveries (due_at) where due_at is not null');
  await knex.raw('create index deliveries_expiry on deliveries (expires_at)');
}

/** Drops it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table deliveries');
}
