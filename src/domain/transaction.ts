// A sign-in request to a phone (protocol section 5): pending → approved → consumed, or pending → denied | reported | failed | expired. Ends are final.
import type { Context } from '../protocol/context.ts';

/** States of a transaction. */
export type TransactionState = 'pending' | 'approved' | 'consumed' | 'denied' | 'reported' | 'failed' | 'expired';

/** How the person is asked: by a push to the phone, by a QR code for its camera, or by a code to type without JavaScript. */
export type TransactionMode = 'push' | 'qr' | 'code';

/** What an approval proved; decides amr (protocol section 9). */
export type ApprovalMeans = 'pin' | 'webauthn' | 'offline';

/** A sign-in request as it is kept with what may be lost. Times are milliseconds of the store's clock. */
export interface Transaction {
  id: string;
  userId: string;
  /** uid of the interaction that asked. */
  interaction: string;
  kind: 'signin' | 'stepup' | 'ciba' | 'transaction';
  state: TransactionState;
  mode: TransactionMode;
  nonce: string;
  number: string;
  context: Context;
  /** Level by name, as the context states it to people. */
  level: string;
  /** client_id of the service that asked: with `level` compared again before the approval is spent. */
  clientId: string;
  /** SHA-256 of the browser's binding cookie. */
  bind: string;
  /** Device that scanned the QR code, or opened the link. */
  claimedBy?: string;
  openedBy?: string;
  /** Device that approved, and how. */
  device?: string;
  means?: ApprovalMeans;
  /** Secret of the rotating QR code; never leaves the server. */
  qrSecret: string;
  startedAt: number;
  expiresAt: number;
  /** Offline codes tried. */
  codeTries: number;
}

/** Seconds that a transaction lives by its mode, and what an extension adds, up to the whole (protocol section 5). */
export const LIFE = { push: 120, qr: 180, code: 300, extension: 120, whole: 600 } as const;

/** Offline codes that one transaction takes. */
export const OFFLINE_TRIES = 3;

/** At this many numbers typed wrong without a success only the camera counts (protocol section 5). */
export const WRONG_NUMBERS = 20;

/** amr values of a proof by phone (protocol section 9). */
export function phoneAmr(means: ApprovalMeans): string[] {
  if (means === 'pin') return ['swk', 'pin', 'mca', 'user', 'mfa'];
  if (means === 'webauthn') return ['swk', 'mca', 'user', 'mfa'];
  return ['swk', 'pin', 'otp', 'user', 'mfa'];
}
