// The requests that wait for one phone: asked by push, by an opened link, by CIBA or by a code that this phone scanned; never an unclaimed QR one.

import type { Device } from '../domain/device.ts';
import { noticesForPhones, readOnlyNow } from '../domain/notices.ts';
import type { World } from '../domain/ports.ts';
import type { Transaction } from '../domain/transaction.ts';
import type { PendingList } from '../protocol/messages.ts';
import { pendingEntry } from './pending-entry.ts';

/** `pending` (protocol section 5.1). */
export async function listPending(
  world: Pick<World, 'transactions' | 'clock' | 'rules'>,
  device: Device,
): Promise<PendingList> {
  const pending = await world.transactions.pendingOf(device.userId);
  const now = world.clock.now();
  const rules = world.rules();
  const notices = noticesForPhones(rules.notices, now);
  const readOnly = readOnlyNow(rules.readOnly, now);
  return {
    transactions: pending.filter((one) => isFor(one, device.id)).map((one) => pendingEntry(one, device.id)),
    ...(notices.length > 0 ? { notices } : {}),
    ...(readOnly ? { read_only: readOnly } : {}),
    server_time: Math.floor(now / 1000),
  };
}

function isFor(transaction: Transaction, deviceId: string): boolean {
  if (transaction.claimedBy !== undefined) return transaction.claimedBy === deviceId;
  return transaction.mode === 'push' || transaction.kind === 'ciba' || transaction.openedBy === deviceId;
}
