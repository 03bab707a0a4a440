// An enrolled phone, and the rules of its PIN.

import type { PublicJwk } from '../protocol/derivations.ts';
import type { Kdf } from '../protocol/messages.ts';

/** An enrolled phone. Times are milliseconds. */
export interface Device {
  id: string;
  userId: string;
  name: string;
  publicJwk: PublicJwk;
  platform: string;
  state: 'active' | 'locked' | 'removed';
  lockReason?: 'pin' | 'cloned';
  salt: string;
  kdf: Kdf;
  pinFailures: number;
  addedAt: number;
  lastUsedAt?: number;
  push: boolean;
  biometric: boolean;
  /** Its person was disabled: until they are enabled it may do what a locked one may. Read with the device. */
  ownerDisabled?: boolean;
}

/** A secret under a named key of the server: AES-256-GCM, base64url members, bound to its row by the AAD. */
export interface Sealed {
  kek_id: string;
  nonce: string;
  ciphertext: string;
}

/** `{pepper_id, HMAC-SHA256(pepper, pin_tag)}` (protocol section 2). */
export interface PinVerifier {
  pepper_id: string;
  mac: string;
}

/** At this many wrong PINs in a row the device locks (protocol section 6). */
export const PIN_TRIES = 5;

/**
 * Whether what a phone has proven for a person still counts: not once it was removed, or locked as a copy, since whoever signed in with
 * it then must not stay in. One that wrong PINs have locked is still its owner's.
 */
export function stillCounts(device: Device | undefined, userId: string | undefined): boolean {
  return (
    device !== undefined && device.userId === userId && device.state !== 'removed' && device.lockReason !== 'cloned'
  );
}

/** Why a name given to a device is refused. */
export type NameProblem = 'empty' | 'too_long';

/** A device name: trimmed, NFC, one line, 1 to 40 characters. */
export function deviceName(typed: string): { ok: true; name: string } | { ok: false; why: NameProblem } {
  const name = typed
    .normalize('NFC')
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  if (name.length === 0) return { ok: false, why: 'empty' };
  return [...name].length > 40 ? { ok: false, why: 'too_long' } : { ok: true, name };
}

// The rule stands in the cellar because the phone asks it too.
export { pinProblem } from '../protocol/pin.ts';

/** The associated data of a sealed `K_off` (protocol section 2): one device's key is useless in another's row. */
export function offlineKeyAad(deviceId: string): string {
  return `k_off|v1|${deviceId}`;
}

/** The associated data of a sealed push subscription: one phone's address is useless in another's row. */
export function pushAad(deviceId: string): string {
  return `push|v1|${deviceId}`;
}
