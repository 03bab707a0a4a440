// A rotated refresh token may be presented once more: what its successor is made from, and when that was done.
import type { Knex } from 'knex';

/** Adds the columns; a node of the version before fills neither, and its tokens are not repeated. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('alter table oidc_artefacts add column successor_salt text, add column repeated_at timestamptz');
}

/** Drops them: no rotated refresh token can be presented again. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table oidc_artefacts drop column successor_salt, drop column repeated_at');
}
