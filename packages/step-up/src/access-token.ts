// What a good access token says, and where a handler finds it.
import type { JWTPayload } from 'jose';

/** An access token that was checked. */
export interface AccessToken {
  /** All claims of the token, or of the answer of the introspection endpoint. */
  readonly claims: JWTPayload;
  /** `dpop` where the request proved possession of the token's key (RFC 9449). */
  readonly scheme: 'bearer' | 'dpop';
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: ReadonlySet<string>;
  /** The level that the sign-in reached. */
  readonly acr: string | undefined;
  readonly amr: readonly string[];
  /** When the person proved who they are, in seconds since 1970. */
  readonly authTime: number | undefined;
}

/** Reads the members that guards and handlers need. */
export function accessToken(claims: JWTPayload, scheme: AccessToken['scheme']): AccessToken {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const { sub, client_id, scope, acr, amr, auth_time } = claims;
  return {
    claims,
    scheme,
    subject: text(sub),
    clientId: text(client_id),
    scopes: new Set((text(scope) ?? '').split(' ').filter((name) => name !== '')),
    acr: text(acr),
    amr: Array.isArray(amr) ? amr.filter((item) => typeof item === 'string') : [],
    authTime: typeof auth_time === 'number' && Number.isFinite(auth_time) ? auth_time : undefined,
  };
}

const passed = new WeakMap<object, AccessToken>();

/** Notes the token of a request that passed a guard. `request` is the framework's own object for it. */
export function admit(request: object, token: AccessToken): void {
  passed.set(request, token);
}

/**
 * The token of a request that passed a guard.
 * @param request what the framework hands to a handler: Koa's `ctx`, Express' `request`, Fastify's `request`.
 * @throws where no guard stood before this handler: a forgotten guard is an error, never an anonymous request.
 */
export function tokenOf(request: object): AccessToken {
  const token = passed.get(request);
  if (token === undefined) throw new Error('no guard stood before this handler');
  return token;
}
