// Verifies the audit: from the last checkpoint on, no event changed, none missing, none moved.
import { type AuditRow, FIRST, link, ROW } from './audit.ts';
import { type Db, rows } from './statement.ts';

/** A link of the chain, noted elsewhere. */
export interface AuditHead {
  seq: number;
  hash: string;
}

/** What is wrong with one event. `id` and `at` are those of the row that stands in its place. */
export type AuditProblem =
  | { seq: number; why: 'missing' }
  | { seq: number; why: 'changed'; id: string; at: string }
  /** The event that belongs here stands at `foundAt`. */
  | { seq: number; why: 'moved'; id: string; at: string; foundAt: number }
  /** The head that was noted earlier is not in the chain: its end was cut off, or all of it was made anew. */
  | { seq: number; why: 'head_gone' }
  /** Events were deleted up to here, and no event in the audit tells of it. */
  | { seq: number; why: 'checkpoint_unknown' };

/** Verdict on the chain. `from`: the checkpoint that it begins after. `unchained` events are younger than the last link. */
export type AuditVerdict =
  | { ok: true; events: number; from: number; unchained: number; head: AuditHead | undefined }
  | { ok: false; problems: AuditProblem[] };

/** More are not told: the chain is lost by then. */
const MOST = 20;

type Chained = AuditRow & { seq: string; prev: string; hash: string; problem?: never };

/**
 * Verifies the whole chain that is there.
 * @param known a head noted earlier elsewhere: without one, events cut off at the end are not noticed.
 */
export async function verifyAudit(db: Db, known?: AuditHead): Promise<AuditVerdict> {
  const [checkpoint] = await rows<{ seq: string; hash: string; told: string }>(
    db,
    'select seq::text as seq, hash, told_by::text as told from audit_checkpoints order by audit_checkpoints.seq desc limit 1',
  );
  const from = Number(checkpoint?.seq ?? 0);
  const problems: AuditProblem[] = [];
  if (checkpoint && !(await isTold(db, from, checkpoint.hash, checkpoint.told)))
    problems.push({ seq: from, why: 'checkpoint_unknown' });
  let seq = from;
  let prev = checkpoint?.hash ?? FIRST;
  let knownFound = known === undefined || known.seq <= from;
  for (;;) {
    const batch = await rows<Chained>(
      db,
      `select ${ROW}, seq::text as seq, prev, hash from audit_events where seq > ? order by audit_events.seq limit 1000`,
      [seq],
    );
    for (const row of batch) {
      const stands = Number(row.seq);
      for (let missing = seq + 1; missing < stands && problems.length < MOST; missing += 1)
        problems.push({ seq: missing, why: 'missing' });
      const whole = stands !== seq + 1 || row.prev === prev;
      const { problem, hash } =
        whole && row.hash === link(row.prev, stands, row) ? row : await wrong(db, row, stands, prev);
      if (problem && problems.length < MOST) problems.push(problem);
      seq = stands;
      prev = hash;
      knownFound ||= seq === known?.seq && row.hash === known.hash;
    }
    if (batch.length < 1000) break;
  }
  if (!knownFound) problems.push({ seq: known?.seq ?? 0, why: 'head_gone' });
  if (problems.length > 0) return { ok: false, problems };
  const [waiting] = await rows<{ count: number }>(
    db,
    'select count(*)::integer as count from audit_events where hash is null',
  );
  return {
    ok: true,
    events: seq - from,
    from,
    unchained: waiting?.count ?? 0,
    head: seq === 0 ? undefined : { seq, hash: prev },
  };
}

/** Whether the row was changed, or is another event's that was put here. @param prev the link before this place. */
async function wrong(
  db: Db,
  { id, at, hash }: Chained,
  seq: number,
  prev: string,
): Promise<{ problem: AuditProblem; hash: string }> {
  const candidates = await rows<Chained>(
    db,
    `select ${ROW}, seq::text as seq, prev, hash from audit_events where prev = ? and seq <> ? limit 5`,
    [prev, seq],
  );
  const belongs = candidates.find((row) => row.hash === link(prev, seq, row));
  // After a moved event the chain goes on with the one that belongs here, so that nobody else is accused.
  return belongs
    ? { problem: { seq, why: 'moved', id, at, foundAt: Number(belongs.seq) }, hash: belongs.hash }
    : { problem: { seq, why: 'changed', id, at }, hash };
}

/** A deletion writes an event of itself into the same chain. */
async function isTold(db: Db, seq: number, hash: string, told: string): Promise<boolean> {
  const found = await rows(
    db,
    `select 1 from audit_events where id = ? and event ->> 'event' = 'sys_audit_pruned'
       and event -> 'detail' ->> 'hash' = ? and event -> 'detail' ->> 'seq' = ?`,
    [told, hash, String(seq)],
  );
  return found.length > 0;
}
