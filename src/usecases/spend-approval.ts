// Turns an approval into a proof: once, in the browser that asked, for the sign-in that asked (protocol section 5).
import type { Proof } from '../domain/assurance.ts';
import type { World } from '../domain/ports.ts';
import { phoneAmr, type Transaction } from '../domain/transaction.ts';
import { fingerprint, sameBytes } from '../platform/hashes.ts';
import { fitContext } from '../protocol/context.ts';

/** What is asked now, by the browser and the interaction that want to go on. */
export interface AskedNow {
  txn: string;
  bind: string;
  interaction: string;
  userId: string;
  service: { clientId: string; name: string };
  level: string;
  /** Value of the known-browser cookie, as it came: it is replaced. */
  knownBrowser?: string;
}

/** `knownBrowser` is the new value of that cookie, for 90 days. */
export type Spent =
  | { ok: true; proof: Proof; knownBrowser: string }
  | { ok: false; why: 'unknown_transaction' | 'not_approved' | 'not_asked' | 'device_gone' | 'spent' };

type Needs = Pick<World, 'records' | 'atomically' | 'transactions' | 'limits' | 'random' | 'clock'>;

/** approved → consumed, then the fact "spent" in PostgreSQL; exactly one caller gets the proof. */
export async function spendApproval(world: Needs, asked: AskedNow): Promise<Spent> {
  const transaction = await world.transactions.find(asked.txn);
  if (!transaction || !sameBytes(transaction.bind, asked.bind)) return { ok: false, why: 'unknown_transaction' };
  if (!isWhatWasAsked(transaction, asked)) return { ok: false, why: 'not_asked' };
  if (transaction.state === 'consumed') return { ok: false, why: 'spent' };
  if (transaction.state !== 'approved') return { ok: false, why: 'not_approved' };
  if (!(await mayStillSpeak(world, transaction))) return { ok: false, why: 'device_gone' };
  return consume(world, transaction, asked);
}

/** The person approved one service and one level: an approval for another is worth nothing here. */
export function isWhatWasAsked(transaction: Transaction, asked: Omit<AskedNow, 'txn'>): boolean {
  return (
    transaction.interaction === asked.interaction &&
    transaction.userId === asked.userId &&
    transaction.clientId === asked.service.clientId &&
    transaction.level === asked.level &&
    // The name as it would be shown now, cut the same way: a service renamed meanwhile was not what the person saw.
    transaction.context.rp === fitContext({ ...transaction.context, rp: asked.service.name }).rp
  );
}

/** A device removed or locked after it approved, or a person disabled since, proves nothing any more. */
export async function mayStillSpeak(world: Pick<World, 'records'>, transaction: Transaction): Promise<boolean> {
  if (!transaction.device) return false;
  const device = await world.records.devices.byId(transaction.device);
  const user = await world.records.users.byId(transaction.userId);
  return device?.state === 'active' && device.userId === transaction.userId && user?.state === 'active';
}

/** Consumes an approved transaction whose facts are checked: shared with the offline code. */
export async function consume(
  world: Needs,
  transaction: Transaction,
  asked: Pick<AskedNow, 'bind' | 'interaction' | 'knownBrowser'>,
): Promise<Spent> {
  const move = await world.transactions.consume(transaction.id, asked.bind, asked.interaction);
  if (!move.ok) return { ok: false, why: move.now?.state === 'consumed' ? 'spent' : 'not_approved' };
  const { device, means, userId } = move.now;
  if (!device || !means) return { ok: false, why: 'not_approved' };
  const knownBrowser = world.random.id(32);
  const first = await world.atomically(async (records) => {
    // PostgreSQL remembers what a lost or rewound Redis would forget.
    if (!(await records.spent.transaction(transaction.id))) return false;
    await records.users.clearNumbers(userId);
    // Only an approval online reopens the way of typed codes when wrong ones have closed it.
    if (means !== 'offline') await records.users.clearOffline(userId);
    await records.users.setPushPaused(userId, false);
    const previous = asked.knownBrowser === undefined ? undefined : fingerprint(asked.knownBrowser);
    await records.knownBrowsers.remember(userId, fingerprint(knownBrowser), previous);
    return true;
  });
  if (!first) return { ok: false, why: 'spent' };
  await world.limits.clear('push_day', userId);
  const proof = { at: Math.floor(world.clock.now() / 1000), amr: phoneAmr(means), factor: device };
  return { ok: true, proof, knownBrowser };
}
