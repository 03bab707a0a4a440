// Deletes audit events that are older than the operator wants to keep, and leaves a checkpoint from which the chain is verified on.
import type { Knex } from 'knex';
import type { AuditEvent } from '../../domain/audit.ts';
import { CHAINING } from './audit.ts';
import { rows } from './statement.ts';

/** So many are looked at and deleted in one round: a statement has two seconds. */
const ROUND = 5000;

interface Checkpoint {
  seq: string;
  hash: string;
}

/**
 * Deletes the chained events that are all older than `seconds`, from the oldest on; the newest link always stays.
 * @returns how many were deleted.
 */
export async function pruneAudit(knex: Knex, seconds: number): Promise<number> {
  // What an earlier round left because it was ended is taken along.
  let deleted = await deleteToCheckpoint(knex);
  while (await setCheckpoint(knex, seconds)) deleted += await deleteToCheckpoint(knex);
  return deleted;
}

/** The checkpoint and the event that tells of it commit together, before anything is deleted. False where nothing is old enough. */
function setCheckpoint(knex: Knex, seconds: number): Promise<boolean> {
  return knex.transaction(async (trx) => {
    const [lock] = await rows<{ held: boolean }>(trx, 'select pg_try_advisory_xact_lock(?) as held', [CHAINING]);
    if (!lock?.held) return false;
    // Up to the event before the first that is young enough: times need not rise with the place in the chain.
    const [last] = await rows<Checkpoint>(
      trx,
      `with oldest as (select seq, hash, at from audit_events where seq is not null order by seq limit ${ROUND + 1})
       select seq::text as seq, hash from oldest
       where seq < least((select max(seq) from oldest),
         (select min(seq) from oldest where at > clock_timestamp() - make_interval(secs => ?)))
       order by oldest.seq desc limit 1`,
      [seconds],
    );
    if (!last) return false;
    const told: AuditEvent = {
      event: 'sys_audit_pruned',
      outcome: 'success',
      actor: 'system',
      detail: { seq: Number(last.seq), hash: last.hash },
    };
    await rows(
      trx,
      `with told as (insert into audit_events (event) values (?) returning id)
       insert into audit_checkpoints (seq, hash, told_by) select ?, ?, id from told`,
      [JSON.stringify(told), last.seq, last.hash],
    );
    return true;
  });
}

async function deleteToCheckpoint(knex: Knex): Promise<number> {
  const gone = await rows(
    knex,
    'delete from audit_events where seq <= (select max(seq) from audit_checkpoints) returning id',
  );
  // Only the newest checkpoint says where the chain begins.
  await rows(knex, 'delete from audit_checkpoints where seq < (select max(seq) from audit_checkpoints)');
  return gone.length;
}
