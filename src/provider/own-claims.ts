// Which of the operator's own claims a person has agreed to: kept in the grant, asked for where one is new, told of nobody before.
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type ClaimRules, type ClaimSources, scopeOf, sourceOf } from '../domain/claims.ts';
import type { OwnClaims } from '../domain/consent.ts';
import type { Registry } from './registry.ts';

/** What a request asks for, as far as claims of the operator's own come with it. */
export interface AskedFor {
  clientId: string;
  /** Scopes of OpenID Connect. */
  scopes: ReadonlySet<string>;
  /** Claims that the `claims` parameter names. */
  claims: ReadonlySet<string>;
  /** Identifiers of resources. */
  resources: readonly string[];
}

/** The grant's member is ours (internals.ts lets it into the store); the library neither reads it nor makes tokens of it. */
export function recordOf(grant: object | undefined): OwnClaims | undefined {
  return (grant as { ownClaims?: OwnClaims } | undefined)?.ownClaims;
}

function isAgreed(agreed: ClaimSources | undefined, name: string, source: string): boolean {
  return agreed !== undefined && Object.hasOwn(agreed, name) && agreed[name] === source;
}

function sources(rules: ClaimRules, wanted: (name: string) => boolean): ClaimSources {
  return Object.fromEntries(
    Object.entries(rules).flatMap(([name, rule]) => (wanted(name) ? [[name, sourceOf(rule)] as const] : [])),
  );
}

/** The claims of the operator's own that come with a request: by name or by scope for the client, all of them for a resource. */
export function ownClaimsOf(registry: Registry, { clientId, scopes, claims, resources }: AskedFor): OwnClaims {
  const rules = registry.client(clientId)?.claims ?? {};
  const client = sources(rules, (name) => {
    const rule = rules[name];
    return rule !== undefined && (claims.has(name) || scopes.has(scopeOf(rule)));
  });
  return {
    client,
    resources: Object.fromEntries(
      resources.map((identifier) => [identifier, sources(registry.resource(identifier)?.claims ?? {}, () => true)]),
    ),
  };
}

/**
 * What of it the person has not agreed to yet; undefined where that is nothing. A name that is made of something else now is new.
 * A grant without a record (of an earlier release, or of when the service was first-party) agrees to none.
 */
export function notAgreed(asked: OwnClaims, grant: object | undefined): OwnClaims | undefined {
  const agreed = recordOf(grant);
  const left = (claims: ClaimSources, known: ClaimSources | undefined): ClaimSources =>
    Object.fromEntries(Object.entries(claims).filter(([name, source]) => !isAgreed(known, name, source)));
  const client = left(asked.client, agreed?.client);
  const resources = Object.fromEntries(
    Object.entries(asked.resources)
      .map(([identifier, claims]) => [identifier, left(claims, agreed?.resources[identifier])] as const)
      .filter(([, claims]) => Object.keys(claims).length > 0),
  );
  return Object.keys(client).length > 0 || Object.keys(resources).length > 0 ? { client, resources } : undefined;
}

/** Writes into a grant, which is to be saved, what the person has agreed to now. From then on it has a record, if an empty one. */
export function agree(grant: object, { client, resources }: OwnClaims): void {
  const before = recordOf(grant);
  const merged = { ...before?.resources };
  for (const [identifier, claims] of Object.entries(resources))
    merged[identifier] = { ...merged[identifier], ...claims };
  Object.assign(grant, { ownClaims: { client: { ...before?.client, ...client }, resources: merged } });
}

/**
 * Of these rules those that may be told now, under the grant of this request. For a first-party service all of them. A claim that
 * came into the file after the person's consent is held back until they agree: refresh tokens live for months without a page. From a grant
 * without a record nothing is taken away, since what it gave was on the page of its time: the next sign-in asks.
 * @param resource whose rules they are; the client's own without it.
 */
export function toldRules(
  ctx: KoaContextWithOIDC,
  registry: Registry,
  clientId: string,
  rules: ClaimRules,
  resource?: string,
): ClaimRules {
  const record = recordOf(ctx.oidc.entities.Grant);
  if (record === undefined || registry.client(clientId)?.firstParty) return rules;
  const agreed = resource === undefined ? record.client : record.resources[resource];
  return Object.fromEntries(Object.entries(rules).filter(([name, rule]) => isAgreed(agreed, name, sourceOf(rule))));
}
