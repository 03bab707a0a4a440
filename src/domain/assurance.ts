// Levels of assurance: which proofs reach which level, for how long, and what a request requires. Pure rules; no clock.

/** A way to prove who one is. The words stand in `levels.yaml`. */
export type Method = 'password' | 'phone' | 'passkey' | 'security_key' | 'totp';

/** One proof made in this session. `at` is in whole seconds; `amr` holds the values of RFC 8176 that it adds. */
export interface Proof {
  at: number;
  amr: readonly string[];
  /** The device, passkey, … that was used. */
  factor?: string;
}

/** What a session has proven, by method: kept beside the provider's session under its uid. */
export type Proofs = { readonly [method in Method]?: Proof };

/** One declared level. Levels are ordered: one that stands later in the list is higher and satisfies every lower one. */
export interface Level {
  name: string;
  /** The level's acr values; the first is the one that tokens carry. */
  acr: readonly string[];
  /** Combinations of methods that reach the level: any one of them, complete. */
  anyOf: readonly (readonly Method[])[];
  /** How long each proof counts for this level, in seconds since it was made. */
  fresh: { readonly [method in Method]?: number };
}

/** A level and the proofs that reach it. */
export interface Reached {
  level: Level;
  proofs: Proofs;
}

function isFresh(level: Level, method: Method, proof: Proof | undefined, now: number, maxAge?: number): boolean {
  if (!proof) return false;
  const limit = Math.min(level.fresh[method] ?? Number.POSITIVE_INFINITY, maxAge ?? Number.POSITIVE_INFINITY);
  return now - proof.at <= limit;
}

/** The proofs of a combination that still count; undefined where one is missing or stale. */
function complete(
  level: Level,
  methods: readonly Method[],
  proofs: Proofs,
  now: number,
  maxAge?: number,
): Proofs | undefined {
  if (!methods.every((method) => isFresh(level, method, proofs[method], now, maxAge))) return undefined;
  return Object.fromEntries(methods.map((method) => [method, proofs[method]]));
}

/**
 * The highest level that fresh proofs reach.
 * @param levels all declared levels, lowest first.
 * @param now whole seconds. @param maxAge `max_age` of the request in seconds: it applies to every proof that the level needs.
 */
export function reached(levels: readonly Level[], proofs: Proofs, now: number, maxAge?: number): Reached | undefined {
  for (const level of levels.toReversed()) {
    for (const methods of level.anyOf) {
      const used = complete(level, methods, proofs, now, maxAge);
      if (used) return { level, proofs: used };
    }
  }
  return undefined;
}

/** Whether a level reached satisfies one that is wanted: it does when it is the same or a higher one. */
export function meets(levels: readonly Level[], have: Level | undefined, want: Level): boolean {
  return have !== undefined && levels.indexOf(have) >= levels.indexOf(want);
}

/** The union of the proofs' amr values, in the order in which they were first made. */
export function amrOf(proofs: Proofs): string[] {
  const inOrder = Object.values(proofs).sort((a, b) => a.at - b.at);
  return [...new Set(inOrder.flatMap((proof) => proof.amr))];
}

/** `auth_time`: the time of the oldest proof used, in whole seconds (OpenID Connect Core section 2). */
export function authTimeOf(proofs: Proofs): number {
  return Math.min(...Object.values(proofs).map((proof) => proof.at));
}

/** The ways to reach a level: for each of its combinations (and those of higher levels) the methods that are still missing. */
export function waysTo(
  levels: readonly Level[],
  want: Level,
  proofs: Proofs,
  now: number,
  maxAge?: number,
): { level: Level; missing: Method[] }[] {
  return levels.slice(levels.indexOf(want)).flatMap((level) =>
    level.anyOf.map((methods) => ({
      level,
      missing: methods.filter((method) => !isFresh(level, method, proofs[method], now, maxAge)),
    })),
  );
}

/** What a request says about levels, read from every place that may say it (design, decision 2). */
export interface Wish {
  /** acr values of an essential `acr` claim (OpenID Connect Core section 5.5.1.1); empty where none was asked as essential. */
  essential: readonly string[];
  /** `acr_values` of the request or the client's `default_acr_values`, best or not: all are voluntary. */
  voluntary: readonly string[];
  /** Levels by name that hold whatever the request says: the client's minimum, the scopes' and resources' levels, the person's own switch. */
  minimum: readonly string[];
}

/** The level that must be reached before the service gets an answer. */
export type Requirement = { ok: true; required: Level } | { ok: false; why: 'unknown_acr' | 'unreachable' };

/**
 * The level that a request requires: a level asked for is a level reached, or an error (RFC 9470 section 5).
 * Unknown acr values alone are ignored where they are voluntary, and refused where they are essential.
 * @param levels all declared levels, lowest first; must not be empty.
 * @param offered whether the configuration has a way to reach a level.
 */
export function requirement(levels: readonly Level[], wish: Wish, offered: (level: Level) => boolean): Requirement {
  const known = (acrs: readonly string[]) => levels.filter((level) => level.acr.some((acr) => acrs.includes(acr)));
  const named = levels.filter((level) => wish.minimum.includes(level.name));
  const essential = known(wish.essential);
  const voluntary = known(wish.voluntary);
  if (wish.essential.length > 0 && essential.length === 0) return { ok: false, why: 'unknown_acr' };
  // Of several essential values any one satisfies the service; of voluntary ones the best that we offer is meant.
  const lowestEssential = essential.find(offered);
  const bestVoluntary = voluntary.findLast(offered);
  if (essential.length > 0 && !lowestEssential) return { ok: false, why: 'unreachable' };
  if (voluntary.length > 0 && !bestVoluntary) return { ok: false, why: 'unreachable' };
  const candidates = [levels[0], ...named, lowestEssential, bestVoluntary].filter((level) => level !== undefined);
  const required = levels.findLast((level) => candidates.includes(level)) as Level;
  return offered(required) || levels.slice(levels.indexOf(required)).some(offered)
    ? { ok: true, required }
    : { ok: false, why: 'unreachable' };
}

/**
 * The acr value that a token carries: the one that the service asked for where it says no less than is required,
 * else the reached level's own (OpenID Connect Core section 5.5.1.1).
 */
export function acrFor(levels: readonly Level[], wish: Wish, required: Level, got: Level): string {
  const floor = levels.indexOf(required);
  const fits = (acr: string, exactly: boolean) => {
    const index = levels.findIndex((level) => level.acr.includes(acr));
    return exactly ? index === levels.indexOf(got) : index >= floor && index <= levels.indexOf(got);
  };
  const asked =
    wish.essential.find((acr) => fits(acr, true)) ??
    wish.essential.findLast((acr) => fits(acr, false)) ??
    wish.voluntary.find((acr) => fits(acr, true));
  return asked ?? (got.acr[0] as string);
}
