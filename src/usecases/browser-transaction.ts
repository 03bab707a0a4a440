// What the browser that opened a transaction may do with it while it waits: follow, extend, cancel. No other browser sees it (protocol section 5).
import type { World } from '../domain/ports.ts';
import type { Transaction } from '../domain/transaction.ts';
import { sameBytes } from '../platform/hashes.ts';
import { qrFrame } from './claim-qr.ts';

/** Which transaction, and the SHA-256 of the binding cookie of the browser that asks. */
export interface OfBrowser {
  txn: string;
  bind: string;
}

/** The transaction of this very browser; undefined where there is none, which is also the answer for another browser's. */
export async function browserTransaction(
  world: Pick<World, 'transactions'>,
  { txn, bind }: OfBrowser,
): Promise<Transaction | undefined> {
  const transaction = await world.transactions.find(txn);
  return transaction && sameBytes(transaction.bind, bind) ? transaction : undefined;
}

/** The QR frame of this second by the store's clock: `i` and its code for `signInLink`. */
export async function currentFrame(
  world: Pick<World, 'transactions'>,
  transaction: Transaction,
): Promise<{ i: number; mac: string }> {
  const i = Math.max(0, Math.floor(((await world.transactions.now()) - transaction.startedAt) / 1000));
  return { i, mac: qrFrame(transaction.qrSecret, i) };
}

/** Adds 120 s while pending, at most 600 s in all. Undefined where the transaction is over, has lived its whole, or is another browser's. */
export async function extendTransaction(
  world: Pick<World, 'transactions'>,
  { txn, bind }: OfBrowser,
): Promise<Transaction | undefined> {
  const move = await world.transactions.extend(txn, bind);
  return move.ok ? move.now : undefined;
}

/** Ends a pending transaction of this browser. */
export async function cancelTransaction(world: Pick<World, 'transactions'>, of: OfBrowser): Promise<void> {
  const transaction = await browserTransaction(world, of);
  if (!transaction) return;
  await world.transactions.end(transaction.id);
  await world.transactions.touchUser(transaction.userId);
}
