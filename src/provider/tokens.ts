// What access tokens say of the sign-in behind them, and the last guard before one is issued (RFC 9470 section 6).
import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { claimsBy } from '../domain/claims.ts';
import { personOf } from './account.ts';
import { refuseWeakProof } from './fapi.ts';
import { toldRules } from './own-claims.ts';
import type { Registry } from './registry.ts';
import { sourceOf } from './token-source.ts';

/**
 * `extraTokenClaims` of oidc-provider: acr, amr and auth_time of the sign-in, never newer or higher by a refresh, and the claims that
 * the resource is to have of the person, as they stand now.
 * @throws InvalidGrant where the client's or the resource's level of today is above what the sign-in reached: a level raised
 * by the operator holds for tokens renewed afterwards, and no other door leads below it.
 */
export function tokenClaims(registry: () => Registry): NonNullable<Configuration['extraTokenClaims']> {
  return (ctx, token) => {
    refuseWeakProof(ctx, registry());
    if (token.kind === 'ClientCredentials') refuseBeyondClient(ctx, token, registry().resource);
    if (token.kind !== 'AccessToken') return undefined;
    const source = sourceOf(ctx);
    const { settings, client, resource } = registry();
    const minimum = [client(token.clientId ?? '')?.minimumLevel, ...resourceLevels(token, resource)];
    const rank = settings.levels.findIndex((level) => level.acr.includes(source?.acr ?? ''));
    for (const name of minimum) {
      if (name !== undefined && rank < settings.levels.findIndex((level) => level.name === name)) {
        throw new errors.InvalidGrant(
          `the sign-in did not reach the level "${name}" that is required here; ask for authorization again`,
        );
      }
    }
    return {
      ...resourceClaims(ctx, token, registry()),
      acr: source?.acr,
      amr: source?.amr,
      auth_time: source?.authTime,
    };
  };
}

/**
 * A token of the client itself has the scopes of the resource that it names, and no others. The library would write down whatever was
 * asked for: an API that looks at `scope` alone would take it. With a person OpenID Connect Core section 3.1.2.1 wants unknown ones ignored.
 * Nor is there a token for what needs a level: a level is reached by a person, and here is none.
 * @throws InvalidScope (RFC 6749 section 5.2), InvalidTarget (RFC 8707 section 2)
 */
function refuseBeyondClient(ctx: KoaContextWithOIDC, token: object, resource: Registry['resource']): void {
  const found = audiencesOf(token).flatMap((identifier) => resource(identifier) ?? []);
  if (found.some(({ level }) => level !== undefined)) throw new errors.InvalidTarget('resource needs a level');
  for (const scope of ctx.oidc.requestParamScopes) {
    const [known] = found.flatMap(({ scopes }) => (Object.hasOwn(scopes, scope) ? (scopes[scope] ?? []) : []));
    if (!known) throw new errors.InvalidScope('scope is none of the resource', scope);
    if (known.level !== undefined) throw new errors.InvalidScope('scope needs a level', scope);
  }
}

function audiencesOf({ aud }: { aud?: string | string[] | undefined }): string[] {
  return aud === undefined ? [] : [aud].flat();
}

/** Nothing in a token of a client of its own, which has no person. */
function resourceClaims(
  ctx: KoaContextWithOIDC,
  token: { clientId?: string | undefined; aud?: string | string[] | undefined },
  registry: Registry,
) {
  const person = personOf(ctx);
  const rules = audiencesOf(token).map((identifier) =>
    toldRules(ctx, registry, token.clientId ?? '', registry.resource(identifier)?.claims ?? {}, identifier),
  );
  return person ? Object.assign({}, ...rules.map((one) => claimsBy(one, person))) : {};
}

function resourceLevels(token: object, resource: Registry['resource']): (string | undefined)[] {
  const { scope } = token as { scope?: string };
  return audiencesOf(token).flatMap((identifier) => {
    const found = resource(identifier);
    const scopes = scope?.split(' ') ?? [];
    return found ? [found.level, ...scopes.map((name) => found.scopes[name]?.level)] : [];
  });
}
