// oidc-provider's configuration, in the order of its documentation; what has a subject of its own stands in a file of its own.

import type Keygrip from 'keygrip';
import type { Configuration, JWKS, KoaContextWithOIDC } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Consents, Devices, Users } from '../domain/ports.ts';
import type { Clock } from '../platform/clock.ts';
import { accountFinder, CLAIMS, stillStands } from './account.ts';
import { isReadOnly } from './availability.ts';
import { type BackchannelWorld, backchannelFeature, backchannelLife } from './backchannel.ts';
import { deviceCodeLife, deviceFlowFeature } from './device-flow.ts';
import { waitOf } from './entry-limits.ts';
import type { ToldError } from './error-words.ts';
import { checkAssertions, checkRequestObjects } from './fapi.ts';
import { grantLoader } from './grants.ts';
import { clientOf } from './interactions.ts';
import { certificateMethods, mutualTlsFeature } from './mutual-tls.ts';
import { toldRules } from './own-claims.ts';
import type { SystemPages } from './pages.ts';
import { pairwiseSubject } from './pairwise.ts';
import { createPolicy } from './policy.ts';
import { ACCOUNT_CLIENT, askingService, type Registry } from './registry.ts';
import { inOurWords } from './tell-errors.ts';
import { bitsOf } from './token-ids.ts';
import { tokenClaims } from './tokens.ts';

/** What the provider is built from. */
export interface ProviderParts {
  /** Read at each request: a reload of clients swaps it. */
  registry: () => Registry;
  users: Pick<Users, 'byId'>;
  phones: Pick<Devices, 'byId'>;
  consents: Pick<Consents, 'of'>;
  clock: Clock;
  adapter: NonNullable<Configuration['adapter']>;
  /** Private signing keys; the first that fits signs, all are published. */
  jwks: JWKS;
  cookieKeys: Keygrip;
  /** The guarded fetch for every request that the provider sends out. */
  fetch: NonNullable<Configuration['fetch']>;
  pages: SystemPages;
  /** What requests without a browser go through. */
  backchannel: BackchannelWorld;
  /** BCP 47 tags of the languages that the pages speak. */
  languages: readonly string[];
}

const SIGNING = ['ES256', 'RS256'] as const;
const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_jwt',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const;
const CLIENT_SIGNING = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const;

