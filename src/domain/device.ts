// An enrolled phone, and the rules of its PIN.
import type { Kdf } from '../protocol/messages.ts';
import type { PublicJwk } from '../protocol/derivations.ts';

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

/** Why a name given to a device is refused. */
export type NameProblem = 'empty' | 'too_long';

/** A device name: trimmed, NFC, one line, 1 to 40 characters. */
export function deviceName(typed: string): { ok: true; name: string } | { ok: false; why: NameProblem } {
  const name = typed.normalize('NFC').replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  if (name.length === 0) return { ok: false, why: 'empty' };
  return [...name].length > 40 ? { ok: false, why: 'too_long' } : { ok: true, name };
}

const COMMON_PINS = new Set(['1004', '1010', '1122', '1212', '1313', '2001', '2580', '4321', '5683', '6969', '0852', '112233', '121212', '123123', '123321', '131313', '159753', '147258', '123654', '520520', '696969', '789456', '142536', '010203', '102030', '246810', '135790']);

/**
 * Why a PIN is too easy: the provider's page and the phone app say so in plain words (protocol section 4, E1).
 * @returns undefined for a good PIN.
 */
export function pinProblem(pin: string, bounds: { min: number; max: number }): 'not_digits' | 'too_short' | 'too_long' | 'weak' | undefined {
  if (!/^[0-9]*$/.test(pin)) return 'not_digits';
  if (pin.length < bounds.min) return 'too_short';
  if (pin.length > bounds.max) return 'too_long';
  const digits = [...pin].map(Number);
  const steps = digits.slice(1).map((digit, index) => (digit - (digits[index] ?? 0) + 10) % 10);
  const oneStep = new Set(steps).size <= 1 && [0, 1, 9].includes(steps[0] ?? 0);
  const year = pin.length === 4 && /^(19|20)/.test(pin);
  const repeated = /^(\d{1,3})\1+$/.test(pin) && pin.length > 3;
  return oneStep || year || repeated || COMMON_PINS.has(pin) ? 'weak' : undefined;
}
