// A phone's answer to a sign-in: approve, deny, or "it was not me" (protocol section 5.1), refused in the protocol's own order.
import type { AuditName } from '../domain/audit.ts';
import type { Device } from '../domain/device.ts';
import type { Devices, Records, World } from '../domain/ports.ts';
import { type Transaction, WRONG_NUMBERS } from '../domain/transaction.ts';
import { fingerprint, sameBytes } from '../platform/hashes.ts';
import type { Assertion } from '../protocol/biometric.ts';
import { contextText } from '../protocol/context.ts';
import { findAnswerable, type Over } from './answerable.ts';
import { type BiometricRefusal, checkBiometric } from './check-biometric.ts';
import { checkPin, checkRatchet, deviceRefusal, type PinRefusal } from './check-pin.ts';
import { overBecause } from './pending-entry.ts';
import { type Refused, refuse } from './refused.ts';
import { tellPerson } from './tell-person.ts';

/** What every answer names: the transaction, its nonce, and the hash of what the person saw. */
interface Named {
  txn: string;
  nonce: string;
  ctxHash: string;
}

/** What an approval proves the person with. */
type Proof = { uv: 'pin'; pinTag: Uint8Array } | { uv: 'webauthn'; assertion: Assertion };

type Approval = Named & { decision: 'approve'; number?: string; ratchet: string; proof: Proof };

/** A decision. An approval carries a proof and the ratchet, and the number unless this device scanned the code. */
export type Decision = Approval | (Named & { decision: 'deny' | 'report' });

/** A proof that holds. It counts once it is settled, together with what it approves. `ratchet` is what the phone is told. */
interface Proven {
  ok: true;
  ratchet: string;
  settle(devices: Devices): Promise<boolean>;
}

/** `ratchet` stands in every answer after a right PIN or biometric, also in refusals (protocol section 7). */
export type Answered =
  | { ok: true; state: 'approved'; ratchet: string }
  | { ok: true; state: 'denied' }
  | Over
  | PinRefusal
  | BiometricRefusal
  | Refused<'nonce' | 'context_mismatch' | 'not_transferred' | 'wrong_number'>;

type Needs = Pick<
  World,
  'records' | 'atomically' | 'transactions' | 'vault' | 'random' | 'mailer' | 'courier' | 'log' | 'rules'
>;

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
  const proven = await prove(world, device, answer);
  return proven.ok ? approve(world, device, found.transaction, answer, proven) : proven;
}

/** Looks at the PIN, which is counted before, or at the biometric, which counts nothing and waits for no PIN. */
async function prove(
  world: Needs,
  device: Device,
  { txn, nonce, ctxHash, decision, number, ratchet, proof }: Approval,
): Promise<Proven | PinRefusal | BiometricRefusal> {
  if (proof.uv === 'pin') {
    const pin = await checkPin(world, device, { pinTag: proof.pinTag, ratchet });
    if (!pin.ok) return pin;
    const { failures, presented, next, verifier } = pin;
    const settle: Proven['settle'] = (devices) =>
      devices.settleRightPin(device.id, failures, presented, next, verifier);
    return { ok: true, ratchet: pin.ratchet, settle };
  }
  const claims = {
    ctx_hash: ctxHash,
    decision,
    device: device.id,
    nonce,
    ...(number === undefined ? {} : { number }),
    txn,
  };
  const used = await checkBiometric(world, device, { claims, assertion: proof.assertion, ratchet });
  if (!used.ok) return used;
  return { ok: true, ratchet: used.ratchet, settle: (devices) => devices.settleBiometric(device.id, used) };
}

/** The transaction that an answer names, in the order 404, 410, 409, `nonce`, `context_mismatch`. */
async function named(
  world: Pick<World, 'transactions'>,
  device: Device,
  answer: Named,
): Promise<{ ok: true; transaction: Transaction } | Over | Refused<'nonce' | 'context_mismatch'>> {
  const found = await findAnswerable(world, device, answer.txn);
  if (!found.ok) return found;
  const { transaction } = found;
  if (!sameBytes(transaction.nonce, answer.nonce)) return refuse('nonce');
  // fingerprint() is SHA-256 in base64url, which is what ctx_hash is (protocol section 2).
  if (!sameBytes(fingerprint(contextText(transaction.context)), answer.ctxHash)) return refuse('context_mismatch');
  return found;
}

