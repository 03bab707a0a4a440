// Deletes what has expired for good. What was used stays longer than anything that could be presented again.
import type { Knex } from 'knex';
import type { Log } from '../../platform/log.ts';
import { ReadOnly } from '../../platform/unavailable.ts';
import { pruneAudit } from './audit-retention.ts';
import { rows } from './statement.ts';

const STALE = [
  `delete from known_browsers where expires_at < clock_timestamp()`,
  `delete from tickets where expires_at < clock_timestamp() - interval '7 days'`,
  `delete from spent_transactions where spent_at < clock_timestamp() - interval '7 days'`,
  `delete from deliveries where expires_at < clock_timestamp()`,
  // A refresh token that was used stays until its end: presented again it must revoke its family.
  `delete from oidc_artefacts where expires_at < clock_timestamp()`,
];

/** How long what the operator decides on is kept, in seconds. */
export interface Kept {
  /** Events of the audit; for ever where it is missing. */
  audit?: number;
}

/** One round. */
export async function tidy(knex: Knex, keep: Kept = {}): Promise<void> {
  for (const statement of STALE) await rows(knex, statement);
  if (keep.audit !== undefined) await pruneAudit(knex, keep.audit);
}

/** A round every hour; the answer stops it. */
export function startHousekeeping(knex: Knex, log: Log, keep: () => Kept, every = 3_600_000): () => void {
  const timer = setInterval(() => {
    tidy(knex, keep()).catch((error: unknown) => {
      if (!(error instanceof ReadOnly))
        log.warn({ err: String(error) }, 'housekeeping failed; trying again in an hour');
    });
  }, every);
  timer.unref();
  return () => clearInterval(timer);
}
