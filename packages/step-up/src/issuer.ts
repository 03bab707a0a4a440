// The issuer's metadata and keys, read when they are first needed, so that an API may start before its issuer.
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { Unavailable } from './failures.ts';

const TIMEOUT = 5_000;

/** What the discovery document says that a resource server needs. */
export interface Metadata {
  jwks_uri?: string;
  introspection_endpoint?: string;
}

/** Whether an address is https, or on this machine alone. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

/** Reads JSON; every trouble on the way is {@link Unavailable}. Redirects are refused: they could lead anywhere. */
export async function readJson(url: URL, init: RequestInit = {}): Promise<{ [name: string]: unknown }> {
  try {
    const answer = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) });
    if (answer.status !== 200) throw new Error(`${url.origin}${url.pathname} answered ${answer.status}`);
    const body: unknown = await answer.json();
    if (typeof body !== 'object' || body === null) throw new Error('not an object');
    return body as { [name: string]: unknown };
  } catch (error) {
    throw new Unavailable('the issuer does not answer', { cause: error });
  }
}

/** A function that does its work once; again only where it failed. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}

/** The issuer's metadata by discovery. The document must be about the issuer that was asked for (RFC 8414 section 3.3). */
export function discovery(issuer: string): () => Promise<Metadata> {
  return once(async () => {
    const document = await readJson(new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`));
    if (document['issuer'] !== issuer) throw new Unavailable('the discovery document is another issuer’s');
    return document as Metadata;
  });
}

/** An address of the issuer, given or discovered. */
export function addressOf(
  given: string | undefined,
  discovered: () => Promise<string | undefined>,
): () => Promise<URL> {
  return once(async () => {
    const address = given ?? (await discovered());
    if (address === undefined || !URL.canParse(address)) throw new Unavailable('the issuer does not name this address');
    const url = new URL(address);
    if (!isSecure(url)) throw new Unavailable('the issuer names an address without TLS');
    return url;
  });
}

/** The issuer's signing keys; read again where a token names a key that is new. */
export function issuerKeys(jwksUri: () => Promise<URL>): JWTVerifyGetKey {
  const keySet = once(async () => createRemoteJWKSet(await jwksUri(), { timeoutDuration: TIMEOUT }));
  return async (header, token) => {
    const keys = await keySet();
    try {
      return await keys(header, token);
    } catch (error) {
      // A key that the issuer does not have is the token's fault; anything else is a trouble of the line.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      if (error instanceof errors.JOSENotSupported) throw error;
      throw new Unavailable('the keys of the issuer cannot be read', { cause: error });
    }
  };
}
