// The person's answer to a request (protocol section 5.1): a signature over what they saw and what they decided.
import type { Assertion } from '../../src/protocol/biometric.ts';
import { contextHash } from '../../src/protocol/context.ts';
import type { PendingTransaction, RespondResult } from '../../src/protocol/messages.ts';
import { pinSecrets } from '../keys/pin.ts';
import { withRatchet } from '../keys/ratchet.ts';
import type { Account } from '../keys/store.ts';
import { type Answer, failed } from './answer.ts';
import type { Progress, Services } from './services.ts';

/** What stands behind a yes: the PIN or the biometric and, where it is asked for, the number that the browser shows. */
export type Proof = ({ pin: string } | { assertion: Assertion }) & { number?: string };

/** Yes. */
export async function approve(
  { store, api }: Services,
  account: Account,
  request: PendingTransaction,
  proof: Proof,
  progress: Progress,
): Promise<Answer<RespondResult>> {
  const proven = await provenBy(account, proof, progress);
  progress('send');
  const ctx_hash = await contextHash(request.ctx);
  const answer = await withRatchet<RespondResult>(store, account.device, (now) =>
    api.counted(now, 'respond', {
      txn: request.txn,
      nonce: request.nonce,
      decision: 'approve',
      ctx_hash,
      ...(proof.number !== undefined && { number: proof.number }),
      ...proven,
      ratchet: now.ratchet,
    }),
  );
  if (!answer) return failed('no_account');
  // The first answer was lost on the way, and this one tells that it had arrived.
  if (!answer.ok && answer.failure.code === 'approved') return { ok: true, value: { state: 'approved' } };
  return answer;
}

async function provenBy(account: Account, proof: Proof, progress: Progress) {
  if ('assertion' in proof) return { uv: 'webauthn', assertion: proof.assertion };
  progress('pin');
  const { pinTag } = await pinSecrets(account, proof.pin);
  return { uv: 'pin', pin_tag: pinTag };
}

/** No; or no and a report that somebody else is trying. Needs no PIN and works while the phone is locked. */
export async function decline(
  { api }: Services,
  account: Account,
  request: PendingTransaction,
  decision: 'deny' | 'report',
): Promise<Answer<RespondResult>> {
  const answer = await api.counted<RespondResult>(account, 'respond', {
    txn: request.txn,
    nonce: request.nonce,
    decision,
    ctx_hash: await contextHash(request.ctx),
  });
  if (!answer.ok && answer.failure.code === 'denied') return { ok: true, value: { state: 'denied' } };
  return answer;
}
