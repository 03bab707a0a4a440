// The two keys of an account: made here, used here, and never readable by anybody, this app included.
import type { PublicJwk } from '../../src/protocol/derivations.ts';

/** The signing key and the key behind the PIN, both non-extractable, with the public part of the first. */
export interface DeviceKeys {
  signingKey: CryptoKey;
  publicJwk: PublicJwk;
  /** `K_dev`: an HMAC key. */
  deviceKey: CryptoKey;
}

/** Makes a fresh pair of keys: no two accounts share one (protocol section 4). */
export async function makeKeys(): Promise<DeviceKeys> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const deviceKey = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']);
  const { x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  if (!x || !y) throw new Error('the browser gave no coordinates');
  return { signingKey: pair.privateKey, publicJwk: { kty: 'EC', crv: 'P-256', x, y }, deviceKey };
}
