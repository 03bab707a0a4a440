// The audit: events are written with the change they tell of, chained by hash soon after by one writer, and can be verified.
import type { Knex } from 'knex';
import type { AuditEvent } from '../../domain/audit.ts';
import type { Audit } from '../../domain/ports.ts';
import { fingerprint } from '../../platform/hashes.ts';
import type { Log } from '../../platform/log.ts';
import { ReadOnly } from '../../platform/unavailable.ts';
import { type Canonical, canonicalize } from '../../protocol/jcs.ts';
import { type Db, rows } from './statement.ts';

/** Any number of our own: only one node chains at a time. */
export const CHAINING = 726_140_002;
const BATCH = 500;
/** `prev` of the first event. */
export const FIRST = 'countersign';

/** The columns of {@link AuditRow}. */
export const ROW = `id::text as id, to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at, event`;

/** One row as it is chained: `at` to the microsecond, UTC. */
export interface AuditRow {
  id: string;
  at: string;
  event: { [name: string]: Canonical };
}

/** A value that both jsonb and the canonical form can hold: what a person or a browser sent must never stop the chain. */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\u0000', '\ufffd');
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return String(value);
  return value;
}

/** The port {@link Audit}: on a transaction the event commits with the change, or not at all. @param written told of each event. */
export function createAudit(db: Db, written?: (event: AuditEvent) => void): Audit {
  return {
    async record(event) {
      await rows(db, 'insert into audit_events (event) values (?)', [
        JSON.stringify(event, (_name, value) => storable(value)),
      ]);
      written?.(event);
    },
  };
}

/** The link of one event: SHA-256 over the link before it and everything that the row says. */
export function link(prev: string, seq: number, { id, at, event }: AuditRow): string {
  return fingerprint(canonicalize({ prev, seq, id, at, event }));
}

/**
 * Chains up to {@link BATCH} events that are not chained yet, unless another node is at it.
 * @returns how many; less than the batch means that all were.
 */
export async function chainAudit(knex: Knex): Promise<number> {
  return knex.transaction(async (trx) => {
    const [lock] = await rows<{ held: boolean }>(trx, 'select pg_try_advisory_xact_lock(?) as held', [CHAINING]);
    if (!lock?.held) return 0;
    const waiting = await rows<AuditRow>(
      trx,
      `select ${ROW} from audit_events where hash is null order by audit_events.id limit ${BATCH}`,
    );
    if (waiting.length === 0) return 0;
    const [last] = await rows<{ seq: string; hash: string }>(
      trx,
      `select seq::text as seq, hash from (
         (select seq, hash from audit_events where seq is not null order by seq desc limit 1)
         union all (select seq, hash from audit_checkpoints order by seq desc limit 1)) as ends
       order by ends.seq desc limit 1`,
    );
    let prev = last?.hash ?? FIRST;
    let seq = Number(last?.seq ?? 0);
    const links = waiting.map((row) => {
      seq += 1;
      const chained = { id: row.id, seq, prev, hash: link(prev, seq, row) };
      prev = chained.hash;
      return chained;
    });
    await rows(
      trx,
      `update audit_events a set seq = v.seq, prev = v.prev, hash = v.hash
       from jsonb_to_recordset(?::jsonb) as v (id bigint, seq bigint, prev text, hash text) where a.id = v.id`,
      [JSON.stringify(links)],
    );
    return links.length;
  });
}

/**
 * Chains events in the background.
 * @param every milliseconds between two looks.
 * @returns stops it, after chaining what is left.
 */
export function startAuditChain(knex: Knex, log: Log, every = 1000): () => Promise<void> {
  let stopped = false;
  let wake: () => void = () => undefined;
  const pause = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, every).unref();
    });
  const drain = async () => {
    try {
      while ((await chainAudit(knex)) === BATCH);
    } catch (error) {
      // Chained when something may be written again.
      if (!(error instanceof ReadOnly))
        log.warn({ err: error instanceof Error ? error.message : String(error) }, 'audit not chained; trying again');
    }
  };
  const running = (async () => {
    while (!stopped) {
      await drain();
      await pause();
    }
    await drain();
  })();
  return async () => {
    stopped = true;
    wake();
    await running;
  };
}
