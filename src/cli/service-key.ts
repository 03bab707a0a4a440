// The private key of a service that a command plays: read from a file, and held against what the client's file says of it.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type CryptoKey, calculateJwkThumbprint, importJWK, type JWK } from 'jose';
import type { ClientSettings } from '../settings/settings.ts';

/** A key that signs for the service. */
export interface ServiceKey {
  key: CryptoKey | Uint8Array;
  alg: string;
  /** Names the key in the client's `jwks`. */
  kid?: string;
}

/**
 * Reads a key file: a JSON Web Key, a set of them, or PEM.
 * @param wanted the only algorithm that the client's file allows for this use, where it names one.
 * @throws Error that says what to hand in, where the file holds no private key, or none of the client's.
 */
export async function readServiceKey(file: string, client: ClientSettings, wanted: unknown): Promise<ServiceKey> {
  const registered = await Promise.all(registeredKeys(client).map(printed));
  const held = await Promise.all(privateKeys(file).map(printed));
  const known = (print: string) => registered.find((one) => one.print === print);
  // Keys behind a jwks_uri are not fetched here: the provider will say.
  const own = registered.length > 0 ? held.find(({ print }) => known(print)) : held[0];
  if (!own) throw new Error(`${file} holds no private key whose public part stands in jwks of ${client.file}`);
  const kid = known(own.print)?.jwk.kid ?? own.jwk.kid;
  const alg = typeof wanted === 'string' ? wanted : (own.jwk.alg ?? usualAlgorithm(own.jwk, client));
  return { key: await importJWK(own.jwk, alg), alg, ...(kid === undefined ? {} : { kid }) };
}

async function printed(jwk: JWK): Promise<{ jwk: JWK; print: string }> {
  return { jwk, print: await calculateJwkThumbprint(jwk) };
}

function registeredKeys({ metadata }: ClientSettings): JWK[] {
  return (metadata['jwks'] as { keys: JWK[] } | undefined)?.keys ?? [];
}

function privateKeys(file: string): JWK[] {
  const keys = keysIn(readFileSync(file, 'utf8')).filter((jwk) => typeof jwk.d === 'string');
  if (keys.length === 0)
    throw new Error(`${file} holds no private key: hand in a JSON Web Key, a set of them, or PEM (PKCS #8)`);
  return keys;
}

/** Answers nothing for what it cannot read: the mistake must not show what stands in the file. */
function keysIn(text: string): JWK[] {
  try {
    if (text.includes('-----BEGIN')) return [createPrivateKey(text).export({ format: 'jwk' }) as JWK];
    const parsed = JSON.parse(text) as JWK & { keys?: JWK[] };
    return parsed.keys ?? [parsed];
  } catch {
    return [];
  }
}

function usualAlgorithm({ kty, crv }: JWK, { profile }: ClientSettings): string {
  if (kty === 'EC') return crv === 'P-384' ? 'ES384' : crv === 'P-521' ? 'ES512' : 'ES256';
  if (kty === 'OKP') return 'EdDSA';
  // FAPI 2.0 section 5.4 forbids RS256.
  return profile === 'fapi2' ? 'PS256' : 'RS256';
}
