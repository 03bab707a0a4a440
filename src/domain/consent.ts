// What a person has allowed a service, beyond one sign-in.
import type { ClaimSources } from './claims.ts';

/** Claims of the operator's own, by their names, each with what it is made of: the client's, and each resource's by its identifier. */
export interface OwnClaims {
  client: ClaimSources;
  resources: { [identifier: string]: ClaimSources };
}

/** All that was allowed. */
export interface Consent {
  /** Scopes of OpenID Connect. */
  scopes: string[];
  /** Claims that were asked for by name. */
  claims: string[];
  /** Scopes of resources, by the resource's identifier. */
  resources: { [identifier: string]: string[] };
  own: OwnClaims;
}

const union = (one: readonly string[] = [], other: readonly string[] = []) => [...new Set([...one, ...other])];

/** Both together; where the two say of a claim that it is made of different things, the later one counts. */
export function bothConsents(before: Consent, later: Consent): Consent {
  const resources = { ...before.resources };
  for (const [identifier, scopes] of Object.entries(later.resources))
    resources[identifier] = union(resources[identifier], scopes);
  const own = { ...before.own.resources };
  for (const [identifier, claims] of Object.entries(later.own.resources))
    own[identifier] = { ...own[identifier], ...claims };
  return {
    scopes: union(before.scopes, later.scopes),
    claims: union(before.claims, later.claims),
    resources,
    own: { client: { ...before.own.client, ...later.own.client }, resources: own },
  };
}
