// The request that a phone's message names: its own person's, and still open (protocol section 1, order of refusals).
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import type { Transaction } from '../domain/transaction.ts';
import { overBecause } from './pending-entry.ts';
import { type Refused, refuse } from './refused.ts';

/** Why a request can no longer be answered. */
export type Over = Refused<'unknown_transaction' | 'expired' | 'approved' | 'denied' | 'failed'>;

/** 404 for a request of another person, then 410 or 409 for one that has ended. */
export async function findAnswerable(
  world: Pick<World, 'transactions'>,
  device: Device,
  txn: string,
): Promise<{ ok: true; transaction: Transaction } | Over> {
  const transaction = await world.transactions.find(txn);
  if (transaction?.userId !== device.userId) return refuse('unknown_transaction');
  if (transaction.state !== 'pending') return refuse(overBecause(transaction.state));
  return { ok: true, transaction };
}