/** The whole configuration over one state of the settings. */
export function configuration(parts: ProviderParts): Configuration {
  const { settings, offered } = parts.registry();
  const peppers = () => parts.registry().settings.keys.peppers;
  const secure = settings.server.issuer.startsWith('https:');
  return {
    // OpenID Connect Core section 3.1.2.1 requires redirect_uri; leaving it out hides mistakes.
    allowOmittingSingleRegisteredRedirectUri: false,
    acrValues: settings.levels.filter(offered).flatMap((level) => [...level.acr]),
    adapter: parts.adapter,
    assertJwtClientAuthClaimsAndHeader: checkAssertions(parts.registry, parts.clock),
    claims: CLAIMS as unknown as NonNullable<Configuration['claims']>,
    clientAuthMethods: [...AUTH_METHODS, ...certificateMethods(settings)],
    clientBasedCORS: (_ctx, origin, client) => client.redirectUris?.some((uri) => originOf(uri) === origin) ?? false,
    clientDefaults: {
      id_token_signed_response_alg: 'ES256',
      response_types: ['code'],
      grant_types: ['authorization_code'],
    },
    conformIdTokenClaims: true,
    cookies: cookies(parts.cookieKeys, secure, settings.server.postAuthorization),
    // What the library knows but does not say (OpenID Connect Core section 3.1.2.1, Discovery section 3).
    discovery: {
      prompt_values_supported: ['none', 'login', 'consent', 'enrol'],
      ui_locales_supported: [...parts.languages],
    },
    enableHttpPostMethods: secure && settings.server.postAuthorization,
    extraClientMetadata: { properties: [] },
    extraTokenClaims: tokenClaims(parts.registry),
    features: features(parts),
    fetch: parts.fetch,
    findAccount: accountFinder(parts, (ctx) => {
      const { clientId = '' } = ctx.oidc.client ?? {};
      return toldRules(ctx, parts.registry(), clientId, parts.registry().client(clientId)?.claims ?? {});
    }),
    formats: { bitsOfOpaqueRandomness: (_ctx, token) => bitsOf(token.kind) },
    interactions: {
      policy: createPolicy(parts.registry, parts.clock, parts.phones),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    issueRefreshToken: (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      code.scopes.has('offline_access') &&
      !parts.registry().settings.readOnly.on,
    jwks: parts.jwks,
    loadExistingGrant: grantLoader(parts.registry, parts.consents),
    pairwiseIdentifier: (_ctx, userId, client) =>
      pairwiseSubject(peppers(), String(client.sectorIdentifier ?? ''), userId),
    pkce: { required: (ctx, client) => needsPkce(parts.registry(), ctx, client.clientId) },
    renderError: (ctx, out, error) => renderError(parts, ctx, out, error),
    responseTypes: ['code'],
    // Signing out ends the session, and with it all that its grants gave: they may stay where they are until their end.
    revokeGrantPolicy: (ctx) => !(parts.registry().settings.readOnly.on && ctx.oidc.route === 'end_session_confirm'),
    // Every use of a refresh token gives a new one and spends the old (RFC 9700 section 4.14.2).
    rotateRefreshToken: (ctx) => rotates(parts.registry(), ctx),
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    subjectTypes: ['public', 'pairwise'],
    ttl: lifetimes(parts.registry, parts.clock),
    enabledJWA: {
      // HS256 alone: client_secret_jwt, which the library leaves out without it.
      clientAuthSigningAlgValues: [...CLIENT_SIGNING, 'HS256'],
      idTokenSigningAlgValues: [...SIGNING],
      userinfoSigningAlgValues: [...SIGNING],
      introspectionSigningAlgValues: [...SIGNING],
      authorizationSigningAlgValues: [...SIGNING],
      requestObjectSigningAlgValues: [...CLIENT_SIGNING],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'PS256', 'RS256'],
    },
  };
}

/**
 * Whether a refresh token is spent by this use. Where nothing may be written, one that a thief could not use either stays as it is, so
 * that services with a secret or a bound key go on; a bearer token without either is refused by the store.
 */
function rotates(registry: Registry, { oidc }: KoaContextWithOIDC): boolean {
  if (!registry.settings.readOnly.on) return true;
  const token = oidc.entities.RefreshToken;
  return oidc.client?.clientAuthMethod === 'none' && !token?.isSenderConstrained();
}

/**
 * Whether a request must carry a code_challenge. A confidential client may be let off by the operator, and then its ID token must answer
 * to a nonce: one of the two binds a code to the browser that asked for it (RFC 9700 section 2.1.1).
 */
function needsPkce(registry: Registry, ctx: KoaContextWithOIDC, clientId: string): boolean {
  const { nonce } = ctx.oidc.params ?? {};
  return registry.client(clientId)?.requirePkce !== false || typeof nonce !== 'string';
}

function originOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).origin : undefined;
}

/** Names and flags follow the issuer: on http://localhost a Secure cookie would be dropped, and ports share cookies. */
function cookies(keys: Keygrip, secure: boolean, post: boolean): NonNullable<Configuration['cookies']> {
  const sameSite = secure && post ? 'none' : 'lax';
  const common = { httpOnly: true, signed: true, secure, sameSite } as const;
  return {
    keys,
    names: secure
      ? { session: '__Host-session', interaction: '__Secure-interaction', resume: '__Secure-resume' }
      : { session: 'countersign_session', interaction: 'countersign_interaction', resume: 'countersign_resume' },
    long: { ...common, path: '/' },
    short: { ...common },
  };
}

function features(parts: ProviderParts): NonNullable<Configuration['features']> {
  const { registry, pages } = parts;
  return {
    backchannelLogout: { enabled: true },
    ciba: backchannelFeature(registry, parts.backchannel),
    claimsParameter: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: deviceFlowFeature(registry, pages, parts.backchannel.records.audit),
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
    // The library's own rules of FAPI 2.0, for the clients that hold themselves to them.
    fapi: {
      enabled: true,
      profile: (_ctx, client) => (registry().client(client?.clientId ?? '')?.profile === 'fapi2' ? '2.0' : undefined),
    },
    introspection: {
      enabled: true,
      allowedPolicy: async (ctx, client, token) =>
        mayIntrospect(registry(), client.clientId, token) && (await stillStands(parts, ctx, token)),
    },
    jwtIntrospection: { enabled: true },
    jwtResponseModes: { enabled: true },
    mTLS: mutualTlsFeature(registry().settings, parts.clock),
    // Only for clients with userinfo_signed_response_alg; without it that key would be passed over in silence.
    jwtUserinfo: { enabled: true },
    requestObjects: { enabled: true, assertJwtClaimsAndHeader: checkRequestObjects(registry) },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, _client, oneOf) => oneOf ?? [],
      getResourceServerInfo: (_ctx, identifier) => resourceServer(registry(), identifier),
      useGrantedResource: () => true,
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    rpInitiatedLogout: {
      enabled: true,
      // Of our own account page nobody would understand that it asks us.
      logoutSource: async (ctx, form) =>
        pages.logout(ctx, form, clientOf(ctx) === ACCOUNT_CLIENT ? undefined : namedService(registry(), ctx)),
      postLogoutSuccessSource: async (ctx) => pages.loggedOut(ctx, namedService(registry(), ctx)),
    },
    userinfo: { enabled: true },
  };
}

