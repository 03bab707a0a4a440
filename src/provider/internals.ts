// The ONE file that touches what oidc-provider does not document. Each entry says what it relies on and what breaks without it.
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import stateOf from 'oidc-provider/lib/helpers/weak_cache.js';

/** Members of a session that are ours (session-proofs.ts). */
const SESSION_MEMBERS = ['proofs', 'proofsOf', 'begun', 'seen'];

/** Members of a grant that are ours (own-claims.ts). */
const GRANT_MEMBERS = ['ownClaims'];

/**
 * Lets our members into what is stored: models keep an allow-list in the static getter `IN_PAYLOAD` (lib/models/base_model.js)
 * and drop everything else. Without it every session would forget when its factors were proven, and every grant which of the
 * operator's own claims were agreed to. One value holds both, so a session and its proofs can never be found apart.
 */
export function keepOurMembers(provider: Provider): void {
  const allow = (model: unknown, ours: readonly string[]) => {
    const members = [...(model as { IN_PAYLOAD: readonly string[] }).IN_PAYLOAD, ...ours];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => members });
  };
  allow(provider.Session, SESSION_MEMBERS);
  allow(provider.Grant, GRANT_MEMBERS);
}

/**
 * Whether this request's session is kept for the first time (lib/models/session.js sets `new` where the browser brought none). Without
 * it a stranger could have sessions kept without end.
 */
export const isNewSession = (session: object | undefined): boolean =>
  (session as { new?: boolean } | undefined)?.new === true;

/**
 * Replaces the check of values used once (client assertions, DPoP proofs): the library finds, then saves, and two at once both
 * pass (lib/models/replay_detection.js). @param first true for the first caller of a key within its seconds.
 */
export function makeReplaysAtomic(
  provider: Provider,
  first: (key: string, seconds: number) => Promise<boolean>,
  now: () => number,
): void {
  const model = provider.ReplayDetection as unknown as {
    unique(issuer: string, jti: string, exp: number): Promise<boolean>;
  };
  model.unique = (issuer, jti, exp) => first(`oidc:${issuer}:${jti}`, Math.max(1, Math.ceil(exp - now() / 1000)));
}

/**
 * Gives a refresh token that takes another's place the name that is meant for it (lib/models/base_model.js: `save` names what has no
 * name with `generateTokenId`). Without it a lost answer could not be given again without a second line of the family.
 */
export function nameSuccessors(provider: Provider, successor: () => string | undefined): void {
  const { prototype } = provider.RefreshToken as unknown as { prototype: { generateTokenId(): string } };
  const { generateTokenId } = prototype;
  prototype.generateTokenId = function (this: typeof prototype) {
    return successor() ?? generateTokenId.call(this);
  };
}

/**
 * Lets the phone that a level rests on into all that is stored of a sign-in, as {@link keepOurMembers} does for sessions. Without it
 * tokens would go on saying what a phone had proven that was stolen and removed since.
 * @param phoneBehind the phone of what is saved now. A back-channel request has been given its own.
 */
export function carryPhones(provider: Provider, phoneBehind: (ctx: KoaContextWithOIDC) => string | undefined): void {
  const { AccessToken, AuthorizationCode, DeviceCode, RefreshToken, BackchannelAuthenticationRequest } = provider;
  for (const model of [AccessToken, AuthorizationCode, DeviceCode, RefreshToken, BackchannelAuthenticationRequest]) {
    const { prototype, IN_PAYLOAD } = model as unknown as {
      IN_PAYLOAD: readonly string[];
      prototype: { phone?: string; save(): Promise<string> };
    };
    const members = [...IN_PAYLOAD, 'phone'];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => members });
    const { save } = prototype;
    prototype.save = function (this: typeof prototype) {
      const ctx = Provider.ctx;
      const phone = this.phone ?? (ctx && phoneBehind(ctx));
      if (phone !== undefined) this.phone = phone;
      return save.call(this);
    };
  }
}

/**
 * Tells when a session is signed out of, before it is deleted, so that a request in flight cannot save it back (lib/models/session.js:
 * `destroy` is the sign-out, while a mere change of the id deletes through the adapter). Without it such a session would live on.
 * @param ended is given the session's uid, its remaining seconds, and whose it is.
 */
export function endSessionsForGood(
  provider: Provider,
  ended: (uid: string, seconds: number, userId: string | undefined) => Promise<void>,
): void {
  const { prototype } = provider.Session as unknown as {
    prototype: { uid: string; accountId?: string; remainingTTL?: number; destroy(): Promise<void> };
  };
  const { destroy } = prototype;
  prototype.destroy = async function (this: typeof prototype) {
    const seconds = Number.isFinite(this.remainingTTL) ? Number(this.remainingTTL) : 0;
    await ended(this.uid, seconds, this.accountId);
    await destroy.call(this);
  };
}

