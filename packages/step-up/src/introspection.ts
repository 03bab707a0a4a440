// Tokens that the issuer is asked about (RFC 7662).
import type { JWTPayload } from 'jose';
import { InvalidToken, Unavailable } from './failures.ts';
import { readJson } from './issuer.ts';
import type { Expected } from './jwt-access-token.ts';

/** How this server proves itself at the introspection endpoint (client_secret_basic). */
export interface IntrospectionOptions {
  clientId: string;
  /** The secret, or what reads it at each use. */
  clientSecret: string | (() => string);
  /** The endpoint; by discovery where it is missing. */
  endpoint?: string;
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
function credentials({ clientId, clientSecret }: IntrospectionOptions): string {
  const secret = typeof clientSecret === 'function' ? clientSecret() : clientSecret;
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
}

/**
 * The claims that the issuer knows of a token. Nothing is kept, so a token that was revoked is refused at once.
 * @throws InvalidToken where it is not active or not for us; Unavailable where the issuer gives no such answer.
 */
export async function introspect(
  token: string,
  endpoint: URL,
  options: IntrospectionOptions,
  expected: Expected,
  now: number,
): Promise<JWTPayload> {
  const answer = await readJson(endpoint, {
    method: 'POST',
    headers: { authorization: credentials(options), accept: 'application/json' },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  });
  if (typeof answer['active'] !== 'boolean') throw new Unavailable('not an answer of introspection');
  if (!answer['active']) throw new InvalidToken('not active');
  const claims = answer as JWTPayload;
  if (claims.iss !== undefined && claims.iss !== expected.issuer) throw new InvalidToken('another issuer');
  // RFC 7662 leaves aud to the issuer; without it a token for any other service would do.
  if (![claims.aud].flat().includes(expected.audience)) throw new InvalidToken('another audience');
  if (typeof claims.exp !== 'number' || claims.exp <= now - expected.tolerance) throw new InvalidToken('expired');
  return claims;
}
