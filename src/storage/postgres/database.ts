// The database as the composition uses it.
import type { Knex } from 'knex';
import type { Records } from '../../domain/ports.ts';
import type { StorageSettings } from '../../settings/settings.ts';
import type { Epochs } from '../state/redis/epoch.ts';
import { connect } from './connect.ts';
import { createEpochs } from './epochs.ts';
import { type MigrationStatus, migrate, migrationStatus, rollback } from './migrations.ts';
import { createRecords } from './records.ts';
import { onDatabase, rows } from './statement.ts';

/** An open database. */
export interface Database {
  kind: 'embedded' | 'postgres';
  records: Records;
  /** All of `work` commits together or not at all. Never hash, and never wait for the network, inside: PGlite has one connection. */
  atomically<T>(work: (records: Records) => Promise<T>): Promise<T>;
  /** For the provider's adapter, the audit chain and housekeeping. */
  knex: Knex;
  epochs: Epochs;
  /** Applies pending migrations; answers their names. */
  migrate(): Promise<string[]>;
  rollback(all?: boolean): Promise<string[]>;
  status(): Promise<MigrationStatus>;
  /** Whether it can be written to. */
  health(): Promise<{ ok: true } | { ok: false; why: string }>;
  close(): Promise<void>;
}

async function health(knex: Knex): Promise<{ ok: true } | { ok: false; why: string }> {
  try {
    const [found] = await rows<{ readonly: string; recovering: boolean }>(
      knex,
      `select current_setting('transaction_read_only') as readonly, pg_is_in_recovery() as recovering`,
    );
    return found?.readonly === 'off' && !found.recovering ? { ok: true } : { ok: false, why: 'read-only' };
  } catch {
    return { ok: false, why: 'no answer' };
  }
}

/** Opens the database that the settings name; call `migrate` before its first use. @throws DatabaseInUse */
export async function openDatabase(settings: StorageSettings['database']): Promise<Database> {
  const connected = await connect(settings);
  const { knex, kind, close } = connected;
  return {
    kind,
    knex,
    close,
    records: createRecords(knex),
    atomically: (work) => onDatabase(() => knex.transaction((trx) => work(createRecords(trx)))),
    epochs: createEpochs(knex),
    migrate: () => migrate(connected),
    rollback: (all) => rollback(connected, all),
    status: () => migrationStatus(connected),
    health: () => health(knex),
  };
}
