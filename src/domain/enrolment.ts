// An offer to add a phone (protocol section 4): shown → scanned → (confirm →) done, or an end without a phone.
import type { PinSetup } from './ports.ts';

/** States of an enrolment; the last four are ends. */
export type EnrolmentState = 'shown' | 'scanned' | 'confirm' | 'done' | 'contested' | 'expired' | 'cancelled';

/** Whether nothing can happen to the enrolment any more. */
export function enrolmentEnded(state: EnrolmentState): boolean {
  return state === 'done' || state === 'contested' || state === 'expired' || state === 'cancelled';
}

/** An enrolment as it is kept with what may be lost. Times are milliseconds of the store's clock. */
export interface Enrolment {
  id: string;
  userId: string;
  state: EnrolmentState;
  deviceName: string;
  setup: PinSetup;
  /** `setup: browser`: argon2id(HMAC(pepper, PIN)). Deleted at any end. */
  pinHash?: string;
  /** SHA-256 of the QR code's token. */
  tokenHash: string;
  /** `PEPPER-ID|HMAC(pepper, typed code)`: the pepper that everything of this enrolment is made with. */
  codeMac: string;
  /** The session (by hash) that began it: only this one may watch, confirm or cancel. */
  session: string;
  /** The person's factors version when it began; another one at the end refuses it. */
  factorsVersion: number;
  /** Thumbprint of the key that claimed it, with that key. */
  claimedBy?: string;
  claimedJwk?: string;
  installHash?: string;
  salt: string;
  nonce: string;
  /** `setup: phone`: the six digits that the person types into the account page. */
  check?: string;
  /** Wrong PINs on the phone, wrong typed codes, wrong checks. */
  pinTries: number;
  codeTries: number;
  checkTries: number;
  expiresAt: number;
}
