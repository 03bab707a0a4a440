// Runs one SQL statement on either database and answers its rows.
import type { Knex } from 'knex';

/** A connection pool or a transaction. */
export type Db = Knex | Knex.Transaction;

/** A value that is bound to a `?`. */
export type Bound = string | number | boolean | Date | null;

/**
 * The rows of one statement. Use it with `returning` and count the rows: a driver's count of affected rows is not to be trusted for a verdict.
 * @param bindings values of the `?`, in order.
 */
export async function rows<T>(db: Db, sql: string, bindings: readonly Bound[] = []): Promise<T[]> {
  const result = (await db.raw(sql, bindings as readonly Knex.Value[])) as unknown as { rows: T[] };
  return result.rows;
}

/** Whether the statement answered exactly one row. */
export async function one(db: Db, sql: string, bindings: readonly Bound[] = []): Promise<boolean> {
  return (await rows(db, sql, bindings)).length === 1;
}
