// What a route requires of a token, and what a token lacks.
import type { AccessToken } from './access-token.ts';
import { type LevelDeclaration, resolveLevel } from './levels.ts';

/** What a route requires. An empty one lets every good token pass. */
export interface Requirement {
  /** The token must carry all of them. */
  scopes?: readonly string[];
  /** Name of the lowest level that is enough. */
  level?: string;
  /** Instead of `level`: the acr values that are enough, best first, compared letter by letter. */
  acrValues?: readonly string[];
  /** How old the sign-in may be, in seconds. */
  maxAge?: number;
}

/** A requirement that was checked when the guard was made. */
export interface Checked {
  scopes: readonly string[];
  /** Acr values that are enough; undefined where any is. */
  enough: ReadonlySet<string> | undefined;
  /** What a challenge asks for. */
  ask: readonly string[];
  maxAge: number | undefined;
}

export type Lack = 'scope' | 'level' | 'age';

/** RFC 6749 section 3.3: what a scope, and so every list with spaces between, may consist of. */
const NAME = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** @throws TypeError for a requirement that nothing or everything would meet by mistake. */
export function checkRequirement(requirement: Requirement, levels: readonly LevelDeclaration[]): Checked {
  const { scopes = [], level, acrValues, maxAge } = requirement;
  if (level !== undefined && acrValues !== undefined) throw new TypeError('give level or acrValues, not both');
  if (acrValues?.length === 0) throw new TypeError('acrValues is empty: no token could pass');
  if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge > 0))
    throw new TypeError('maxAge is a whole number of seconds above 0');
  const wanted = level === undefined ? undefined : resolveLevel(levels, level);
  const ask = wanted?.ask ?? acrValues ?? [];
  for (const name of [...scopes, ...ask]) {
    if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} cannot stand in a list with spaces between`);
  }
  const enough = wanted?.enough ?? acrValues;
  return { scopes, enough: enough && new Set(enough), ask, maxAge };
}

/**
 * What a token lacks first; undefined where it is enough.
 * @param now seconds since 1970. @param tolerance seconds by which the issuer's clock may differ.
 */
export function lackOf(token: AccessToken, required: Checked, now: number, tolerance: number): Lack | undefined {
  if (!required.scopes.every((scope) => token.scopes.has(scope))) return 'scope';
  if (required.enough && !required.enough.has(token.acr ?? '')) return 'level';
  if (required.maxAge === undefined) return undefined;
  const age = now - (token.authTime ?? Number.NEGATIVE_INFINITY);
  return age <= required.maxAge + tolerance ? undefined : 'age';
}
