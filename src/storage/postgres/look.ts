// What a look at the database tells an operator.
import type { Knex } from 'knex';
import { rows } from './statement.ts';

/** Its version (`15.8`) and its clock in milliseconds since 1970. */
export async function lookAtDatabase(knex: Knex): Promise<{ version: string; now: number }> {
  const [found] = await rows<{ version: string; now: string | number }>(
    knex,
    `select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now`,
  );
  if (!found) throw new Error('the database answers nothing');
  return { version: found.version.split(' ')[0] ?? '', now: Number(found.now) };
}

/** How many standbys a commit waits for before it is answered. Who may not see them is told of none. */
export async function synchronousStandbys(knex: Knex): Promise<number> {
  const found = await rows(knex, `select 1 from pg_stat_replication where sync_state in ('sync', 'quorum')`);
  return found.length;
}