/** Something must have gone from the one screen to the other: a scan by this device, or the number. Looked at before any PIN. */
async function checkTransfer(
  world: Needs,
  device: Device,
  transaction: Transaction,
  number: string | undefined,
): Promise<Over | Refused<'not_transferred' | 'wrong_number'> | undefined> {
  // A service's request without a number proves no more than the lowest level (protocol section 5.6).
  if (transaction.claimedBy === device.id || transaction.number === '') return undefined;
  if (number === undefined) return refuse('not_transferred');
  if ((await world.records.users.reserveNumber(device.userId)) > WRONG_NUMBERS) return refuse('not_transferred');
  if (sameBytes(transaction.number, number)) return undefined;
  await record(world, 'transaction_failed', device, transaction, 'wrong_number');
  await announce(world.records, transaction);
  const move = await world.transactions.answer(transaction.id, 'failed');
  await hurry(world, transaction);
  return move.ok ? refuse('wrong_number') : over(move.now);
}

async function approve(
  world: Needs,
  device: Device,
  transaction: Transaction,
  { ratchet, proof: { uv } }: Approval,
  proven: Proven,
): Promise<Answered> {
  const settled = await world.atomically(async (records) => {
    if (!(await proven.settle(records.devices))) return false;
    await record({ records }, 'transaction_approved', device, transaction);
    await announce(records, transaction);
    return true;
  });
  if (!settled) return unsettled(world, device, ratchet);
  await world.records.devices.touch(device.id);
  const move = await world.transactions.answer(transaction.id, 'approved', { device: device.id, means: uv });
  await hurry(world, transaction);
  if (move.ok) return { ok: true, state: 'approved', ratchet: proven.ratchet };
  const late = over(move.now);
  await record(world, 'transaction_approved', device, transaction, late.why);
  return { ...late, ratchet: proven.ratchet };
}

/** Between the check and its settling the device was locked or removed, another copy moved the ratchet on, or the biometric was taken off. */
async function unsettled(world: Needs, device: Device, ratchet: string): Promise<Answered> {
  const now = await world.records.devices.byId(device.id);
  return deviceRefusal(now) ?? (await checkRatchet(world, device, ratchet)) ?? refuse('no_biometric');
}

async function stop(world: Needs, device: Device, answer: Named & { decision: 'deny' | 'report' }): Promise<Answered> {
  const found = await named(world, device, answer);
  if (!found.ok) return found;
  const { transaction } = found;
  if (answer.decision === 'report') await pauseAfterReport(world, device, transaction);
  else await record(world, 'transaction_denied', device, transaction);
  await announce(world.records, transaction);
  const move = await world.transactions.answer(transaction.id, answer.decision === 'report' ? 'reported' : 'denied');
  await hurry(world, transaction);
  if (answer.decision === 'report') {
    const { rp, browser } = transaction.context;
    await tellPerson(world, device.userId, { about: 'sign_in_reported', service: rp, browser });
  }
  return move.ok ? { ok: true, state: 'denied' } : over(move.now);
}

/** A service that asked by itself may be waiting to be told. A node that dies before the state has moved leaves the ping behind. */
async function announce({ deliveries }: Pick<Records, 'deliveries'>, { id, kind }: Transaction): Promise<void> {
  if (kind === 'ciba') await deliveries.due(id, 2);
}

/** The state has moved: the service may hear of it now. */
async function hurry(world: Pick<World, 'records' | 'courier'>, { id, kind }: Transaction): Promise<void> {
  if (kind !== 'ciba') return;
  await world.records.deliveries.due(id, 0);
  world.courier.wake();
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
    // Ties the answer to its request, where no interaction does.
    ...(transaction.kind === 'ciba' ? { detail: { transaction: transaction.id } } : {}),
  });
}
