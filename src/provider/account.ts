// People as oidc-provider sees them: the account behind a subject and its claims (OpenID Connect Core section 5).
import type { Account, FindAccount, KoaContextWithOIDC } from 'oidc-provider';
import { type ClaimRules, claimsBy, scopeOf } from '../domain/claims.ts';
import type { Devices, Users } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { gonePhone, restsOnGonePhone } from './phone-behind.ts';

const read = new WeakMap<object, User>();

/** The person of the account that this request has loaded; undefined for nobody and for a disabled person. */
export function personOf(ctx: KoaContextWithOIDC): User | undefined {
  const { Account: account } = ctx.oidc.entities;
  return account ? read.get(account) : undefined;
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

/** Where people and their phones are read. */
export interface People {
  users: Pick<Users, 'byId'>;
  phones: Pick<Devices, 'byId'>;
}

/**
 * `findAccount` of oidc-provider. Answers undefined for a disabled person, for a token from before the person's sessions were
 * ended, and for a session that was signed out of and came back with a Redis that took over, so that every endpoint refuses at once.
 * An access token whose phone no longer counts is nobody's either.
 * @param rules of the operator's own claims, for the service and under the grant of a request.
 * @throws InvalidGrant for a code, a refresh token or a back-channel request whose phone no longer counts: before it is used up.
 */
export function accountFinder(people: People, rules: (ctx: KoaContextWithOIDC) => ClaimRules): FindAccount {
  return async (ctx, sub, token) => {
    const user = await personBehind(people.users, ctx, sub, token);
    if (!user) return undefined;
    if (await restsOnGonePhone(people.phones, token)) {
      if ((token as { kind?: string } | undefined)?.kind === 'AccessToken') return undefined;
      throw gonePhone();
    }
    const account: Account = {
      accountId: user.id,
      claims: async (_use, scope, asked) => claimsFor(user, rules(ctx), scope ?? '', asked ?? {}),
    };
    read.set(account, user);
    return account;
  };
}

/**
 * Whether what a token rests on is still there, so that introspection says of it what its use would (RFC 7662 section 2.2). A token of
 * a client itself rests on nobody.
 */
export async function stillStands(people: People, ctx: KoaContextWithOIDC, token: object): Promise<boolean> {
  const { accountId } = token as { accountId?: string };
  if (accountId === undefined) return true;
  const user = await personBehind(people.users, ctx, accountId, token);
  return user !== undefined && !(await restsOnGonePhone(people.phones, token));
}

/** The person, unless they are disabled or what they did with this token or session was ended. */
async function personBehind(
  users: People['users'],
  ctx: KoaContextWithOIDC,
  id: string,
  token: object | undefined,
): Promise<User | undefined> {
  const user = await users.byId(id);
  if (user?.state !== 'active' || isOutdated(user, token) || isEnded(user, sessionOf(ctx, token))) return undefined;
  return user;
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
function isOutdated(user: User, token: object | undefined): boolean {
  const issued = token && 'iat' in token && typeof token.iat === 'number' ? token.iat : undefined;
  return issued !== undefined && issued < Math.floor(user.sessionsValidAfter / 1000);
}
