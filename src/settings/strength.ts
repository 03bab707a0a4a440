// How strong a secret must be: length, variety, no well-known words, no use for two purposes.
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import type { Steps } from '../platform/gently.ts';
import { databaseUrls } from './addresses.ts';
import type { FoundSecret } from './reading.ts';

/** Words that stand in examples. Six letters or more: shorter ones turn up in random text. */
const OBVIOUS =
  /change.?me|changeit|password|secret|default|example|insecure|countersign|placeholder|replace|qwerty|letmein|abcdef|012345|123456|111111/i;
const OBVIOUS_PASSWORDS = /^(postgres|postgresql|redis|admin|root|test|demo|guest|user|pass|1234)$/i;

const variety = (bytes: Iterable<unknown>) => new Set(bytes).size;

// In hexadecimal, because some clients send + and / of base64 in client_secret_basic without encoding them (RFC 6749 section 2.3.1).
/** Why a passphrase is weak; undefined where it is strong enough. */
export function passphraseFault(value: string): string | undefined {
  if (value.length < 32) return 'is too short: a secret has at least 32 random characters (openssl rand -hex 32)';
  if (OBVIOUS.test(value)) return 'holds a well-known word: make a random secret (openssl rand -hex 32)';
  return variety(value) < 10 ? 'repeats itself: make a random secret (openssl rand -hex 32)' : undefined;
}

/** Why a text is no key of 32 random bytes in base64url; undefined where it is one. */
export function keyFault(value: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(value)) return 'must be 32 random bytes in base64url (43 characters)';
  const bytes = Buffer.from(value, 'base64url');
  if (OBVIOUS.test(bytes.toString('latin1')))
    return 'holds a well-known word: make a random key (countersign keys generate)';
  return variety(bytes) < 16 ? 'is not random: make a new key (countersign keys generate)' : undefined;
}

/** Why the password of a database's address is weak; undefined where there is none or it is not well known. */
export function urlFault(value: string): string | undefined {
  const [first = ''] = databaseUrls(value);
  if (!URL.canParse(first)) return undefined;
  const { password } = new URL(first);
  return password === '' || wellKnownFault(password) === undefined
    ? undefined
    : 'has a well-known password: choose a random one';
}

/** Why the password for a store is weak; undefined where it is not well known. */
export function wellKnownFault(password: string): string | undefined {
  return OBVIOUS.test(password) || OBVIOUS_PASSWORDS.test(password) ? 'is well known: choose a random one' : undefined;
}

interface Jwk {
  kid?: unknown;
  kty?: unknown;
  crv?: unknown;
  alg?: unknown;
  use?: unknown;
  n?: unknown;
  d?: unknown;
}

function usable(jwk: Jwk): boolean {
  try {
    createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

function jwkFault(jwk: Jwk, purpose: 'signing' | 'encryption'): string | undefined {
  if (typeof jwk.kid !== 'string' || jwk.kid === '') return 'each key needs a kid';
  if (typeof jwk.d !== 'string') return 'each key must be private (it has no "d")';
  if (purpose === 'encryption' && (jwk.kty !== 'EC' || jwk.crv !== 'P-256')) return 'each key must be EC P-256';
  if (jwk.kty === 'RSA' && (typeof jwk.n !== 'string' || Buffer.from(jwk.n, 'base64url').length * 8 < 3072))
    return 'RSA keys have at least 3072 bits';
  if (jwk.kty !== 'RSA' && jwk.kty !== 'EC' && jwk.kty !== 'OKP') return 'each key must be RSA, EC or OKP';
  if (jwk.use !== undefined && jwk.use !== (purpose === 'signing' ? 'sig' : 'enc'))
    return `"use" of each key must be ${purpose === 'signing' ? 'sig' : 'enc'}`;
  return usable(jwk) ? undefined : 'one of its keys cannot be used: is it whole?';
}

/** Why a text is no private JSON Web Key Set for a purpose; undefined where it is one. */
export function keySetFault(value: string, purpose: 'signing' | 'encryption'): string | undefined {
  let keys: unknown;
  try {
    keys = (JSON.parse(value) as { keys?: unknown } | null)?.keys;
  } catch {
    return 'must be a JSON Web Key Set ({"keys": […]}); countersign keys generate makes one';
  }
  if (!Array.isArray(keys) || keys.length === 0) return 'must be a JSON Web Key Set with at least one key';
  const set = keys.map((key): Jwk => (typeof key === 'object' && key !== null ? key : {}));
  const fault = set.map((jwk) => jwkFault(jwk, purpose)).find((found) => found !== undefined);
  if (fault !== undefined) return fault;
  if (new Set(set.map((jwk) => jwk.kid)).size !== set.length) return 'two keys have the same kid';
  if (purpose === 'encryption') return undefined;
  if (!set.some((jwk) => jwk.kty === 'EC' && jwk.crv === 'P-256'))
    return 'needs an EC P-256 key: tokens are signed with ES256';
  return set.some((jwk) => jwk.kty === 'RSA')
    ? undefined
    : 'needs an RSA key: RS256 is mandatory (OpenID Connect Discovery section 3)';
}

function fault({ secret, kind, path }: FoundSecret): string | undefined {
  if (kind === 'passphrase') return passphraseFault(secret.reveal());
  if (kind === 'key') return keyFault(secret.reveal());
  if (kind === 'url') return urlFault(secret.reveal());
  if (kind === 'password') return wellKnownFault(secret.reveal());
  return keySetFault(secret.reveal(), String(path[0]).startsWith('signing') ? 'signing' : 'encryption');
}

/**
 * Checks every secret that was found, and that none is used twice.
 * @param demo weak passphrases and passwords are then only noted; keys must be whole in any case.
 */
export function* checkSecrets(found: readonly FoundSecret[], demo: boolean): Steps<void> {
  const seen = new Map<string, FoundSecret>();
  for (const one of found) {
    yield;
    const { document, path, kind, secret } = one;
    const rule = fault(one);
    if (rule !== undefined && demo && (kind === 'passphrase' || kind === 'url' || kind === 'password'))
      document.note(path, rule);
    else if (rule !== undefined) document.problem(path, rule, { shown: false });
    // A store's password may stand in two addresses.
    if (kind === 'url' || kind === 'password') continue;
    const first = seen.get(secret.reveal());
    if (first)
      document.problem(path, `is the same secret as in ${first.document.file}: each has its own`, { shown: false });
    else seen.set(secret.reveal(), one);
  }
}
