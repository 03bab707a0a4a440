// Which Redis servers were last seen, and when: after a fail-over another one stands in the place, and may lack the last moment.
import type { Knex } from 'knex';

/** Adds the columns; a node of the version before fills neither, and looks at the number alone, as it did. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `alter table state_epoch add column servers jsonb not null default '{}', add column seen_at timestamptz`,
  );
}

/** Drops them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table state_epoch drop column servers, drop column seen_at');
}
