// The whole of RFC 9470 on an API's side: a guard that lets a request in only when its token proves enough, and says what is missing.
import { createRemoteJWKSet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { Middleware } from 'koa';

/** What a request's access token must prove. */
export interface Requirement {
  issuer: string;
  /** Our own identifier: the token must be for us (RFC 8707, RFC 9068). */
  audience: string;
  scope: string;
  /** Levels that are enough, the one to ask for first. A higher level is enough as well, so list those too. */
  acrValues: readonly string[];
  /** How old the sign-in may be, in seconds. */
  maxAge: number;
}

/** A refusal in the words of RFC 6750 section 3.1 and RFC 9470 section 3. */
interface Challenge {
  status: 401 | 403;
  error?: 'invalid_token' | 'insufficient_scope' | 'insufficient_user_authentication';
  error_description?: string;
  acr_values?: string;
  max_age?: string;
  scope?: string;
}

/** Seconds by which our clock and the issuer's may differ. */
const TOLERANCE = 30;

/** Koa middleware: puts the token's claims into `ctx.state.claims`, or answers 401 or 403 with a challenge. */
export function levelGuard(requirement: Requirement): Middleware {
  const keys = issuerKeys(requirement.issuer);
  return async (ctx, next) => {
    const claims = await verified(ctx.get('authorization'), keys, requirement);
    const refusal = claims === undefined ? invalid(ctx.get('authorization')) : missing(claims, requirement);
    if (refusal !== undefined) {
      ctx.status = refusal.status;
      ctx.set('WWW-Authenticate', header(refusal));
      ctx.body = {
        error: refusal.error ?? 'token_missing',
        message: refusal.error_description ?? 'Send an access token.',
      };
      return;
    }
    ctx.state.claims = claims;
    await next();
  };
}

/** The issuer's signing keys. Its discovery document is read at the first token, so that the API may start before the issuer. */
function issuerKeys(issuer: string): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  async function discover(): Promise<JWTVerifyGetKey> {
    const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const { jwks_uri } = (await answer.json()) as { jwks_uri: string };
    return createRemoteJWKSet(new URL(jwks_uri));
  }
  return async (header, token) => {
    keys ??= discover();
    try {
      return await (await keys)(header, token);
    } catch (error) {
      keys = undefined;
      throw error;
    }
  };
}

/** The claims of a good JWT access token (RFC 9068 section 4); undefined for everything else. */
async function verified(
  authorization: string,
  keys: JWTVerifyGetKey,
  requirement: Requirement,
): Promise<JWTPayload | undefined> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  const { issuer, audience } = requirement;
  try {
    const options = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256', 'RS256'], clockTolerance: TOLERANCE };
    return (await jwtVerify(token, keys, options)).payload;
  } catch {
    return undefined;
  }
}

function invalid(authorization: string): Challenge {
  // RFC 6750: who sends no token at all is told no error.
  if (authorization === '') return { status: 401 };
  return {
    status: 401,
    error: 'invalid_token',
    error_description: 'The access token is expired, or it is not for this API.',
  };
}

/** What a good token lacks; undefined where it is enough. */
function missing(claims: JWTPayload, { scope, acrValues, maxAge }: Requirement): Challenge | undefined {
  const scopes = typeof claims.scope === 'string' ? claims.scope.split(' ') : [];
  if (!scopes.includes(scope)) {
    return {
      status: 403,
      error: 'insufficient_scope',
      error_description: 'The token is good, but not for this.',
      scope,
    };
  }
  const known = typeof claims.acr === 'string' && acrValues.includes(claims.acr);
  const fresh = typeof claims.auth_time === 'number' && Date.now() / 1000 - claims.auth_time <= maxAge + TOLERANCE;
  if (known && fresh) return undefined;
  return {
    status: 401,
    error: 'insufficient_user_authentication',
    error_description: known ? 'A more recent sign-in is needed.' : 'A stronger sign-in is needed.',
    acr_values: acrValues[0] ?? '',
    max_age: `${maxAge}`,
  };
}

function header({ status: _, ...parameters }: Challenge): string {
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Bearer ${['realm="payslips"', ...list].join(', ')}`;
}
