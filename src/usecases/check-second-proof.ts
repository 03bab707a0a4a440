// Checks the second proof before a first phone: a code that came by mail, or an invitation; and answers whether one stands.
import type { World } from '../domain/ports.ts';
import {
  SECOND_PROOF,
  type SecondProofCode,
  type SecondProofPassed,
  secondProofKeys,
  secondProofText,
} from '../domain/second-proof.ts';
import { fingerprint } from '../platform/hashes.ts';
import { utf8 } from '../protocol/bytes.ts';
import type { SecondProofRequest } from './send-second-proof.ts';
import { warnPerson } from './tell-person.ts';

/** Answer. `over`: no code is under way in this browser (none sent, too old, or its tries are used up). `retryAfter` in seconds. */
export type SecondProofChecked =
  | { ok: true }
  | { ok: false; why: 'wrong'; remaining: number }
  | { ok: false; why: 'over' }
  | { ok: false; why: 'wrong_invitation' }
  | { ok: false; why: 'too_many'; retryAfter: number };

type Needs = Pick<World, 'records' | 'scratch' | 'limits' | 'vault' | 'mailer' | 'log' | 'replays'>;

/** Checks a typed code. The try is counted before it is looked at; the right code is spent by one atomic move. */
export async function checkMailCode(
  world: Needs,
  request: SecondProofRequest,
  typed: string,
): Promise<SecondProofChecked> {
  const limit = await world.limits.take('mail_code', request.userId);
  if (!limit.ok) return { ok: false, why: 'too_many', retryAfter: limit.retryAfter };
  const place = secondProofKeys.code(request.session);
  const kept = await readCode(world, place);
  if (!kept || kept.userId !== request.userId) return { ok: false, why: 'over' };
  const tries = await world.scratch.increment(secondProofKeys.tries(kept.id), SECOND_PROOF.codeSeconds);
  if (tries > SECOND_PROOF.tries) {
    await world.scratch.delete(place);
    return { ok: false, why: 'over' };
  }
  const code = typed.replaceAll(/[\s-]/g, '');
  const right = world.vault.peppered(utf8(secondProofText(request.session, request.userId, code)), kept);
  if (!right) {
    await record(world, request, 'mail_code', false);
    // Whoever types codes has typed the password before (ASVS 6.3.5).
    if (tries === SECOND_PROOF.tries) await warnPerson(world, request.userId, { about: 'second_factor_failed' });
    return { ok: false, why: 'wrong', remaining: SECOND_PROOF.tries - tries };
  }
  // Exactly one caller takes it: two right answers at once open one way, not two.
  const taken = await world.scratch.take(place);
  if (taken === undefined || (JSON.parse(taken) as SecondProofCode).id !== kept.id) return { ok: false, why: 'over' };
  await world.limits.clear('mail_code', request.userId);
  return pass(world, request, 'mail_code');
}

/** Spends an invitation: a one-time ticket that the operator handed to this very person. */
export async function checkInvitation(
  world: Needs,
  request: SecondProofRequest,
  typed: string,
): Promise<SecondProofChecked> {
  const limit = await world.limits.take('mail_code', request.userId);
  if (!limit.ok) return { ok: false, why: 'too_many', retryAfter: limit.retryAfter };
  // People paste the whole link as well as the code in it.
  const hash = fingerprint(typed.trim().split(/[/#=]/).at(-1) ?? '');
  const owner = await world.records.tickets.peek(hash, 'invite');
  const spent = owner === request.userId ? await world.records.tickets.spend(hash, 'invite') : undefined;
  if (spent !== request.userId) {
    await record(world, request, 'invitation', false);
    return { ok: false, why: 'wrong_invitation' };
  }
  await world.limits.clear('mail_code', request.userId);
  return pass(world, request, 'invitation');
}

/** Whether a second proof stands in this session: given within its time, and no factor changed and nobody disabled since. */
export async function secondProofStands(
  world: Pick<World, 'records' | 'scratch'>,
  request: Pick<SecondProofRequest, 'userId' | 'session'>,
): Promise<boolean> {
  const kept = await world.scratch.get(secondProofKeys.passed(request.session));
  if (kept === undefined) return false;
  const passed = JSON.parse(kept) as SecondProofPassed;
  const user = await world.records.users.byId(request.userId);
  return user?.state === 'active' && passed.userId === user.id && passed.factorsVersion === user.factorsVersion;
}

async function readCode(world: Pick<World, 'scratch'>, place: string): Promise<SecondProofCode | undefined> {
  const kept = await world.scratch.get(place);
  return kept === undefined ? undefined : (JSON.parse(kept) as SecondProofCode);
}

async function pass(world: Needs, request: SecondProofRequest, factor: string): Promise<SecondProofChecked> {
  const user = await world.records.users.byId(request.userId);
  if (user?.state !== 'active') return { ok: false, why: 'over' };
  const passed: SecondProofPassed = { userId: user.id, factorsVersion: user.factorsVersion };
  await world.scratch.set(secondProofKeys.passed(request.session), JSON.stringify(passed), SECOND_PROOF.passedSeconds);
  await record(world, request, factor, true);
  return { ok: true };
}

async function record(
  world: Pick<World, 'records'>,
  request: SecondProofRequest,
  factor: string,
  passed: boolean,
): Promise<void> {
  await world.records.audit.record({
    event: passed ? 'second_proof_passed' : 'second_proof_failed',
    outcome: passed ? 'success' : 'failure',
    sub: request.userId,
    factor,
    ...(request.ip === undefined ? {} : { ip: request.ip }),
    ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
  });
}
