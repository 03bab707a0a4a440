// Claims that the operator makes of what is kept of a person, for a service or a resource (`claims` in its file).
import type { User } from './user.ts';

/** A scope that lets a claim of the operator's own out, and whose words stand on the consent page. */
export type ClaimScope = 'groups' | 'profile' | 'email';

/** One claim. */
export interface ClaimRule {
  from: 'groups' | 'login' | 'name' | 'email' | 'locale' | { attribute: string };
  /** Of groups: these alone. */
  only?: readonly string[];
  /** Of groups: what the service calls them. */
  rename?: { readonly [group: string]: string };
  /** What it is, as the consent page says it. */
  description?: string;
}

/** Claims by their names. */
export interface ClaimRules {
  readonly [claim: string]: ClaimRule;
}

/** What claims are made of, by their names; see {@link sourceOf}. */
export interface ClaimSources {
  readonly [claim: string]: string;
}

/**
 * Claims that a mapping can never make. They say who issued a token, for whom, how the sign-in was done, what binds it (RFC 7519
 * section 4.1, OpenID Connect Core sections 2 and 5.1, RFC 9068, RFC 7662, RFC 7800), or that we have checked an address.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set(
  `iss sub aud exp nbf iat jti acr amr auth_time nonce azp at_hash c_hash s_hash sid sub_jwk cnf act may_act events toe txn
   active client_id scope token_type authorization_details htm htu ath email email_verified phone_number_verified updated_at`.split(
    /\s+/,
  ),
);

/** The scope under which a service gets a claim without asking for it by name. */
export function scopeOf({ from }: ClaimRule): ClaimScope {
  return from === 'groups' || from === 'email' ? from : 'profile';
}

/** What a claim is made of, as its file says it: `groups`, `attributes.department`. */
export function sourceOf({ from }: ClaimRule): string {
  return typeof from === 'object' ? `attributes.${from.attribute}` : from;
}

/** What a claim says of a person: texts of groups, else one text; undefined where nothing is kept. */
export function claimOf(rule: ClaimRule, user: User): string | string[] | undefined {
  const { from, only, rename } = rule;
  if (from !== 'groups') return typeof from === 'object' ? attributeOf(user, from.attribute) : user[from];
  const kept = user.groups.filter((group) => only === undefined || only.includes(group));
  return [...new Set(kept.map((group) => (rename && Object.hasOwn(rename, group) ? (rename[group] ?? group) : group)))];
}

function attributeOf({ attributes }: User, name: string): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}

/** All claims of the rules that `wanted` lets through; what is not kept of the person is left out. */
export function claimsBy(
  rules: ClaimRules,
  user: User,
  wanted: (claim: string, rule: ClaimRule) => boolean = () => true,
): { [claim: string]: string | string[] } {
  return Object.fromEntries(
    Object.entries(rules).flatMap(([claim, rule]) => {
      const value = wanted(claim, rule) ? claimOf(rule, user) : undefined;
      return value === undefined ? [] : [[claim, value] as const];
    }),
  );
}
