// What oidc-provider keeps for long (grants, refresh tokens), and the heartbeat by which a Redis that went back in time is noticed.
import type { Knex } from 'knex';

/** Creates the tables. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table oidc_artefacts (
      model text not null,
      id text not null,
      payload jsonb not null,
      grant_id text,
      account_id text,
      consumed_at timestamptz,
      expires_at timestamptz,
      primary key (model, id)
    )`);
  await knex.raw('create index oidc_artefacts_grant on oidc_artefacts (grant_id)');
  await knex.raw('create index oidc_artefacts_account on oidc_artefacts (account_id)');
  await knex.raw('create index oidc_artefacts_expiry on oidc_artefacts (expires_at)');
  await knex.raw(`
    create table state_epoch (
      id integer primary key check (id = 1),
      beat bigint not null,
      epoch bigint not null
    )`);
  await knex.raw('insert into state_epoch (id, beat, epoch) values (1, 0, 1)');
}

/** Drops them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table state_epoch');
  await knex.raw('drop table oidc_artefacts');
}
