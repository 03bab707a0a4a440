// Claims a sign-in by the rotating QR code that the phone's own camera read (protocol section 5.2).
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { hmac, sameBytes } from '../platform/hashes.ts';
import { fromBase64url, toBase64url } from '../protocol/bytes.ts';
import type { PendingTransaction } from '../protocol/messages.ts';
import { overBecause, pendingEntry } from './pending-entry.ts';
import { type Refused, refuse } from './refused.ts';

/** Seconds that a frame may be old, and early: the store's clock decides. */
const FRAME_WINDOW = { old: 5, early: 1 } as const;

/** The entry without a number, or why there is none. */
export type Claimed =
  | { ok: true; entry: PendingTransaction }
  | Refused<
      'unknown_transaction' | 'expired' | 'approved' | 'denied' | 'failed' | 'qr_stale' | 'qr_forged' | 'claimed'
    >;

/** `claim {txn, i, mac}`: the first good claim wins; the same device may claim again. */
export async function claimQr(
  world: Pick<World, 'transactions'>,
  { device, txn, i, mac }: { device: Device; txn: string; i: number; mac: string },
): Promise<Claimed> {
  const transaction = await world.transactions.find(txn);
  if (transaction?.userId !== device.userId) return refuse('unknown_transaction');
  if (transaction.state !== 'pending') return refuse(overBecause(transaction.state));
  const second = Math.floor(((await world.transactions.now()) - transaction.startedAt) / 1000);
  if (i < second - FRAME_WINDOW.old || i > second + FRAME_WINDOW.early) return refuse('qr_stale');
  if (!sameBytes(qrFrame(transaction.qrSecret, i), mac)) return refuse('qr_forged');
  const move = await world.transactions.claim(txn, device.id);
  if (move.ok) return { ok: true, entry: pendingEntry(move.now, device.id) };
  if (move.now && move.now.state !== 'pending') return refuse(overBecause(move.now.state));
  return refuse(move.now ? 'claimed' : 'expired');
}

/** The frame code of second `i` (protocol section 3). @param secret `qrSecret`, base64url. */
export function qrFrame(secret: string, i: number): string {
  return toBase64url(hmac(fromBase64url(secret) ?? new Uint8Array(0), String(i)).slice(0, 16));
}
