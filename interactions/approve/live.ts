// What the waiting page hears: the state, the time that is left, and QR frames; never who, with which phone, or for what.
import type { Context } from 'koa';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { browserTransaction } from '../../src/usecases/browser-transaction.ts';
import { qrFrame } from '../../src/usecases/claim-qr.ts';
import { openEvents } from '../../src/web/sse.ts';
import type { Heard } from './listen.ts';

/** The stream speaks at least so often, in seconds: the page takes a longer silence for a dead line. */
const WORD_EVERY = 10;

/** A transaction as the page may hear of it. @param now milliseconds by the store's clock. */
export function heardOf(transaction: Transaction, now: number): Heard {
  const { state, mode, claimedBy, openedBy } = transaction;
  const i = Math.max(0, Math.floor((now - transaction.startedAt) / 1000));
  const seen = claimedBy !== undefined || openedBy !== undefined;
  return {
    state,
    left: Math.max(0, Math.ceil((transaction.expiresAt - now) / 1000)),
    ...(seen ? { seen } : {}),
    ...(state === 'pending' && mode !== 'push' ? { frame: { i, mac: qrFrame(transaction.qrSecret, i) } } : {}),
  };
}

/** Follows a transaction of this browser until it ends or the page goes away. */
export async function streamTransaction(
  ctx: Context,
  world: Pick<World, 'transactions' | 'clock' | 'log'>,
  first: Transaction,
): Promise<void> {
  const of = { txn: first.id, bind: first.bind };
  let transaction = first;
  let ahead = (await world.transactions.now()) - world.clock.now();
  const events = openEvents(ctx);
  const say = () => events.send('state', heardOf(transaction, world.clock.now() + ahead));

  const look = async () => {
    const found = await browserTransaction(world, of);
    ahead = (await world.transactions.now()) - world.clock.now();
    if (!found) return events.close();
    transaction = found;
    say();
    if (found.state !== 'pending') events.close();
  };
  const lookSafely = () =>
    look().catch((error: unknown) => {
      // The page falls back to asking by itself.
      world.log.warn({ err: error }, 'a waiting page lost its transaction');
      events.close();
    });
  let beats = 0;
  const timer = setInterval(() => {
    beats += 1;
    const over = world.clock.now() + ahead >= transaction.expiresAt;
    if (over || beats % WORD_EVERY === 0) void lookSafely();
    else if (transaction.mode !== 'push') say();
  }, 1000);
  events.onClose(() => clearInterval(timer));
  const stop = await world.transactions.watch(first.id, () => void lookSafely());
  events.onClose(stop);
  // Looked at again after the watch began: what happened in between is not lost.
  await lookSafely();
}
