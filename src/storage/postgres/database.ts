// The database as the composition uses it.
import type { Knex } from 'knex';
import type { AuditEvent } from '../../domain/audit.ts';
import type { Records } from '../../domain/ports.ts';
import type { StorageSettings } from '../../settings/settings.ts';
import type { Epochs } from '../state/redis/epoch.ts';
import { connect } from './connect.ts';
import { createEpochs } from './epochs.ts';
import {
  type MigrationStatus,
  migrate,
  migrationStatus,
  type RollbackTo,
  rollback,
  rollbackPlan,
} from './migrations.ts';
import { createRecords } from './records.ts';
import { type ObserveStatement, observeStatements, onDatabase, refuseWrites, rows } from './statement.ts';

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
  /** Takes migrations back with what they hold, the newest first. @throws Error where what should stay is not applied. */
  rollback(to: RollbackTo): Promise<string[]>;
  /** What that would take back. */
  rollbackPlan(to: RollbackTo): Promise<string[]>;
  status(): Promise<MigrationStatus>;
  /** Connections in use and idle, and who waits for one. */
  pool(): { used: number; idle: number; waiting: number };
  /** Whether it can be written to; while nothing may be written, whether it answers. */
  health(): Promise<{ ok: true } | { ok: false; why: string }>;
  close(): Promise<void>;
}

async function health(knex: Knex, readOnly: () => boolean): Promise<{ ok: true } | { ok: false; why: string }> {
  try {
    const [found] = await rows<{ readonly: string; recovering: boolean }>(
      knex,
      `select current_setting('transaction_read_only') as readonly, pg_is_in_recovery() as recovering`,
    );
    const writable = found?.readonly === 'off' && !found.recovering;
    return writable || readOnly() ? { ok: true } : { ok: false, why: 'read-only' };
  } catch {
    return { ok: false, why: 'no answer' };
  }
}

/** Who is told of what is done on the database. */
export interface DatabaseObserver {
  statement: ObserveStatement;
  /** An audit event that was written, and committed. */
  audited(event: AuditEvent): void;
}

/** One transaction; its events are told when they are committed. */
async function atomically<T>(
  knex: Knex,
  observer: DatabaseObserver | undefined,
  work: (records: Records) => Promise<T>,
): Promise<T> {
  const events: AuditEvent[] = [];
  const answer = await onDatabase(() =>
    knex.transaction((trx) => work(createRecords(trx, observer && ((event) => void events.push(event))))),
  );
  for (const event of events) observer?.audited(event);
  return answer;
}

/** What we read of knex's pool. */
interface Pool {
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
}

/**
 * Opens the database that the settings name; call `migrate` before its first use.
 * @param readOnly asked at each statement: while true, what writes is refused.
 * @throws DatabaseInUse
 */
export async function openDatabase(
  settings: StorageSettings['database'],
  observer?: DatabaseObserver,
  readOnly: () => boolean = () => false,
): Promise<Database> {
  const connected = await connect(settings);
  const { knex, kind, close } = connected;
  if (observer) observeStatements(knex, observer.statement);
  refuseWrites(knex, readOnly);
  return {
    kind,
    knex,
    close,
    records: createRecords(knex, observer?.audited),
    atomically: (work) => atomically(knex, observer, work),
    epochs: createEpochs(knex),
    migrate: () => onDatabase(() => migrate(connected)),
    rollback: (to) => rollback(connected, to),
    rollbackPlan: (to) => rollbackPlan(connected, to),
    status: () => migrationStatus(connected),
    pool: () => {
      const pool = (knex.client as { pool: Pool }).pool;
      return { used: pool.numUsed(), idle: pool.numFree(), waiting: pool.numPendingAcquires() };
    },
    health: () => health(knex, readOnly),
  };
}
