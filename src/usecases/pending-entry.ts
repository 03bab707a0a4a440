// How a phone is told of one request (protocol section 5.1): never the number, never the QR secret, never the browser's binding.
import type { Transaction } from '../domain/transaction.ts';
import type { PendingTransaction } from '../protocol/messages.ts';

/** The entry for this device: one that scanned the QR code need not type the number. */
export function pendingEntry(transaction: Transaction, deviceId: string): PendingTransaction {
  return {
    txn: transaction.id,
    kind: transaction.kind,
    nonce: transaction.nonce,
    ctx: transaction.context,
    number_required: transaction.claimedBy !== deviceId && transaction.number !== '',
    exp: Math.floor(transaction.expiresAt / 1000),
  };
}

/** Why a transaction takes no answer any more. A consumed one was approved; to a phone a reported one was denied. */
export function overBecause(
  state: Exclude<Transaction['state'], 'pending'>,
): 'expired' | 'approved' | 'denied' | 'failed' {
  if (state === 'consumed') return 'approved';
  return state === 'reported' ? 'denied' : state;
}
