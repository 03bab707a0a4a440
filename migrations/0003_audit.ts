// The audit: rows are written once, chained once by hash, and never changed after that.
import type { Knex } from 'knex';

/** Creates the table and the guard that keeps it append-only. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_events (
      id bigint generated always as identity primary key,
      at timestamptz not null default clock_timestamp(),
      event jsonb not null,
      seq bigint unique,
      prev text,
      hash text,
      check ((seq is null) = (hash is null) and (seq is null) = (prev is null))
    )`);
  await knex.raw('create index audit_events_unchained on audit_events (id) where hash is null');
  await knex.raw(`create index audit_events_person on audit_events ((event ->> 'sub'), at)`);
  await knex.raw(`
    create function audit_events_guard() returns trigger language plpgsql as $guard$
    begin
      if tg_op = 'UPDATE' then
        if old.hash is null and old.seq is null and old.prev is null
          and new.hash is not null and new.seq is not null and new.prev is not null
          and new.id = old.id and new.at = old.at and new.event = old.event then
          return new;
        end if;
      end if;
      raise exception 'audit_events is append-only';
    end
    $guard$`);
  await knex.raw(`
    create trigger audit_events_rows before update or delete on audit_events
    for each row execute function audit_events_guard()`);
  await knex.raw(`
    create trigger audit_events_whole before truncate on audit_events
    for each statement execute function audit_events_guard()`);
}

/** Drops them: the audit is lost. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit_events');
  await knex.raw('drop function audit_events_guard');
}
