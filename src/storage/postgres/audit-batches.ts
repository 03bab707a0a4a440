// Audit events that nobody waits for, written some together: one insert and one commit for what came within a moment.
import type { AuditEvent } from '../../domain/audit.ts';
import type { Audit } from '../../domain/ports.ts';
import { ReadOnly } from '../../platform/unavailable.ts';
import { storable } from './audit.ts';
import { DatabaseUnavailable, type Db, rows } from './statement.ts';

/** Milliseconds that an event may wait for others. */
const TOGETHER = 50;
/** So many are written at once without waiting longer. */
const BATCH = 200;
/** Milliseconds between two tries while nothing may be written. */
const AGAIN = 1000;
/** So many may wait while the database is slow; more are refused, so that a dead database does not fill the memory. */
const MOST = 5000;

/** An {@link Audit} that writes in batches, to be closed before its database. */
export interface AuditBatches extends Audit {
  /** Writes what waits. */
  close(): Promise<void>;
}

/** Who is told of what became of events. */
export interface AuditObserver {
  audited(event: AuditEvent): void;
  /** It could not be written: it is in no audit. */
  dropped(event: AuditEvent): void;
}

interface Waiting {
  event: AuditEvent;
  text: string;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Batches on a pool. `record` still resolves only when the event is written, and rejects where it was not: whoever waits for it
 * is told the truth, and waits up to 50 ms longer than with the plain audit. Order is kept within one process.
 * While the database only reads, events wait; at the end those that still do are refused.
 * Changes of credentials use the plain {@link Audit} on their own transaction, never this one (decision 0004).
 */
export function createAuditBatches(db: Db, observer?: AuditObserver): AuditBatches {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  let closing = false;

  /** False where nothing may be written now, and the batch is to come again. */
  async function write(batch: readonly Waiting[]): Promise<boolean> {
    try {
      await rows(
        db,
        `insert into audit_events (event)
         select value from jsonb_array_elements(?::jsonb) with ordinality as e (value, position) order by position`,
        [`[${batch.map(({ text }) => text).join(',')}]`],
      );
      for (const { event, resolve } of batch) {
        observer?.audited(event);
        resolve();
      }
    } catch (error) {
      if (error instanceof ReadOnly && !closing) return false;
      for (const { event, reject } of batch) {
        observer?.dropped(event);
        reject(error);
      }
    }
    return true;
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    // One after the other: two at once could be written in the wrong order.
    writing = writing.then(async () => {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, BATCH);
        waiting = waiting.slice(BATCH);
        if (await write(batch)) continue;
        waiting = [...batch, ...waiting];
        timer ??= setTimeout(flush, AGAIN);
        return;
      }
    });
    return writing;
  }

  return {
    record(event) {
      if (waiting.length >= MOST) {
        observer?.dropped(event);
        return Promise.reject(new DatabaseUnavailable('too many audit events wait'));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ event, text: JSON.stringify(event, (_name, value) => storable(value)), resolve, reject });
        if (waiting.length === BATCH) void flush();
        else timer ??= setTimeout(flush, TOGETHER);
      });
    },
    close: () => {
      closing = true;
      return flush();
    },
  };
}
