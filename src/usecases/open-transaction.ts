// Opens a sign-in from its link on the phone itself (protocol section 5.4): it shows who asks, and the number must be typed.
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import type { PendingTransaction } from '../protocol/messages.ts';
import { overBecause, pendingEntry } from './pending-entry.ts';
import { type Refused, refuse } from './refused.ts';

/** The entry, or why there is none. Another person's transaction is unknown. */
export type Opened =
  | { ok: true; entry: PendingTransaction }
  | Refused<'unknown_transaction' | 'expired' | 'approved' | 'denied' | 'failed' | 'claimed'>;

/** `open {txn}`. */
export async function openTransaction(
  world: Pick<World, 'transactions'>,
  { device, txn }: { device: Device; txn: string },
): Promise<Opened> {
  const transaction = await world.transactions.find(txn);
  if (transaction?.userId !== device.userId) return refuse('unknown_transaction');
  if (transaction.state !== 'pending') return refuse(overBecause(transaction.state));
  if (transaction.claimedBy !== undefined && transaction.claimedBy !== device.id) return refuse('claimed');
  const move = await world.transactions.opened(txn, device.id);
  if (move.ok) return { ok: true, entry: pendingEntry(move.now, device.id) };
  return refuse(move.now && move.now.state !== 'pending' ? overBecause(move.now.state) : 'expired');
}
