// Runs one SQL statement on either database and answers its rows.
import type { Knex } from 'knex';
import { fingerprint } from '../../platform/hashes.ts';
import { ReadOnly, Unavailable } from '../../platform/unavailable.ts';

/** The database cannot be reached, or cannot write now. */
export class DatabaseUnavailable extends Unavailable {
  override name = 'DatabaseUnavailable';
}

/** SQLSTATE: lost connection, too many of them, statement cancelled or server going down, read-only, lock not to be had, input or output failed. */
const CANNOT_SERVE = /^(08...|53...|57...|25006|55P03|58030)$/;
/** SQLSTATE read_only_sql_transaction: a standby, or `default_transaction_read_only`. */
const ONLY_READS = '25006';
const LOST = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
/** What pg and its pool say without a code. */
const WORDS =
  /Connection terminated|connection error and is not queryable|Query read timeout|timeout exceeded when trying to connect|timeout expired|Client was closed/;

function cannotServe(error: Error): boolean {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && (LOST.has(code) || CANNOT_SERVE.test(code))) return true;
  return error.name === 'KnexTimeoutError' || error.name === 'TimeoutError' || WORDS.test(error.message);
}

/**
 * Runs work on the database; where that does not answer, {@link DatabaseUnavailable} says so. What was asked may have been done
 * all the same: its answer is lost, and whoever asked must take it as refused.
 */
export async function onDatabase<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unavailable || !(error instanceof Error) || !cannotServe(error)) throw error;
    if ((error as { code?: unknown }).code === ONLY_READS)
      throw new ReadOnly('the database cannot be written to', { cause: error });
    throw new DatabaseUnavailable('the database does not serve', { cause: error });
  }
}

/** A connection pool or a transaction. */
export type Db = Knex | Knex.Transaction;

/** A value that is bound to a `?`. */
export type Bound = string | number | boolean | Date | null;

/** A statement as PostgreSQL prepares it, once a connection. */
interface Prepared {
  name?: string;
  text: string;
}

/** Bound on the names: texts are a fixed set, and were one ever made of values, its connections must not fill up with plans. */
const MOST_PREPARED = 300;
const preparedTexts = new Map<string, Prepared>();

function prepared(sql: string): Prepared {
  const known = preparedTexts.get(sql);
  if (known) return known;
  let count = 0;
  const text = sql.replaceAll('?', () => {
    count += 1;
    return `$${count}`;
  });
  if (preparedTexts.size >= MOST_PREPARED) return { text };
  const made = { name: `cs_${fingerprint(sql).slice(0, 22)}`, text };
  preparedTexts.set(sql, made);
  return made;
}

/** What we need of a connection in knex's pool. */
interface PgConnection {
  query(
    config: Prepared & { values: readonly Bound[] },
    answer: (error: Error | undefined, response: { rows: unknown[] }) => void,
  ): void;
}

/** What we need of knex's client: its pool, without its query builder, which costs more than the query. */
interface PgClient {
  acquireConnection(): Promise<PgConnection>;
  releaseConnection(connection: PgConnection): Promise<void>;
}

async function onPool(client: PgClient, sql: string, bindings: readonly Bound[]): Promise<unknown[]> {
  const connection = await client.acquireConnection();
  try {
    return await new Promise((resolve, reject) => {
      connection.query({ ...prepared(sql), values: bindings }, (error, response) =>
        error ? reject(error) : resolve(response.rows),
      );
    });
  } finally {
    await client.releaseConnection(connection);
  }
}

/** Told of each statement: its text with `?` for values, seconds, and whether it failed. */
export type ObserveStatement = (statement: string, seconds: number, failed: boolean) => void;

/** By the configuration of the client: a transaction has a client of its own with the same one. */
const observers = new WeakMap<object, ObserveStatement>();

const configOf = (db: Db) => (db as { client: { config: object } }).client.config;

/** Tells of every statement on this pool from now on. */
export function observeStatements(knex: Knex, observe: ObserveStatement): void {
  observers.set(configOf(knex), observe);
}

/** Whether nothing may be written now, by the configuration of the client. */
const readOnly = new WeakMap<object, () => boolean>();

/** From now on statements that write are refused on this pool while `when` says so. Migrations do not come this way. */
export function refuseWrites(knex: Knex, when: () => boolean): void {
  readOnly.set(configOf(knex), when);
}

/** Texts are a fixed set, as those that are prepared. */
const writing = new Map<string, boolean>();

/** Whether a statement changes or locks rows (`for update` too: a standby refuses it as well). */
export function writes(sql: string): boolean {
  const known = writing.get(sql);
  if (known !== undefined) return known;
  const reads = /^\s*(?:select|with)\b/i.test(sql) && !/\b(?:insert|update|delete|merge|share)\b/i.test(sql);
  if (writing.size < MOST_PREPARED) writing.set(sql, !reads);
  return !reads;
}

/** The one gate before the database. @throws ReadOnly */
function admit(db: Db, sql: string): void {
  if (readOnly.get(configOf(db))?.() && writes(sql)) throw new ReadOnly('read_only is on in notices.yaml');
}

async function observed<T>(db: Db, sql: string, work: () => Promise<T>): Promise<T> {
  const observe = observers.get(configOf(db));
  if (!observe) return work();
  const started = performance.now();
  let failed = true;
  try {
    const answer = await work();
    failed = false;
    return answer;
  } finally {
    observe(sql, (performance.now() - started) / 1000, failed);
  }
}

/** Whether the statement can go to PostgreSQL by itself: not inside a transaction of knex, and not to PGlite. */
function alone(db: Db): PgClient | undefined {
  if (db.isTransaction === true) return undefined;
  const { client } = db as { client: PgClient & { config: { client: unknown } } };
  return client.config.client === 'pg' ? client : undefined;
}

/**
 * The rows of one statement. Use it with `returning` and count the rows: a driver's count of affected rows is not to be trusted for a verdict.
 * @param bindings values of the `?`, in order.
 */
export async function rows<T>(db: Db, sql: string, bindings: readonly Bound[] = []): Promise<T[]> {
  admit(db, sql);
  const client = alone(db);
  if (client) return (await observed(db, sql, () => onDatabase(() => onPool(client, sql, bindings)))) as T[];
  const asked = () => db.raw(sql, bindings as readonly Knex.Value[]) as unknown as Promise<{ rows: T[] }>;
  return (await observed(db, sql, () => onDatabase(async () => asked()))).rows;
}

/** Whether the statement answered exactly one row. */
export async function one(db: Db, sql: string, bindings: readonly Bound[] = []): Promise<boolean> {
  return (await rows(db, sql, bindings)).length === 1;
}
