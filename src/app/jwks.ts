// The private keys of the configuration, as the parts that use them want them.
import type { JWKS } from 'oidc-provider';
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

/** The public members of each key: what anybody may see. */
export function publicJwks(jwks: JWKS): { keys: Record<string, unknown>[] } {
  const visible = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'use', 'alg'];
  return {
    keys: jwks.keys.map((key) => Object.fromEntries(Object.entries(key).filter(([name]) => visible.includes(name)))),
  };
}
