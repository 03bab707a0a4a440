// Phones with the counters that guard their PIN, and the transactions that have been spent.
import type { Knex } from 'knex';

/** Creates the tables. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table devices (
      id text primary key,
      user_id text not null references users (id) on delete cascade,
      name text not null,
      public_jwk jsonb not null,
      platform text not null,
      state text not null check (state in ('active', 'locked', 'removed')),
      lock_reason text check (lock_reason in ('pin', 'cloned')),
      salt text not null,
      kdf jsonb not null,
      install_hash text not null,
      verifier jsonb,
      offline_key jsonb,
      ratchet text,
      ratchet_prev text,
      counter bigint not null default 0,
      pin_failures integer not null default 0,
      pin_blocked_until timestamptz not null default '-infinity',
      push jsonb,
      biometric jsonb,
      added_at timestamptz not null default clock_timestamp(),
      last_used_at timestamptz
    )`);
  await knex.raw('create index devices_user on devices (user_id)');
  await knex.raw('create index devices_install on devices (install_hash)');
  await knex.raw(`
    create table spent_transactions (
      id text primary key,
      spent_at timestamptz not null default clock_timestamp()
    )`);
  await knex.raw('create index spent_transactions_time on spent_transactions (spent_at)');
}

/** Drops them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table spent_transactions');
  await knex.raw('drop table devices');
}
