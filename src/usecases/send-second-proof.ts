// Sends the code that proves, beside the password, that the mailbox is the person's: before their first phone.
import type { World } from '../domain/ports.ts';
import {
  maskedAddress,
  SECOND_PROOF,
  type SecondProofCode,
  secondProofKeys,
  secondProofText,
} from '../domain/second-proof.ts';
import { utf8 } from '../protocol/bytes.ts';

/** Who asks for a code, and where it will be typed. */
export interface SecondProofRequest {
  userId: string;
  /** Hash of this browser and this sign-in: only there is the code worth anything. */
  session: string;
  ip?: string;
  userAgent?: string;
}

/** Answer: where it went, masked; or why nothing was sent. `retryAfter` in seconds. */
export type SecondProofSent =
  | { ok: true; to: string }
  | { ok: false; why: 'no_address' }
  | { ok: false; why: 'too_many'; retryAfter: number };

type Needs = Pick<World, 'records' | 'scratch' | 'limits' | 'random' | 'vault' | 'mailer'>;

/**
 * Makes a code, keeps its HMAC, and mails it. A new code ends the one before.
 * @param compose the mail in the person's language; the code stands in it and nowhere else.
 */
export async function sendSecondProof(
  world: Needs,
  request: SecondProofRequest,
  compose: (code: string) => { subject: string; text: string },
): Promise<SecondProofSent> {
  const user = await world.records.users.byId(request.userId);
  if (!user?.email || user.state !== 'active') return { ok: false, why: 'no_address' };
  // Taken before the work: a person who holds only the password cannot flood the owner's mailbox.
  const limit = await world.limits.take('mail_code_send', user.id);
  if (!limit.ok) return { ok: false, why: 'too_many', retryAfter: limit.retryAfter };
  const code = world.random.digits(SECOND_PROOF.digits);
  const kept: SecondProofCode = {
    id: world.random.id(),
    userId: user.id,
    ...world.vault.pepper(utf8(secondProofText(request.session, user.id, code))),
  };
  await world.scratch.set(secondProofKeys.code(request.session), JSON.stringify(kept), SECOND_PROOF.codeSeconds);
  await world.mailer.send({ to: user.email, ...compose(code) });
  await world.records.audit.record({
    event: 'second_proof_sent',
    outcome: 'success',
    sub: user.id,
    factor: 'mail_code',
    ...(request.ip === undefined ? {} : { ip: request.ip }),
    ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
  });
  return { ok: true, to: maskedAddress(user.email) };
}
