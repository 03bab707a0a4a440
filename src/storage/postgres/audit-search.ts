// Reads the audit by time, person, service and event, oldest first, in portions, so that an export of any size needs little memory.
import { type AuditRow, ROW } from './audit.ts';
import { type Bound, type Db, rows } from './statement.ts';

/** What is looked for; everything that is given must hold. */
export interface AuditQuery {
  from?: Date;
  /** Not including this moment. */
  until?: Date;
  /** The person concerned, by id. */
  sub?: string;
  clientId?: string;
  event?: string;
  /** Id of the HTTP request that it happened in. */
  requestId?: string;
}

/** One event with its place in the chain, null where it is not chained yet. */
export type AuditRecord = AuditRow & { seq: number | null; prev: string | null; hash: string | null };

/** Rows that one statement looks at, however few of them are wanted: each has two seconds. */
const PORTION = 2000;

/** Every event that is looked for. */
export async function* searchAudit(db: Db, query: AuditQuery): AsyncGenerator<AuditRecord> {
  const conditions: [string, Bound | undefined][] = [
    ['at >= ?', query.from],
    ['at < ?', query.until],
    [`event ->> 'sub' = ?`, query.sub],
    [`event ->> 'clientId' = ?`, query.clientId],
    [`event ->> 'event' = ?`, query.event],
    [`event ->> 'requestId' = ?`, query.requestId],
  ];
  const used = conditions.filter((one): one is [string, Bound] => one[1] !== undefined);
  const where = ['id > ?', 'id <= ?', ...used.map(([text]) => text)].join(' and ');
  const values = used.map(([, value]) => value);
  const [ends] = await rows<{ first: string | null; last: string | null }>(
    db,
    'select min(id)::text as first, max(id)::text as last from audit_events',
  );
  const end = Number(ends?.last ?? 0);
  for (let after = Number(ends?.first ?? 1) - 1; after < end; after += PORTION) {
    const portion = await rows<AuditRow & { seq: string | null; prev: string | null; hash: string | null }>(
      db,
      `select ${ROW}, seq::text as seq, prev, hash from audit_events where ${where} order by audit_events.id`,
      [after, after + PORTION, ...values],
    );
    for (const row of portion) yield { ...row, seq: row.seq === null ? null : Number(row.seq) };
  }
}
