// Takes the eight digits that a phone without a network shows (protocol section 5.3): counted before they are compared, spent in this browser at once.
import { offlineKeyAad } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { OFFLINE_TRIES, type Transaction } from '../domain/transaction.ts';
import { sameBytes } from '../platform/hashes.ts';
import { fromBase64url } from '../protocol/bytes.ts';
import { offlineCode } from '../protocol/ocra.ts';
import { browserTransaction } from './browser-transaction.ts';
import { overBecause } from './pending-entry.ts';
import { type AskedNow, consume, isWhatWasAsked, type Spent } from './spend-approval.ts';
import { tellPerson, warnPerson } from './tell-person.ts';

/** `remaining` tries of this transaction. `closed`: too many wrong codes; `retryAfter` in seconds, absent where only an online approval opens it again. */
export type OfflineEntered =
  | Extract<Spent, { ok: true }>
  | {
      ok: false;
      why:
        | 'off'
        | 'unknown_transaction'
        | 'not_asked'
        | 'malformed'
        | 'expired'
        | 'approved'
        | 'denied'
        | 'failed'
        | 'spent';
    }
  | { ok: false; why: 'closed'; retryAfter?: number }
  | { ok: false; why: 'wrong_code'; remaining: number };

type Needs = Pick<
  World,
  | 'records'
  | 'atomically'
  | 'transactions'
  | 'limits'
  | 'random'
  | 'clock'
  | 'vault'
  | 'rules'
  | 'mailer'
  | 'log'
  | 'replays'
>;

/** Compares with the code of each active phone of the person; a right one moves pending → approved → consumed. */
export async function enterOfflineCode(world: Needs, asked: AskedNow & { code: string }): Promise<OfflineEntered> {
  if (!world.rules().offline) return { ok: false, why: 'off' };
  const code = asked.code.replaceAll(/[\s-]/g, '');
  const transaction = await browserTransaction(world, asked);
  if (!transaction) return { ok: false, why: 'unknown_transaction' };
  if (!isWhatWasAsked(transaction, asked)) return { ok: false, why: 'not_asked' };
  if (transaction.state !== 'pending') return { ok: false, why: overBecause(transaction.state) };
  // Not a try: eight digits are what a code is, and people slip.
  if (!/^[0-9]{8}$/.test(code)) return { ok: false, why: 'malformed' };
  const tries = await reserve(world, transaction);
  if (!tries.ok) return tries.refusal;
  const device = await deviceOf(world, transaction, code);
  if (!device) return wrong(world, transaction, tries);
  return approveAndSpend(world, transaction, device, asked);
}

type Reserved = { ok: true; tries: number; failures: number } | { ok: false; refusal: OfflineEntered };

/** All three counts go up before anything is compared. */
async function reserve(world: Needs, { id, userId }: Transaction): Promise<Reserved> {
  const window = await world.limits.take('offline_code', userId);
  if (!window.ok) return { ok: false, refusal: { ok: false, why: 'closed', retryAfter: window.retryAfter } };
  const failures = await world.records.users.reserveOffline(userId);
  if (failures === undefined) return { ok: false, refusal: { ok: false, why: 'closed' } };
  const tries = await world.transactions.reserveCode(id);
  if (tries === undefined) return { ok: false, refusal: { ok: false, why: 'failed' } };
  return { ok: true, tries, failures };
}

/** The phone whose code it is. All are computed and compared, so that the time does not tell which. */
async function deviceOf(world: Needs, transaction: Transaction, code: string): Promise<string | undefined> {
  const id = fromBase64url(transaction.id);
  const devices = await world.records.devices.ofUser(transaction.userId);
  let found: string | undefined;
  for (const device of devices) {
    const sealed = device.state === 'active' ? await world.records.devices.offlineKey(device.id) : undefined;
    const key = sealed && world.vault.open(sealed, offlineKeyAad(device.id));
    if (!key || !id) continue;
    const expected = await offlineCode(Uint8Array.from(key), id, transaction.context);
    if (sameBytes(expected, code)) found ??= device.id;
  }
  return found;
}

async function wrong(
  world: Needs,
  transaction: Transaction,
  { tries, failures }: { tries: number; failures: number },
): Promise<OfflineEntered> {
  const { userId: sub, clientId } = transaction;
  await world.records.audit.record({
    event: 'transaction_failed',
    outcome: 'failure',
    reason: 'wrong_code',
    sub,
    clientId,
  });
  if (failures >= OFFLINE_FAILURES) await tellPerson(world, sub, { about: 'offline_closed' });
  const remaining = Math.max(OFFLINE_TRIES - tries, 0);
  if (remaining === 0) {
    await world.transactions.answer(transaction.id, 'failed');
    // Whoever types codes has typed the password before (ASVS 6.3.5).
    await warnPerson(world, sub, { about: 'second_factor_failed' });
  }
  return { ok: false, why: 'wrong_code', remaining };
}

/** At this many wrong codes without a success the way is closed until an online approval (protocol section 5.3). */
const OFFLINE_FAILURES = 50;

async function approveAndSpend(
  world: Needs,
  transaction: Transaction,
  device: string,
  asked: AskedNow,
): Promise<OfflineEntered> {
  const { userId: sub, clientId } = transaction;
  await world.records.audit.record({
    event: 'transaction_approved',
    outcome: 'success',
    reason: 'offline',
    sub,
    clientId,
    factor: device,
  });
  const move = await world.transactions.answer(transaction.id, 'approved', { device, means: 'offline' });
  if (!move.ok)
    return { ok: false, why: !move.now || move.now.state === 'pending' ? 'expired' : overBecause(move.now.state) };
  const spent = await consume(world, transaction, asked);
  if (!spent.ok) return { ok: false, why: 'spent' };
  await world.records.users.clearOffline(sub);
  await world.limits.clear('offline_code', sub);
  await world.records.devices.touch(device);
  return spent;
}
