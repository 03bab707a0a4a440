// What the phone derives from its PIN and its keys (protocol section 2), over WebCrypto so that a browser and Node run the same code.
import { toBase64url, utf8 } from './bytes.ts';

const NO_SALT = new Uint8Array(32);

async function hmacKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}

/** HMAC-SHA256 with a key that may be non-extractable. */
export async function hmacWith(key: CryptoKey, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, data));
}

/** SHA-256. */
export async function digest(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

/** `s`: the PIN's digits stretched by PBKDF2-SHA256 to 32 bytes. */
export async function stretchPin(
  pin: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', utf8(pin), 'PBKDF2', false, ['deriveBits']);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations }, key, 256),
  );
}

/** HKDF-SHA256 with an empty salt (RFC 5869: a string of HashLen zeros) and one 32-byte output. */
async function expand(pinKey: Uint8Array<ArrayBuffer>, info: string): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey('raw', pinKey, 'HKDF', false, ['deriveBits']);
  return new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: NO_SALT, info: utf8(info) }, key, 256),
  );
}

/** `PK = HMAC(K_dev, s)`: any PIN gives a plausible key, so the phone's storage cannot tell a right PIN from a wrong one. */
export async function pinKey(
  deviceKey: CryptoKey,
  stretched: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return hmacWith(deviceKey, stretched);
}

/** `pin_tag`: what the phone sends in place of the PIN. */
export function pinTag(pinKeyBytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return expand(pinKeyBytes, 'pin-online-v1');
}

/** `K_off`: the key of the offline code. */
export function offlineKey(pinKeyBytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return expand(pinKeyBytes, 'pin-offline-v1');
}

/** Everything that a PIN gives on one device. */
export async function derivePin(
  deviceKey: CryptoKey,
  pin: string,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
): Promise<{ pinTag: Uint8Array<ArrayBuffer>; offlineKey: Uint8Array<ArrayBuffer> }> {
  const key = await pinKey(deviceKey, await stretchPin(pin, salt, iterations));
  return { pinTag: await pinTag(key), offlineKey: await offlineKey(key) };
}

/** A raw secret as an HMAC key, for tests and for phones without non-extractable storage. */
export { hmacKey as importDeviceKey };

/** The public part of a P-256 signing key, exactly the members of RFC 7518 section 6.2.1. */
export interface PublicJwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
}

/** The RFC 7638 thumbprint (SHA-256) of a P-256 public key, base64url. */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  const members = `{"crv":"${jwk.crv}","kty":"${jwk.kty}","x":"${jwk.x}","y":"${jwk.y}"}`;
  return toBase64url(await digest(utf8(members)));
}

/** `device_id`: "d_" and the first 22 characters of the thumbprint. */
export async function deviceId(jwk: PublicJwk): Promise<string> {
  return `d_${(await thumbprint(jwk)).slice(0, 22)}`;
}
