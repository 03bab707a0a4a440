// What a person has allowed a service: first-party services are vouched for by the operator, others by the consent page.
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Consent } from '../domain/consent.ts';
import type { Consents } from '../domain/ports.ts';
import { agree, notAgreed, recordOf } from './own-claims.ts';
import type { Registry } from './registry.ts';

type Grant = InstanceType<KoaContextWithOIDC['oidc']['provider']['Grant']>;

/**
 * `loadExistingGrant` of oidc-provider: the session's grant, completed with whatever a first-party service newly asks for, and for others
 * with what the person has allowed before, in whatever browser.
 */
export function grantLoader(
  registry: () => Registry,
  consents: Pick<Consents, 'of'>,
): NonNullable<Configuration['loadExistingGrant']> {
  return async (ctx) => {
    const { oidc } = ctx;
    const clientId = oidc.client?.clientId ?? '';
    const consent = oidc.result?.['consent'] as { grantId?: string } | undefined;
    const grantId = consent?.grantId ?? oidc.session?.grantIdFor(clientId);
    const found = grantId ? await oidc.provider.Grant.find(grantId) : undefined;
    const grant =
      found && found.accountId === oidc.account?.accountId && found.clientId === clientId ? found : undefined;
    const { accountId } = oidc.account ?? {};
    if (!registry().client(clientId)?.firstParty) {
      const before = accountId === undefined ? undefined : await consents.of(accountId, clientId);
      if (!accountId || !before) return grant;
      const remembered = grant ?? new oidc.provider.Grant({ accountId, clientId });
      if (grantAgain(remembered, before)) await remembered.save();
      return remembered;
    }
    if (!accountId) return undefined;
    const vouched = grant ?? new oidc.provider.Grant({ accountId, clientId });
    if (grantEverything(ctx, vouched) || !grant) await vouched.save();
    return vouched;
  };
}

/** What a grant allows, as it is remembered beyond the sign-in. */
export function consentIn(grant: Grant): Consent {
  const listed = (scope: string) => scope.split(' ').filter((name) => name !== '');
  return {
    scopes: listed(grant.getOIDCScope()),
    claims: [...grant.getOIDCClaims()],
    resources: Object.fromEntries(
      Object.keys(grant.resources ?? {}).map((identifier) => [identifier, listed(grant.getResourceScope(identifier))]),
    ),
    own: recordOf(grant) ?? { client: {}, resources: {} },
  };
}

/** Adds what was allowed before; answers whether anything was new. */
function grantAgain(grant: Grant, before: Consent): boolean {
  const has = JSON.stringify([grant.openid, grant.resources]);
  if (before.scopes.length > 0) grant.addOIDCScope(before.scopes.join(' '));
  if (before.claims.length > 0) grant.addOIDCClaims(before.claims);
  for (const [identifier, scopes] of Object.entries(before.resources))
    if (scopes.length > 0) grant.addResourceScope(identifier, scopes.join(' '));
  const unrecorded = recordOf(grant) === undefined || notAgreed(before.own, grant) !== undefined;
  if (unrecorded) agree(grant, before.own);
  return unrecorded || JSON.stringify([grant.openid, grant.resources]) !== has;
}

/** Adds all that the request asks for; answers whether anything was new. */
function grantEverything(ctx: KoaContextWithOIDC, grant: Grant): boolean {
  const before = JSON.stringify([grant.openid, grant.resources]);
  const known = new Set(grant.getOIDCScopeEncountered().split(' '));
  const scopes = [...ctx.oidc.requestParamOIDCScopes].filter((scope) => !known.has(scope));
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(' '));
  const claims = [...ctx.oidc.requestParamClaims].filter((claim) => !grant.getOIDCClaimsEncountered().includes(claim));
  if (claims.length > 0) grant.addOIDCClaims(claims);
  for (const [identifier, server] of Object.entries(ctx.oidc.resourceServers ?? {})) {
    const seen = new Set(grant.getResourceScopeEncountered(identifier).split(' '));
    const asked = [...ctx.oidc.requestParamScopes].filter((scope) => server.scopes.has(scope) && !seen.has(scope));
    if (asked.length > 0) grant.addResourceScope(identifier, asked.join(' '));
  }
  return JSON.stringify([grant.openid, grant.resources]) !== before;
}
