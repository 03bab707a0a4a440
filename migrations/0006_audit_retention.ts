// Old audit events may be deleted up to a checkpoint, from which the chain is verified on; nothing else may.
import type { Knex } from 'knex';

/** The guard of 0003, where `extra` says what else is allowed. */
function guard(extra: string): string {
  return `
    create or replace function audit_events_guard() returns trigger language plpgsql as $guard$
    begin
      if tg_op = 'UPDATE' then
        if old.hash is null and old.seq is null and old.prev is null
          and new.hash is not null and new.seq is not null and new.prev is not null
          and new.id = old.id and new.at = old.at and new.event = old.event then
          return new;
        end if;
      end if;
      ${extra}
      raise exception 'audit_events is append-only';
    end
    $guard$`;
}

/** Creates the table of checkpoints and lets the guard read it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_checkpoints (
      seq bigint primary key,
      hash text not null,
      told_by bigint not null,
      at timestamptz not null default clock_timestamp()
    )`);
  await knex.raw(
    guard(`if tg_op = 'DELETE' then
        if old.seq <= (select max(c.seq) from audit_checkpoints c) then
          return old;
        end if;
      end if;`),
  );
}

/** Drops them: what was deleted stays so, and the chain then seems to begin late. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(guard(''));
  await knex.raw('drop table audit_checkpoints');
}