/** A stored back-channel request, with the members that the library's types leave out. */
export interface BackchannelRequest {
  jti: string;
  clientId: string;
  accountId: string;
  params: { [name: string]: unknown };
  scope?: string;
  resource?: string | string[];
  claims?: { [where: string]: { [claim: string]: unknown } | undefined };
  consumed?: unknown;
  isExpired: boolean;
  grantId?: string;
  acr?: string;
  amr?: string[];
  authTime?: number;
  phone?: string;
  save(): Promise<string>;
}

/**
 * Calls `settle` when the token endpoint has found a back-channel request of the client that asks (lib/actions/grants/ciba.js finds
 * it with `find` of the model and then only reads members). The library leaves `slow_down` and a final answer to its user, and
 * `backchannelResult` has no compare-and-set: without this a request would be answered twice, or never.
 */
export function settleBeforePoll(
  provider: Provider,
  settle: (ctx: KoaContextWithOIDC, request: BackchannelRequest) => Promise<void>,
): void {
  whenPolled<BackchannelRequest>(provider.BackchannelAuthenticationRequest, settle);
}

/** A stored device code, as far as its pace matters. */
export interface DeviceRequest {
  jti: string;
  clientId: string;
  accountId?: string;
  error?: string;
  isExpired: boolean;
}

/**
 * Calls `pace` when the token endpoint has found a device code of the client that asks (lib/actions/grants/device_code.js). The
 * library never says `slow_down`: without this a device could poll as fast as it likes.
 */
export function paceDevicePolls(provider: Provider, pace: (request: DeviceRequest) => Promise<void>): void {
  whenPolled<DeviceRequest>(provider.DeviceCode, (_ctx, request) => pace(request));
}

/** Calls `act` after `find` of a model, where the token endpoint looks for a request of the client that asks. */
function whenPolled<Request extends { clientId: string }>(
  found: unknown,
  act: (ctx: KoaContextWithOIDC, request: Request) => Promise<void>,
): void {
  const model = found as { find(id: string, options?: object): Promise<Request | undefined> };
  const find = model.find.bind(model);
  model.find = async (id, options) => {
    const request = await find(id, options);
    const ctx = Provider.ctx;
    if (request && ctx?.oidc?.route === 'token' && ctx.oidc.client?.clientId === request.clientId)
      await act(ctx, request);
    return request;
  };
}

/**
 * Says which claims there are, by scope and in discovery, while the provider runs (lib/helpers/configuration.js reads `claims` once,
 * at the start; lib/helpers/claims.js and oidc_context.js look into the two values that are changed here). Without it a claim of the
 * operator's own would need a restart, which no other change to a client does.
 * @param base what is always there, by scope (a list) or by the claims parameter alone (null). @param own more, by scope.
 */
export function offerClaims(
  provider: Provider,
  base: { readonly [name: string]: readonly string[] | null },
  own: { readonly [scope: string]: ReadonlySet<string> },
): void {
  const { claims, claimsSupported } = stateOf(provider).configuration;
  claimsSupported.clear();
  for (const [name, under] of Object.entries(base)) {
    // An acr that no level has was taken out by the library.
    if (under === null && name in claims) claimsSupported.add(name);
    if (under === null) continue;
    const names = [...under, ...(own[name] ?? [])];
    claims[name] = Object.fromEntries(names.map((claim) => [claim, null]));
    for (const claim of names) claimsSupported.add(claim);
  }
}

interface LogoutClient {
  clientId: string;
  backchannelLogout(sub: string, sid: string | undefined): Promise<void>;
}

const senders = new WeakMap<Provider, LogoutClient['backchannelLogout']>();

/**
 * Puts the news of a sign-out into our outbox in place of posting it at once (lib/models/client.js: `backchannelLogout`, which tries
 * once). Without it a service that is away for a moment would never hear of it.
 */
export function keepLogouts(
  provider: Provider,
  keep: (notice: { clientId: string; sub: string; sid?: string }) => Promise<void>,
): void {
  const { prototype } = provider.Client as unknown as { prototype: LogoutClient };
  senders.set(provider, prototype.backchannelLogout);
  prototype.backchannelLogout = function (this: LogoutClient, sub, sid) {
    return keep({ clientId: this.clientId, sub, ...(sid === undefined ? {} : { sid }) });
  };
}

/**
 * Makes a logout token now and posts it. Where all sessions of a person have ended there is no `sid`; a client that insists on one could do
 * nothing with the token (Back-Channel Logout sections 2.2 and 2.6).
 * @throws the library's error, which names the address and holds the `response`.
 */
export async function sendLogout(
  provider: Provider,
  clientId: string,
  sub: string,
  sid: string | undefined,
): Promise<void> {
  const client = (await provider.Client.find(clientId)) as unknown as
    | (LogoutClient & { backchannelLogoutUri?: string; backchannelLogoutSessionRequired?: boolean })
    | undefined;
  if (!client?.backchannelLogoutUri || (client.backchannelLogoutSessionRequired && sid === undefined)) return;
  await senders.get(provider)?.call(client, sub, sid);
}
