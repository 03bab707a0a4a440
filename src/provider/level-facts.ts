// Notes why a request had to reach its level, for the audit: service asked X, client's minimum is Y, session had Z, therefore W.
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Method, type Proofs, reached } from '../domain/assurance.ts';
import type { LevelFacts } from '../domain/audit.ts';
import type { User } from '../domain/user.ts';
import { askedOf, isAnew, type Need, requestedNow } from './levels-in-requests.ts';
import type { Registry } from './registry.ts';
import { countingProofs, type ProofResult, type SessionRecord } from './session-proofs.ts';

const noted = new WeakMap<object, LevelFacts>();

/** More values than this, or longer ones, are nobody's levels: the audit keeps the start of them. */
const MOST = { values: 10, characters: 200 };

const cut = (values: readonly string[]): string[] =>
  values
    .filter((value) => value !== '')
    .slice(0, MOST.values)
    .map((value) => value.slice(0, MOST.characters));

/** The facts of a request without a browser: there is no session that had anything before. */
export function factsOf({ wish, minimum, maxAge }: ReturnType<typeof askedOf>): LevelFacts {
  return {
    essential: cut(wish.essential),
    voluntary: cut(wish.voluntary),
    minimum,
    anew: false,
    had: { ages: {} },
    made: [],
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}

/** The facts of this request, where the policy has come to them. */
export function levelFacts(ctx: KoaContextWithOIDC): LevelFacts | undefined {
  return noted.get(ctx);
}

/**
 * Notes them. Call it when the session has its proofs, and before anything may refuse.
 * @param need missing where no way reaches what the service insists on. @param now whole seconds.
 */
export function noteLevels(
  ctx: KoaContextWithOIDC,
  { registry, user, need, now }: { registry: Registry; user: User | undefined; need: Need | undefined; now: number },
): void {
  const { levels } = registry.settings;
  const { wish, minimum, maxAge } = need ?? askedOf(registry, user, requestedNow(ctx));
  const all = (ctx.oidc.session as SessionRecord | undefined)?.proofs ?? {};
  const result = (ctx.oidc.result as ProofResult | undefined)?.proofs ?? {};
  // One that was made again stands in for the older: what was there before did not count for this request.
  const made = methodsOf(all).filter((method) => all[method]?.at === result[method]?.at);
  const before = Object.fromEntries(
    Object.entries(all).filter(([method]) => !made.includes(method as Method)),
  ) as Proofs;
  const had = need?.anew ? undefined : reached(levels, before, now, maxAge);
  const got = need && reached(levels, countingProofs(ctx, need), now, maxAge);
  noted.set(ctx, {
    essential: cut(wish.essential),
    voluntary: cut(wish.voluntary),
    minimum,
    anew: isAnew(ctx),
    had: {
      ages: Object.fromEntries(methodsOf(before).map((method) => [method, now - (before[method]?.at ?? now)])),
      ...(had ? { level: had.level.name } : {}),
    },
    made,
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(need ? { required: need.required.name } : {}),
    ...(got ? { reached: got.level.name } : {}),
  });
}

function methodsOf(proofs: Proofs): Method[] {
  return Object.keys(proofs) as Method[];
}
