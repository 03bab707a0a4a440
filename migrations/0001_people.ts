// People, the browsers they are known on, and their one-time links.
import type { Knex } from 'knex';

/** Creates the tables. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table users (
      id text primary key,
      login text not null unique,
      name text not null,
      email text,
      locale text,
      state text not null check (state in ('active', 'disabled')),
      password_hash text,
      always_second_factor boolean not null default false,
      factors_version integer not null default 1,
      offline_failures integer not null default 0,
      wrong_numbers integer not null default 0,
      push_paused boolean not null default false,
      sessions_valid_after timestamptz not null default 'epoch',
      created_at timestamptz not null default clock_timestamp()
    )`);
  await knex.raw('create index users_email on users (lower(email))');
  await knex.raw(`
    create table known_browsers (
      hash text primary key,
      user_id text not null references users (id) on delete cascade,
      expires_at timestamptz not null
    )`);
  await knex.raw('create index known_browsers_user on known_browsers (user_id)');
  await knex.raw('create index known_browsers_expiry on known_browsers (expires_at)');
  await knex.raw(`
    create table tickets (
      hash text primary key,
      user_id text not null references users (id) on delete cascade,
      purpose text not null check (purpose in ('invite', 'password_reset')),
      expires_at timestamptz not null,
      spent_at timestamptz
    )`);
  await knex.raw('create index tickets_user on tickets (user_id)');
  await knex.raw('create index tickets_expiry on tickets (expires_at)');
}

/** Drops them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table tickets');
  await knex.raw('drop table known_browsers');
  await knex.raw('drop table users');
}
