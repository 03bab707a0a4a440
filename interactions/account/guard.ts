// Who stands in front of the account page, and whether they have proven enough, lately enough, to change something.
import type { Context, Middleware } from 'koa';
import { type Level, type Method, meets, type Proof, reached } from '../../src/domain/assurance.ts';
import type { Device } from '../../src/domain/device.ts';
import type { User } from '../../src/domain/user.ts';
import { seconds } from '../../src/platform/clock.ts';
import { fingerprint, sameBytes } from '../../src/platform/hashes.ts';
import { type Form, readForm } from '../../src/web/body.ts';
import { Refusal } from '../../src/web/errors.ts';
import { addressOf } from '../../src/web/request.ts';
import { bindBrowser } from '../approve/step.ts';
import { NO_FORM } from '../enrol/routes.ts';
import { type PageDeps, seeOther, viewOf } from '../interaction.ts';
import type { View } from '../layout.tsx';
import { type AccountProvider, signInAddress } from './relying-service.ts';
import { type AccountNotice, type AccountSession, endSession, findSession, saveSession } from './session.ts';

/** What the account page is handed. */
export interface AccountDeps extends PageDeps {
  account: AccountProvider;
}

/** A signed-in person on the account page. */
export interface AccountVisit {
  cookie: string;
  session: AccountSession;
  user: User;
  /** Active and locked phones. */
  phones: Device[];
  view: View;
  form: Form;
}

/** A handler for a signed-in person. */
export type VisitHandler = (ctx: Context, deps: AccountDeps, visit: AccountVisit) => Promise<void>;

/** The session of a request, while the provider's session, the person and the idle time stand. */
export async function liveSession(
  ctx: Context,
  deps: AccountDeps,
): Promise<Pick<AccountVisit, 'cookie' | 'session' | 'user'> | undefined> {
  const cookie = deps.cookies.read(ctx, 'account');
  const session = await findSession(deps.world, cookie);
  if (cookie === undefined || !session) return undefined;
  const [user, alive] = await Promise.all([
    deps.world.records.users.byId(session.userId),
    deps.account.sessionAlive(session.providerSession, session.userId),
  ]);
  const ended = user?.endedSessions.includes(fingerprint(session.providerSession));
  if (user?.state === 'active' && alive && !ended && session.begun >= user.sessionsValidAfter)
    return { cookie, session, user };
  await endSession(deps.world, cookie);
  return undefined;
}

/**
 * Hands a handler the visit. Nobody signed in: a GET leads to the sign-in and back, a POST too, but never is it replayed.
 * A POST without this session's token is refused (ASVS 3.5.1), beside the same-origin check of every request.
 */
export function inAccount(deps: AccountDeps, handler: VisitHandler): Middleware {
  return async (ctx) => {
    const live = await liveSession(ctx, deps);
    if (!live) return signIn(ctx, deps, ctx.method === 'GET' ? ctx.path : '/account');
    const form = ctx.method === 'POST' ? await readForm(ctx) : NO_FORM;
    if (ctx.method === 'POST' && !sameBytes(form.text('csrf'), live.session.csrf)) throw new Refusal('cross_site');
    const phones = await deps.world.records.devices.ofUser(live.user.id);
    const view = viewOf(ctx, deps, { account: live.user.locale });
    // Read once a request: the idle time begins anew with it.
    await saveSession(deps.world, live.cookie, live.session);
    await handler(ctx, deps, { ...live, phones, view, form });
  };
}

/** Leads to the sign-in, and back to `returnTo`. */
export async function signIn(
  ctx: Context,
  deps: AccountDeps,
  returnTo: string,
  fresh?: { acr: string; maxAge: number },
): Promise<void> {
  if (fresh === undefined) await countStranger(ctx, deps);
  const wanted = { returnTo, ...(fresh === undefined ? {} : { fresh }) };
  seeOther(ctx, await signInAddress(deps.world, deps.account, bindBrowser(ctx, deps), wanted));
}

/** What is under way is kept for a while, and nobody has proven anything yet. */
async function countStranger(ctx: Context, deps: AccountDeps): Promise<void> {
  const verdict = await deps.world.limits.take('sign_in_address', addressOf(ctx).addressKey);
  if (!verdict.ok) throw new Refusal('too_many', verdict.retryAfter);
}

/** The account's highest level: with the phone where one can answer, else what the password reaches. */
export function highestLevel(deps: AccountDeps, phones: readonly Device[]): Level | undefined {
  const now = seconds(deps.world.clock);
  const proof: Proof = { at: now, amr: [] };
  const active = phones.some((phone) => phone.state === 'active');
  const methods: Method[] = active ? ['password', 'phone'] : ['password'];
  const proofs = Object.fromEntries(methods.map((method) => [method, proof]));
  return reached(deps.settings().levels, proofs, now)?.level;
}

/** Whether the account's highest level was proven within the time that a change allows (security.md L12). */
export function isFresh(deps: AccountDeps, { session, phones }: Pick<AccountVisit, 'session' | 'phones'>): boolean {
  const { levels, lifetimes } = deps.settings();
  const wanted = highestLevel(deps, phones);
  const have = levels.find((level) => level.acr.includes(session.acr));
  const age = seconds(deps.world.clock) - session.authTime;
  return wanted !== undefined && meets(levels, have, wanted) && age <= lifetimes.accountChange;
}

/**
 * Asks for a fresh proof and comes back to `path`. What was typed is kept here and shown again; it is never sent by itself,
 * and no PIN and no password is among it.
 */
export async function askFresh(
  ctx: Context,
  deps: AccountDeps,
  visit: AccountVisit,
  path: string,
  fields?: { readonly [name: string]: string },
): Promise<void> {
  const level = highestLevel(deps, visit.phones);
  const acr = level?.acr[0];
  if (acr === undefined) throw new Refusal('forbidden');
  if (fields) await saveSession(deps.world, visit.cookie, { ...visit.session, draft: { path, fields } });
  await signIn(ctx, deps, path, { acr, maxAge: deps.settings().lifetimes.accountChange });
}

/** What was typed on this page before the fresh proof; it is shown once. */
export async function takeDraft(
  deps: AccountDeps,
  visit: AccountVisit,
  path: string,
): Promise<{ readonly [name: string]: string } | undefined> {
  const { draft, ...rest } = visit.session;
  if (draft?.path !== path) return undefined;
  visit.session = rest;
  await saveSession(deps.world, visit.cookie, rest);
  return draft.fields;
}

/** Goes home and says there what was done. */
export async function home(ctx: Context, deps: AccountDeps, visit: AccountVisit, notice: AccountNotice): Promise<void> {
  await saveSession(deps.world, visit.cookie, { ...visit.session, notice });
  seeOther(ctx, '/account');
}

/** The hash that second proofs and enrolments of this session hang on. */
export function sessionHash(session: AccountSession): string {
  return fingerprint(`account|${session.binding}|${session.userId}`);
}
