// What a service hears when it asks for the answer to its back-channel request: one approval gives one grant (CIBA section 11).
import type { Level, Reached } from '../domain/assurance.ts';
import { reached } from '../domain/assurance.ts';
import type { AuditEvent } from '../domain/audit.ts';
import { proofsOfApproval } from '../domain/backchannel.ts';
import type { World } from '../domain/ports.ts';
import { fitContext } from '../protocol/context.ts';
import { backchannelTransaction } from './ask-by-backchannel.ts';
import { mayStillSpeak } from './spend-approval.ts';

/** What is asked now: an approval for another service or level is worth nothing. */
export interface BackchannelAskedNow {
  authReqId: string;
  userId: string;
  service: { clientId: string; name: string };
  level: string;
  levels: readonly Level[];
  /** What the audit is told of the sign-in, with the fact that it is spent. */
  event(got: Reached): AuditEvent;
}

/** `denied`: by the person, by a wrong number, or because it no longer counts. `spent`: another caller has it. */
export type BackchannelSettled =
  | { ok: true; got: Reached }
  | { ok: false; why: 'pending' | 'denied' | 'expired' | 'spent' };

type Needs = Pick<World, 'records' | 'atomically' | 'transactions' | 'limits' | 'clock'>;

/** approved → consumed, then the fact "spent" in PostgreSQL; exactly one caller gets what was proven. */
export async function settleBackchannel(world: Needs, asked: BackchannelAskedNow): Promise<BackchannelSettled> {
  const { id, bind, interaction } = backchannelTransaction(asked.authReqId);
  const transaction = await world.transactions.find(id);
  if (!transaction || transaction.state === 'expired') return { ok: false, why: 'expired' };
  if (transaction.state === 'pending') return { ok: false, why: 'pending' };
  if (transaction.state === 'consumed') return { ok: false, why: 'spent' };
  const same =
    transaction.userId === asked.userId &&
    transaction.clientId === asked.service.clientId &&
    transaction.level === asked.level &&
    transaction.context.rp === fitContext({ ...transaction.context, rp: asked.service.name }).rp;
  if (transaction.state !== 'approved' || !same || !(await mayStillSpeak(world, transaction)))
    return { ok: false, why: 'denied' };
  const move = await world.transactions.consume(id, bind, interaction);
  if (!move.ok) return { ok: false, why: move.now?.state === 'consumed' ? 'spent' : 'expired' };
  const { device, means, number, userId } = move.now;
  if (!device || !means) return { ok: false, why: 'denied' };
  const now = Math.floor(world.clock.now() / 1000);
  const numbered = number !== '';
  const got = numbered
    ? reached(asked.levels, proofsOfApproval(means, device, now, true), now)
    : lowest(asked.levels, proofsOfApproval(means, device, now, false));
  const first = await world.atomically(async (records) => {
    if (!(await records.spent.transaction(id))) return false;
    if (numbered) await records.users.clearNumbers(userId);
    if (got) await records.audit.record({ ...asked.event(got), factor: device, detail: { transaction: id } });
    return true;
  });
  if (!first || !got) return { ok: false, why: first ? 'denied' : 'spent' };
  await world.limits.clear('push_day', userId);
  return { ok: true, got };
}

function lowest(levels: readonly Level[], proofs: Reached['proofs']): Reached | undefined {
  const [level] = levels;
  return level && { level, proofs };
}
