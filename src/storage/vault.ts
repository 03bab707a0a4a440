// The server's own keys for what it keeps: sealing, peppers, and opening what phones encrypted to us.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type CryptoKey, compactDecrypt, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import type { Sealed } from '../domain/device.ts';
import type { Vault } from '../domain/ports.ts';
import { hmac, sameBytes } from '../platform/hashes.ts';
import type { Random } from '../platform/random.ts';
import type { EncryptionJwk } from '../protocol/messages.ts';
import type { KeySettings } from '../settings/settings.ts';

/** What a vault holds. The first key of each list is for what is new. */
export interface VaultKeys {
  kek: KeySettings['kek'];
  peppers: KeySettings['peppers'];
  /** Private P-256 keys for ECDH-ES, each with a `kid`. */
  encryption: { keys: readonly object[] };
  random: Random;
}

const TAG = 16;

const bytesOf = (list: KeySettings['kek']) =>
  new Map(list.map(({ id, secret }) => [id, Buffer.from(secret.reveal(), 'base64url')]));

function newestOf(keys: Map<string, Buffer>, what: string): [string, Buffer] {
  const [first] = keys;
  if (!first) throw new TypeError(`the vault needs a ${what}`);
  return first;
}

const macOf = (key: Buffer, data: Uint8Array) => Buffer.from(hmac(key, data)).toString('base64url');

/** AES-256-GCM with a random 96-bit nonce (never a counter, which a restart could repeat). */
function sealed(key: Buffer, nonce: Uint8Array, secret: Uint8Array, aad: string): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
  return Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

function opened(key: Buffer, { nonce, ciphertext }: Sealed, aad: string): Uint8Array | undefined {
  try {
    const whole = Buffer.from(ciphertext, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(aad)).setAuthTag(whole.subarray(-TAG));
    return new Uint8Array(Buffer.concat([decipher.update(whole.subarray(0, -TAG)), decipher.final()]));
  } catch {
    return undefined;
  }
}

function isExactly(value: unknown, members: readonly string[]): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.keys(value).sort().join() === [...members].sort().join();
}

/** The kid of a `sec` whose header is exactly what the protocol says (section 1). */
function recipientOf(jwe: string): string | undefined {
  try {
    const header: unknown = decodeProtectedHeader(jwe);
    if (!isExactly(header, ['alg', 'enc', 'kid', 'epk'])) return undefined;
    const { alg, enc, kid, epk } = header;
    const good = alg === 'ECDH-ES' && enc === 'A256GCM' && isExactly(epk, ['kty', 'crv', 'x', 'y']);
    return good && epk.kty === 'EC' && epk.crv === 'P-256' && typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/** `sec`, opened under the key that it names. */
function createUnseal(keys: Map<string, JWK>): Vault['unseal'] {
  const imported = new Map<string, Promise<CryptoKey | Uint8Array>>();
  const keyOf = (kid: string, jwk: JWK) => {
    const key = imported.get(kid) ?? importJWK(jwk, 'ECDH-ES');
    imported.set(kid, key);
    return key;
  };
  return async (jwe) => {
    const kid = recipientOf(jwe);
    if (kid === undefined) return { ok: false, why: 'malformed' };
    const jwk = keys.get(kid);
    if (!jwk) return { ok: false, why: 'unknown_key' };
    try {
      const allowed = { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] };
      const { plaintext } = await compactDecrypt(jwe, await keyOf(kid, jwk), allowed);
      const content: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext));
      if (typeof content !== 'object' || content === null || Array.isArray(content))
        return { ok: false, why: 'malformed' };
      return { ok: true, plaintext: content as Record<string, unknown> };
    } catch {
      return { ok: false, why: 'malformed' };
    }
  };
}

/** The port {@link Vault}. @throws TypeError where a list is empty or an encryption key is not P-256 with a `kid`. */
export function createVault({ kek, peppers, encryption, random }: VaultKeys): Vault {
  const sealing = bytesOf(kek);
  const peppering = bytesOf(peppers);
  const [kekId, kekKey] = newestOf(sealing, 'key');
  const [pepperId, pepperKey] = newestOf(peppering, 'pepper');
  const private_ = encryption.keys as readonly JWK[];
  const [first] = private_;
  if (!first) throw new TypeError('the vault needs an encryption key');
  for (const { kty, crv, kid } of private_) {
    if (kty !== 'EC' || crv !== 'P-256' || !kid) throw new TypeError('an encryption key must be P-256 and have a kid');
  }
  const published = { kty: 'EC', crv: 'P-256', x: first.x, y: first.y, kid: first.kid, use: 'enc' } as EncryptionJwk;

  return {
    seal(secret, aad) {
      const nonce = random.bytes(12);
      const ciphertext = sealed(kekKey, nonce, secret, aad).toString('base64url');
      return { kek_id: kekId, nonce: Buffer.from(nonce).toString('base64url'), ciphertext };
    },
    open(stored, aad) {
      const key = sealing.get(stored.kek_id);
      return key && opened(key, stored, aad);
    },
    pepper(data, wanted = pepperId) {
      const key = peppering.get(wanted);
      return key ? { pepper_id: wanted, mac: macOf(key, data) } : { pepper_id: pepperId, mac: macOf(pepperKey, data) };
    },
    peppersOf: (data) => [...peppering.values()].map((key) => macOf(key, data)),
    peppered(data, stored) {
      const key = peppering.get(stored.pepper_id);
      return key !== undefined && sameBytes(macOf(key, data), stored.mac);
    },
    encryptionJwk: () => published,
    unseal: createUnseal(new Map(private_.map((jwk) => [jwk.kid ?? '', jwk]))),
  };
}

/**
 * A {@link Vault} over the keys in force: a reload that brings other ones holds from the next call on.
 * @param current the same object for as long as the keys are the same.
 */
export function followingVault<K extends object>(current: () => K, make: (keys: K) => Vault): Vault {
  let made: { keys: K; vault: Vault } | undefined;
  const now = (): Vault => {
    const keys = current();
    if (made?.keys !== keys) made = { keys, vault: make(keys) };
    return made.vault;
  };
  now();
  return {
    seal: (...given) => now().seal(...given),
    open: (...given) => now().open(...given),
    pepper: (...given) => now().pepper(...given),
    peppersOf: (...given) => now().peppersOf(...given),
    peppered: (...given) => now().peppered(...given),
    encryptionJwk: () => now().encryptionJwk(),
    unseal: (...given) => now().unseal(...given),
  };
}
