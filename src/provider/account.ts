// People as oidc-provider sees them: the account behind a subject and its claims (OpenID Connect Core section 5).
import type {
  AccessToken,
  Account,
  AuthorizationCode,
  FindAccount,
  KoaContextWithOIDC,
  RefreshToken,
} from 'oidc-provider';
import { type ClaimRules, claimsBy, scopeOf } from '../domain/claims.ts';
import type { Devices, Users } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { refuseGonePhone } from './phone-behind.ts';

const people = new WeakMap<object, User>();

/** The person of the account that this request has loaded; undefined for nobody and for a disabled person. */
export function personOf(ctx: KoaContextWithOIDC): User | undefined {
  const { Account: account } = ctx.oidc.entities;
  return account ? people.get(account) : undefined;
}

/** Claims by scope and on request; `acr`, `amr` and `auth_time` stand in every id_token (design, decision 4). */
export const CLAIMS = {
  openid: ['sub', 'acr', 'amr', 'auth_time'],
  profile: ['name', 'preferred_username', 'locale'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
  acr: null,
  amr: null,
  auth_time: null,
  iss: null,
  sid: null,
} as const;

function claimsOf(user: User): { sub: string; [claim: string]: unknown } {
  return {
    sub: user.id,
    name: user.name,
    preferred_username: user.login,
    ...(user.locale === undefined ? {} : { locale: user.locale }),
    ...(user.email === undefined ? {} : { email: user.email, email_verified: true }),
    groups: [...user.groups],
  };
}

/**
 * The claims of a person for one service. Those of the operator's own take the place of ours, with what they say and when: a claim
 * that has nothing to say is left out rather than filled with something of another kind.
 * @param scope what the person has allowed. @param asked claims that the request names and the person has allowed.
 */
export function claimsFor(user: User, rules: ClaimRules, scope: string, asked: object): ReturnType<typeof claimsOf> {
  const scopes = scope.split(' ');
  const standard = Object.entries(claimsOf(user)).filter(([claim]) => !Object.hasOwn(rules, claim));
  // The library lets out what any client's rules name under a scope; whose claim it is, is decided here.
  const own = claimsBy(rules, user, (claim, rule) => scopes.includes(scopeOf(rule)) || Object.hasOwn(asked, claim));
  return { ...Object.fromEntries(standard), ...own, sub: user.id };
}

/**
 * `findAccount` of oidc-provider. Answers undefined for a disabled person, for a token from before the person's sessions were
 * ended, and for a session that was signed out of and came back with a Redis that took over, so that every endpoint refuses at once.
 * @param rules of the operator's own claims, for the service and under the grant of a request.
 * @throws InvalidGrant for what rests on a phone that no longer counts: before it is used up.
 */
export function accountFinder(
  users: Pick<Users, 'byId'>,
  phones: Pick<Devices, 'byId'>,
  rules: (ctx: KoaContextWithOIDC) => ClaimRules,
): FindAccount {
  return async (ctx, sub, token) => {
    const user = await users.byId(sub);
    if (user?.state !== 'active' || isOutdated(user, token) || isEnded(user, sessionOf(ctx, token))) return undefined;
    await refuseGonePhone(phones, token);
    const account: Account = {
      accountId: user.id,
      claims: async (_use, scope, asked) => claimsFor(user, rules(ctx), scope ?? '', asked ?? {}),
    };
    people.set(account, user);
    return account;
  };
}

/** The session that a request or a token that ends with its session stands on. */
function sessionOf(ctx: KoaContextWithOIDC, token: object | undefined): string | undefined {
  if (token === undefined) return ctx.oidc.session?.uid;
  const { sessionUid, expiresWithSession } = token as { sessionUid?: string; expiresWithSession?: boolean };
  return expiresWithSession ? sessionUid : undefined;
}

/** Asked of the person's own row, which was read anyway. */
const isEnded = (user: User, session: string | undefined): boolean =>
  session !== undefined && user.endedSessions.length > 0 && user.endedSessions.includes(fingerprint(session));

/** Tokens are dated in whole seconds, so the boundary second itself still counts. */
function isOutdated(user: User, token: AuthorizationCode | AccessToken | RefreshToken | object | undefined): boolean {
  const issued = token && 'iat' in token && typeof token.iat === 'number' ? token.iat : undefined;
  return issued !== undefined && issued < Math.floor(user.sessionsValidAfter / 1000);
}
