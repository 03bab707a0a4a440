// A phone's answer to a sign-in: approve, deny, or "it was not me" (protocol section 5.1), refused in the protocol's own order.
import type { AuditName } from '../domain/audit.ts';
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { type Transaction, WRONG_NUMBERS } from '../domain/transaction.ts';
import { fingerprint, sameBytes } from '../platform/hashes.ts';
import { contextText } from '../protocol/context.ts';
import { checkPin, checkRatchet, deviceRefusal, lockCloned, type PinRefusal, type RightPin } from './check-pin.ts';
import { overBecause } from './pending-entry.ts';
import { type Refused, refuse } from './refused.ts';
import { tellPerson } from './tell-person.ts';

/** What every answer names: the transaction, its nonce, and the hash of what the person saw. */
interface Named {
  txn: string;
  nonce: string;
  ctxHash: string;
}

/** A decision. An approval carries the PIN's tag and the ratchet, and the number unless this device scanned the code. */
export type Decision =
  | (Named & { decision: 'approve'; number?: string; pinTag: Uint8Array; ratchet: string })
  | (Named & { decision: 'deny' | 'report' });

type Over = Refused<'unknown_transaction' | 'expired' | 'approved' | 'denied' | 'failed'>;

/** `ratchet` stands in every answer after a right PIN, also in refusals (protocol section 7). */
export type Answered =
  | { ok: true; state: 'approved'; ratchet: string }
  | { ok: true; state: 'denied' }
  | Over
  | PinRefusal
  | Refused<'nonce' | 'context_mismatch' | 'not_transferred' | 'wrong_number'>;

type Needs = Pick<World, 'records' | 'atomically' | 'transactions' | 'vault' | 'random' | 'mailer' | 'log'>;

/** Answers for this device, whose message is verified and whose counter is committed. PostgreSQL commits first; the state moves last and decides races. */
export async function answerTransaction(
  world: Needs,
  { device, answer }: { device: Device; answer: Decision },
): Promise<Answered> {
  // Denying and reporting stay open to a locked phone: they can only stop something.
  if (answer.decision !== 'approve')
    return device.state === 'removed' ? refuse('device_removed') : stop(world, device, answer);
  const copied = deviceRefusal(device) ?? (await checkRatchet(world, device, answer.ratchet));
  if (copied) return copied;
  const found = await named(world, device, answer);
  if (!found.ok) return found;
  const transferred = await checkTransfer(world, device, found.transaction, answer.number);
  if (transferred) return transferred;
  const pin = await checkPin(world, device, answer);
  return pin.ok ? approve(world, device, found.transaction, pin) : pin;
}

/** The transaction that an answer names, in the order 404, 410, 409, `nonce`, `context_mismatch`. */
async function named(
  world: Pick<World, 'transactions'>,
  device: Device,
  answer: Named,
): Promise<{ ok: true; transaction: Transaction } | Over | Refused<'nonce' | 'context_mismatch'>> {
  const transaction = await world.transactions.find(answer.txn);
  if (transaction?.userId !== device.userId) return refuse('unknown_transaction');
  if (transaction.state !== 'pending') return refuse(overBecause(transaction.state));
  if (!sameBytes(transaction.nonce, answer.nonce)) return refuse('nonce');
  // fingerprint() is SHA-256 in base64url, which is what ctx_hash is (protocol section 2).
  if (!sameBytes(fingerprint(contextText(transaction.context)), answer.ctxHash)) return refuse('context_mismatch');
  return { ok: true, transaction };
}

/** Something must have gone from the one screen to the other: a scan by this device, or the number. Looked at before any PIN. */
async function checkTransfer(
  world: Needs,
  device: Device,
  transaction: Transaction,
  number: string | undefined,
): Promise<Over | Refused<'not_transferred' | 'wrong_number'> | undefined> {
  if (transaction.claimedBy === device.id) return undefined;
  if (number === undefined) return refuse('not_transferred');
  if ((await world.records.users.reserveNumber(device.userId)) > WRONG_NUMBERS) return refuse('not_transferred');
  if (sameBytes(transaction.number, number)) return undefined;
  await record(world, 'transaction_failed', device, transaction, 'wrong_number');
  const move = await world.transactions.answer(transaction.id, 'failed');
  return move.ok ? refuse('wrong_number') : over(move.now);
}

async function approve(world: Needs, device: Device, transaction: Transaction, pin: RightPin): Promise<Answered> {
  const settled = await world.atomically(async (records) => {
    const moved = await records.devices.settleRightPin(device.id, pin.failures, pin.presented, pin.next, pin.verifier);
    if (!moved) return false;
    await record({ records }, 'transaction_approved', device, transaction);
    return true;
  });
  // Between the check and here the device was locked or removed, or another copy moved the ratchet on.
  if (!settled) return deviceRefusal(await world.records.devices.byId(device.id)) ?? lockCloned(world, device);
  await world.records.devices.touch(device.id);
  const move = await world.transactions.answer(transaction.id, 'approved', { device: device.id, means: 'pin' });
  if (move.ok) return { ok: true, state: 'approved', ratchet: pin.ratchet };
  const late = over(move.now);
  await record(world, 'transaction_approved', device, transaction, late.why);
  return { ...late, ratchet: pin.ratchet };
}

async function stop(world: Needs, device: Device, answer: Named & { decision: 'deny' | 'report' }): Promise<Answered> {
  const found = await named(world, device, answer);
  if (!found.ok) return found;
  const { transaction } = found;
  if (answer.decision === 'report') await pauseAfterReport(world, device, transaction);
  else await record(world, 'transaction_denied', device, transaction);
  const move = await world.transactions.answer(transaction.id, answer.decision === 'report' ? 'reported' : 'denied');
  if (answer.decision === 'report') {
    const { rp, browser } = transaction.context;
    await tellPerson(world, device.userId, { about: 'sign_in_reported', service: rp, browser });
  }
  return move.ok ? { ok: true, state: 'denied' } : over(move.now);
}

/** "It was not me": no more pushes by ourselves until the next full sign-in, and no browser counts as known. */
function pauseAfterReport(world: Needs, device: Device, transaction: Transaction): Promise<void> {
  return world.atomically(async (records) => {
    await records.users.setPushPaused(device.userId, true);
    await records.knownBrowsers.forgetAll(device.userId);
    await record({ records }, 'transaction_reported', device, transaction);
  });
}

/** What a lost race says: the state that the other one made. */
function over(now: Transaction | undefined): Over {
  return refuse(!now || now.state === 'pending' ? 'expired' : overBecause(now.state));
}

function record(
  { records }: Pick<World, 'records'>,
  event: AuditName,
  device: Device,
  transaction: Transaction,
  reason?: string,
): Promise<void> {
  return records.audit.record({
    event,
    outcome: reason === undefined ? 'success' : 'failure',
    ...(reason === undefined ? {} : { reason }),
    sub: device.userId,
    clientId: transaction.clientId,
    factor: device.id,
  });
}