/**
 * A client may ask about its own tokens, and a resource's own clients about the tokens made for it (RFC 7662 section 4). Those of a
 * client that the operator has removed are none any more.
 */
function mayIntrospect(registry: Registry, clientId: string, token: object): boolean {
  const { clientId: owner, aud } = token as { clientId?: string; aud?: string | string[] };
  if (owner === undefined || !registry.client(owner)) return false;
  const audiences = aud === undefined ? [] : [aud].flat();
  return owner === clientId || audiences.some((one) => registry.resource(one)?.introspectionClients.includes(clientId));
}

function resourceServer(registry: Registry, identifier: string) {
  const resource = registry.resource(identifier);
  if (!resource)
    throw new errors.InvalidTarget(
      'this resource is not known here; ask for the identifier of one that the operator has declared (config/resources)',
    );
  const { settings } = registry;
  return {
    scope: Object.keys(resource.scopes).join(' '),
    audience: resource.identifier,
    accessTokenTTL: resource.accessToken ?? settings.lifetimes.accessToken,
    accessTokenFormat: resource.tokenFormat,
    ...(resource.tokenFormat === 'jwt' ? { jwt: { sign: { alg: 'ES256' as const } } } : {}),
  };
}

function namedService(registry: Registry, ctx: KoaContextWithOIDC): { name: string; homepage?: string } | undefined {
  const clientId = clientOf(ctx);
  return clientId && registry.client(clientId) ? askingService(registry, clientId) : undefined;
}

async function renderError(
  parts: ProviderParts,
  ctx: KoaContextWithOIDC,
  out: { error: string; error_description?: string | undefined },
  error: Error,
) {
  const service = namedService(parts.registry(), ctx);
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  const { error_description: description } = inOurWords(out, error as ToldError);
  const retryAfter = waitOf(error);
  await parts.pages.error(ctx, {
    status,
    code: out.error,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(description === undefined || status >= 500 ? {} : { description }),
    readOnly: isReadOnly(error),
    ...(service?.homepage === undefined ? {} : { startAgain: { name: service.name, url: service.homepage } }),
  });
}

function lifetimes(registry: () => Registry, clock: Clock): NonNullable<Configuration['ttl']> {
  const { lifetimes } = registry().settings;
  return {
    AccessToken: lifetimes.accessToken,
    AuthorizationCode: (_ctx, _code, client) =>
      registry().client(client.clientId)?.profile === 'fapi2' ? Math.min(60, lifetimes.code) : lifetimes.code,
    ClientCredentials: lifetimes.accessToken,
    BackchannelAuthenticationRequest: backchannelLife(registry) as never,
    DeviceCode: deviceCodeLife(),
    // A grant must outlive everything that stands on it.
    Grant: Math.max(lifetimes.refreshToken, lifetimes.session.absolute),
    IdToken: lifetimes.idToken,
    Interaction: lifetimes.interaction,
    RefreshToken: (_ctx, token) => {
      // The absolute life counts from the first of the family, however often it is renewed.
      const begun = (token as { iiat?: number }).iiat ?? Math.floor(clock.now() / 1000);
      return Math.max(1, begun + lifetimes.refreshToken - Math.floor(clock.now() / 1000));
    },
    Session: (_ctx, session) => {
      const { begun, accountId } = session as { begun?: number; accountId?: string };
      // Of nobody: it holds the secret of a form, and anybody can have as many as they like.
      if (accountId === undefined) return lifetimes.interaction;
      const left = lifetimes.session.absolute - Math.floor((clock.now() - (begun ?? clock.now())) / 1000);
      return Math.max(1, Math.min(lifetimes.session.idle, left));
    },
  };
}
