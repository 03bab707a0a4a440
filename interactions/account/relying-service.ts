// The account page as a relying service of ours: authorization request with PKCE, state and nonce; code for token inside the process; id_token verified.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { World } from '../../src/domain/ports.ts';
import { fingerprint, sameBytes } from '../../src/platform/hashes.ts';

/** The account page's client_id: reserved, registered by the server itself. */
export const ACCOUNT_CLIENT = 'account';

/** What the account page needs of the provider, as any relying service would over the network. */
export interface AccountProvider {
  issuer: string;
  /** The provider's request listener: the token request stays in this process. */
  callback(): (request: IncomingMessage, response: ServerResponse) => unknown;
  /** The provider's public keys. */
  jwks(): JSONWebKeySet;
  /** uid of the provider's session behind an access token that this page was given; `sid` is a name for services, not a key. */
  sessionOf(accessToken: string): Promise<string | undefined>;
  /** Whether the provider's session still stands and is this person's. */
  sessionAlive(uid: string, userId: string): Promise<boolean>;
}

/** A sign-in under way. */
interface SignInUnderWay {
  /** Hash of the browser's cookie: a callback in another browser is refused (login CSRF, RFC 9700 section 4.7). */
  bind: string;
  nonce: string;
  verifier: string;
  returnTo: string;
}

/** What a service may ask of this sign-in. */
export interface Wanted {
  /** Path below the issuer to come back to; always one of our own constants. */
  returnTo: string;
  /** acr value that must be reached, and how old the proofs may be, in seconds. */
  fresh?: { acr: string; maxAge: number };
  uiLocales?: string;
}

/** What the id_token says. */
export interface SignedIn {
  userId: string;
  providerSession: string;
  acr: string;
  authTime: number;
  returnTo: string;
}

/** Why a callback is not a sign-in. `refused`: the provider's own error, with its code. */
export type SignInProblem =
  | { ok: false; why: 'unknown_state' | 'no_token' }
  | { ok: false; why: 'refused'; error: string; returnTo: string };

const UNDER_WAY_SECONDS = 1800;
const place = (state: string) => `account_sign_in:${fingerprint(state)}`;
const redirectUri = (issuer: string) => `${issuer}/account/callback`;

/** The address to send the browser to. @param browser the value of the browser's own cookie. */
export async function signInAddress(
  world: Pick<World, 'scratch' | 'random'>,
  provider: AccountProvider,
  browser: string,
  wanted: Wanted,
): Promise<string> {
  const [state, nonce, verifier] = [world.random.id(32), world.random.id(32), world.random.id(32)];
  const underWay: SignInUnderWay = { bind: fingerprint(browser), nonce, verifier, returnTo: wanted.returnTo };
  await world.scratch.set(place(state), JSON.stringify(underWay), UNDER_WAY_SECONDS);
  const address = new URL(`${provider.issuer}/auth`);
  address.search = new URLSearchParams({
    client_id: ACCOUNT_CLIENT,
    response_type: 'code',
    redirect_uri: redirectUri(provider.issuer),
    scope: 'openid',
    state,
    nonce,
    code_challenge: fingerprint(verifier),
    code_challenge_method: 'S256',
    ...(wanted.uiLocales === undefined ? {} : { ui_locales: wanted.uiLocales }),
    // Essential: an answer below it is an error, never a weaker session (OpenID Connect Core section 5.5.1.1).
    ...(wanted.fresh === undefined
      ? {}
      : {
          claims: JSON.stringify({ id_token: { acr: { essential: true, value: wanted.fresh.acr } } }),
          max_age: String(wanted.fresh.maxAge),
        }),
  }).toString();
  return address.href;
}

/** Finishes a sign-in from the callback's parameters. The state is spent whatever the answer is. */
export async function finishSignIn(
  world: Pick<World, 'scratch' | 'clock'>,
  provider: AccountProvider,
  browser: string | undefined,
  answer: URLSearchParams,
): Promise<({ ok: true } & SignedIn) | SignInProblem> {
  const state = answer.get('state');
  const kept = state === null || browser === undefined ? undefined : await world.scratch.take(place(state));
  if (kept === undefined || browser === undefined) return { ok: false, why: 'unknown_state' };
  const underWay = JSON.parse(kept) as SignInUnderWay;
  // RFC 9207: an answer of another issuer is not for us.
  if (!sameBytes(underWay.bind, fingerprint(browser)) || answer.get('iss') !== provider.issuer)
    return { ok: false, why: 'unknown_state' };
  const error = answer.get('error');
  if (error !== null) return { ok: false, why: 'refused', error, returnTo: underWay.returnTo };
  const tokens = await redeem(provider, answer.get('code') ?? '', underWay.verifier);
  const claims = tokens && (await verified(world, provider, tokens.idToken, underWay.nonce));
  const providerSession = tokens && (await provider.sessionOf(tokens.accessToken));
  if (!claims?.sub || providerSession === undefined) return { ok: false, why: 'no_token' };
  return {
    ok: true,
    userId: claims.sub,
    providerSession,
    acr: typeof claims['acr'] === 'string' ? claims['acr'] : '',
    authTime: typeof claims['auth_time'] === 'number' ? claims['auth_time'] : 0,
    returnTo: underWay.returnTo,
  };
}

async function redeem(
  provider: AccountProvider,
  code: string,
  verifier: string,
): Promise<{ idToken: string; accessToken: string } | undefined> {
  // Loaded at the first sign-in to the account page.
  const { default: inject } = await import('light-my-request');
  const issuer = new URL(provider.issuer);
  const response = await inject((request, answer) => void provider.callback()(request, answer), {
    method: 'POST',
    url: `${issuer.pathname.replace(/\/$/, '')}/token`,
    headers: { host: issuer.host, 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: ACCOUNT_CLIENT,
      code,
      code_verifier: verifier,
      redirect_uri: redirectUri(provider.issuer),
    }).toString(),
  });
  if (response.statusCode !== 200) return undefined;
  const { id_token, access_token } = response.json<{ id_token?: unknown; access_token?: unknown }>();
  if (typeof id_token !== 'string' || typeof access_token !== 'string') return undefined;
  return { idToken: id_token, accessToken: access_token };
}

async function verified(
  world: Pick<World, 'clock'>,
  provider: AccountProvider,
  idToken: string,
  nonce: string,
): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(idToken, createLocalJWKSet(provider.jwks()), {
      issuer: provider.issuer,
      audience: ACCOUNT_CLIENT,
      algorithms: ['ES256', 'RS256', 'EdDSA'],
      requiredClaims: ['sub', 'nonce', 'exp', 'iat'],
      currentDate: new Date(world.clock.now()),
    });
    return typeof payload['nonce'] === 'string' && sameBytes(payload['nonce'], nonce) ? payload : undefined;
  } catch {
    // Any fault of the token is one answer: the sign-in starts again.
    return undefined;
  }
}
