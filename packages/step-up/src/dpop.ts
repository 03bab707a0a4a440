// DPoP proofs (RFC 9449 section 4.3): the request comes from whoever holds the key that the token is bound to.
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, errors, jwtVerify } from 'jose';
import { InvalidProof, InvalidToken } from './failures.ts';
import type { ReplayStore } from './replay.ts';

/** What a proof must fit. */
export interface ProofExpected {
  method: string;
  /** The address of the request as the client sees it, without query. */
  url: URL;
  token: string;
  /** `cnf.jkt` of the token. */
  thumbprint: string;
  algorithms: readonly string[];
  /** How old a proof may be, in seconds. */
  window: number;
  tolerance: number;
  store: ReplayStore;
}

/**
 * What a token is bound to: `cnf.jkt` (RFC 9449 section 6), `cnf.x5t#S256` (RFC 8705 section 3.1), nothing, or both.
 * @throws InvalidToken where it is bound in a way that we cannot check.
 */
export function boundTo(claims: { [claim: string]: unknown }): { key?: string; certificate?: string } {
  const { cnf } = claims;
  if (cnf === undefined) return {};
  const members = typeof cnf === 'object' && cnf !== null ? (cnf as { [member: string]: unknown }) : {};
  const { jkt: key, 'x5t#S256': certificate, ...others } = members;
  const good = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';
  if (!good(key) || !good(certificate) || Object.keys(others).length > 0 || (key ?? certificate) === undefined)
    throw new InvalidToken('bound in a way that is not known here');
  return { ...(key === undefined ? {} : { key }), ...(certificate === undefined ? {} : { certificate }) };
}

/** An address for comparison: no query, no fragment, percent signs only where they are needed (RFC 3986 section 6.2.2). */
export function comparable(address: URL): string {
  const path = address.pathname.replace(/%[0-9a-f]{2}/gi, (code) => {
    const letter = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[\w.~-]/.test(letter) ? letter : code.toUpperCase();
  });
  return `${address.origin}${path}`;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

async function claimsOf(proof: string, algorithms: readonly string[]): Promise<{ [claim: string]: unknown }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...algorithms],
      requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
    });
    const jwk = protectedHeader.jwk;
    if (jwk === undefined || 'd' in jwk) throw new InvalidProof('no public key');
    return { ...payload, thumbprint: await calculateJwkThumbprint(jwk) };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw new InvalidProof('', { cause: error });
    throw error;
  }
}

/** Checks a proof and spends it. @throws InvalidProof */
export async function checkProof(proof: string, expected: ProofExpected, now: number): Promise<void> {
  const { jti, htm, htu, iat, ath, thumbprint } = await claimsOf(proof, expected.algorithms);
  const { window, tolerance } = expected;
  const good =
    thumbprint === expected.thumbprint &&
    htm === expected.method &&
    typeof htu === 'string' &&
    URL.canParse(htu) &&
    comparable(new URL(htu)) === comparable(expected.url) &&
    ath === sha256(expected.token) &&
    typeof iat === 'number' &&
    iat <= now + tolerance &&
    iat >= now - window &&
    typeof jti === 'string' &&
    jti.length <= 256;
  if (!good) throw new InvalidProof('does not fit');
  // Last, so that only the holder of a good token and its key can put anything into the store.
  const fresh = await expected.store.spend(sha256(`${thumbprint}.${jti}`), window + tolerance + 1);
  if (!fresh) throw new InvalidProof('used before');
}
