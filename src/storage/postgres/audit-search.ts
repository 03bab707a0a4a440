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

const SIGN_INS = `(event ->> 'event' in ('authn_level_reached', 'authn_level_refused')
  or (event ->> 'event' = 'transaction_opened' and event #>> '{detail,kind}' = 'ciba'))`;

/** The last sign-in of a person at a service, or request to their phone by it: by the index of persons. */
export async function lastSignIn(db: Db, sub: string, clientId: string): Promise<AuditRow | undefined> {
  const [last] = await rows<AuditRow>(
    db,
    `select ${ROW} from audit_events where event ->> 'sub' = ? and event ->> 'clientId' = ? and ${SIGN_INS}
     order by audit_events.at desc, audit_events.id desc limit 1`,
    [sub, clientId],
  );
  return last;
}

/**
 * The sign-in that ended in a request. Requests have no index, which each sign-in would have to pay for; whoever asks has just seen the
 * error. So it is looked for from the newest event back, a portion at a time.
 * @param since where the search ends.
 */
export async function signInOfRequest(db: Db, requestId: string, since: Date): Promise<AuditRow | undefined> {
  const [ends] = await rows<{ first: string | null; last: string | null }>(
    db,
    'select min(id)::text as first, max(id)::text as last from audit_events',
  );
  for (let until = Number(ends?.last ?? 0); until >= Number(ends?.first ?? 1); until -= PORTION) {
    const [found] = await rows<AuditRow>(
      db,
      `select ${ROW} from audit_events where id > ? and id <= ? and event ->> 'requestId' = ? and ${SIGN_INS}
       order by audit_events.id desc limit 1`,
      [until - PORTION, until, requestId],
    );
    if (found) return found;
    const [next] = await rows<AuditRow>(
      db,
      `select ${ROW} from audit_events where id <= ? order by audit_events.id desc limit 1`,
      [until - PORTION],
    );
    if (!next || new Date(next.at) < since) return undefined;
  }
  return undefined;
}

/** Minutes that a request to a phone and its end can lie apart, and some. */
const APART = 30 * 60_000;

/** All that is told of one request to a phone, oldest first. @param at about when it was. */
export function eventsOfTransaction(db: Db, sub: string, transaction: string, at: Date): Promise<AuditRow[]> {
  return rows<AuditRow>(
    db,
    `select ${ROW} from audit_events where event ->> 'sub' = ? and at between ? and ? and event #>> '{detail,transaction}' = ?
     order by audit_events.id`,
    [sub, new Date(at.getTime() - APART), new Date(at.getTime() + APART), transaction],
  );
}
