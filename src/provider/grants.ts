// What a person has allowed a service: first-party services are vouched for by the operator, others by the consent page.
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { Registry } from './registry.ts';

/** `loadExistingGrant` of oidc-provider: the session's grant, completed with whatever a first-party service newly asks for. */
export function grantLoader(registry: () => Registry): NonNullable<Configuration['loadExistingGrant']> {
  return async (ctx) => {
    const { oidc } = ctx;
    const clientId = oidc.client?.clientId ?? '';
    const consent = oidc.result?.['consent'] as { grantId?: string } | undefined;
    const grantId = consent?.grantId ?? oidc.session?.grantIdFor(clientId);
    const found = grantId ? await oidc.provider.Grant.find(grantId) : undefined;
    const grant =
      found && found.accountId === oidc.account?.accountId && found.clientId === clientId ? found : undefined;
    if (!registry().client(clientId)?.firstParty) return grant;
    const { accountId } = oidc.account ?? {};
    if (!accountId) return undefined;
    const vouched = grant ?? new oidc.provider.Grant({ accountId, clientId });
    if (grantEverything(ctx, vouched) || !grant) await vouched.save();
    return vouched;
  };
}

/** Adds all that the request asks for; answers whether anything was new. */
function grantEverything(
  ctx: KoaContextWithOIDC,
  grant: InstanceType<KoaContextWithOIDC['oidc']['provider']['Grant']>,
): boolean {
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
