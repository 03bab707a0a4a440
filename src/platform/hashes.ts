// Hashes and comparisons on the server, all synchronous and over node:crypto.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** SHA-256 of text (UTF-8) or bytes. */
export function sha256(data: string | Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(data).digest());
}

/** SHA-256 as base64url without padding: how a random secret is kept when only its equality is ever asked. */
export function fingerprint(secret: string | Uint8Array): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** HMAC-SHA256 (RFC 2104). */
export function hmac(key: Uint8Array, data: string | Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(data).digest());
}

/** Whether two byte strings are equal, in a time that does not tell where they differ. Strings are compared as UTF-8. */
export function sameBytes(a: string | Uint8Array, b: string | Uint8Array): boolean {
  const left = typeof a === 'string' ? Buffer.from(a) : a;
  const right = typeof b === 'string' ? Buffer.from(b) : b;
  return left.length === right.length && timingSafeEqual(left, right);
}
