// The private keys of the configuration, as the parts that use them want them.
import type { JWKS } from 'oidc-provider';
import type { Clock } from '../platform/clock.ts';
import type { Secret } from '../settings/secret.ts';

/**
 * A private JWKS out of a secret.
 * @throws Error that names the secret's origin, never its content, where it is no JWKS (RFC 7517 section 5).
 */
export function readJwks(secret: Secret): JWKS {
  let parsed: unknown;
  try {
    parsed = JSON.parse(secret.reveal());
  } catch {
    throw new Error(`${secret.origin}: not JSON; make the keys with "countersign keys generate"`);
  }
  const { keys } = parsed as { keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0) throw new Error(`${secret.origin}: not a JWKS with at least one key`);
  return parsed as JWKS;
}

/** What is read of the key ring. */
interface Keys {
  entries: readonly { kid: string; alg: string; use: string; iat?: number; signsFrom: number }[];
}

/** Whether a key signs, and by which kids the published ones are known. */
export function keysCheck({ entries }: Keys): { ok: boolean; kids: string[] } {
  const published = entries.filter(({ use }) => use === 'signs' || use === 'next' || use === 'published');
  return { ok: entries.some(({ use }) => use === 'signs'), kids: published.map(({ kid }) => kid) };
}

/** The age of the key that signs, by algorithm, in seconds; keys that do not say when they were made (`iat`) are left out. */
export function signingKeyAges({ entries }: Keys, clock: Clock): { [alg: string]: number } {
  const signing = entries.filter(({ use, iat }) => use === 'signs' && iat !== undefined);
  return Object.fromEntries(signing.map(({ alg, iat = 0 }) => [alg, Math.max(0, clock.now() / 1000 - iat)]));
}

/** The public members of each key: what anybody may see. */
export function publicJwks(jwks: JWKS): { keys: Record<string, unknown>[] } {
  const visible = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'use', 'alg'];
  return {
    keys: jwks.keys.map((key) => Object.fromEntries(Object.entries(key).filter(([name]) => visible.includes(name)))),
  };
}
