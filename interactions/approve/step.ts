// One sign-in that waits for a phone: who asks, in which browser, and which request to the phone is under way.
import type { Context, Middleware } from 'koa';
import type { Level } from '../../src/domain/assurance.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { seconds } from '../../src/platform/clock.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import type { InteractionDetails } from '../../src/provider/pages.ts';
import type { Asking } from '../../src/usecases/ask-phone.ts';
import { browserTransaction } from '../../src/usecases/browser-transaction.ts';
import type { AskedNow } from '../../src/usecases/spend-approval.ts';
import { addressOf } from '../../src/web/request.ts';
import { type PageDeps, seeOther, stepPath, viewOf } from '../interaction.ts';
import type { View } from '../layout.tsx';
import { inInteraction } from '../router.ts';

/** A step of this browser's interaction, with the person and the level known. */
export interface PhoneStep {
  details: InteractionDetails;
  userId: string;
  level: Level;
  /** SHA-256 of the binding cookie: every transaction and enrolment of this step hangs on it. */
  bind: string;
}

/** A sign-in counts as a step-up where its password was typed longer ago than this, in seconds. */
const JUST_NOW = 300;

/** The hash of this browser's binding cookie; the cookie is set where there is none yet. */
export function bindBrowser(ctx: Context, deps: Pick<PageDeps, 'cookies' | 'world'>): string {
  const cookie = deps.cookies.read(ctx, 'bind');
  if (cookie !== undefined) return fingerprint(cookie);
  const made = deps.world.random.id(32);
  deps.cookies.write(ctx, 'bind', made);
  return fingerprint(made);
}

/** A handler of this step. */
export type StepOfPhone = (ctx: Context, deps: PageDeps, step: PhoneStep) => Promise<void>;

/** Hands a handler its step. A sign-in that asks for something else by now is led to that; one that is over says so. */
export function inPhoneStep(deps: PageDeps, handler: StepOfPhone): Middleware {
  return inInteraction(deps, async (ctx, _deps, details) => {
    const { userId, needs, prompt } = details;
    const fits = prompt === 'assurance' || prompt === 'enrol';
    if (!fits || userId === undefined || !needs) return seeOther(ctx, stepPath(details));
    await handler(ctx, deps, { details, userId, level: needs.level, bind: bindBrowser(ctx, deps) });
  });
}

/** The view of a page of this step: the password has told whose account it is, so that its language counts. */
export async function stepView(
  ctx: Context,
  deps: PageDeps,
  { details, userId }: PhoneStep,
  path: string,
): Promise<View> {
  const user = await deps.world.records.users.byId(userId);
  return {
    ...viewOf(ctx, deps, { uiLocales: details.uiLocales, account: user?.locale }, details.service),
    here: stepPath(details, path),
  };
}

/** Whether the password was typed a while ago: the person is only asked for more. */
export function isStepUp(details: InteractionDetails, now: number): boolean {
  const { password } = details.proofs;
  return password !== undefined && now - password.at > JUST_NOW;
}

/** What `ask-phone` needs of this request. */
export function askingOf(ctx: Context, deps: PageDeps, step: PhoneStep): Asking {
  const knownBrowser = deps.cookies.read(ctx, 'known');
  const userAgent = ctx.get('User-Agent');
  return {
    userId: step.userId,
    interaction: step.details.uid,
    kind: isStepUp(step.details, seconds(deps.world.clock)) ? 'stepup' : 'signin',
    bind: step.bind,
    service: { clientId: step.details.service.clientId, name: step.details.service.name },
    level: step.level.name,
    ip: addressOf(ctx).address,
    ...(userAgent === '' ? {} : { userAgent }),
    ...(knownBrowser === undefined ? {} : { knownBrowser }),
  };
}

/** What `spend-approval` and `enter-offline-code` need of this request. */
export function askedNow(ctx: Context, deps: PageDeps, step: PhoneStep, txn: string): AskedNow {
  const { userId, interaction, bind, service, level, knownBrowser } = askingOf(ctx, deps, step);
  return { txn, userId, interaction, bind, service, level, ...(knownBrowser === undefined ? {} : { knownBrowser }) };
}

/** By browser too: nobody else who holds the interaction's address can put another request in its place. */
const lastKey = ({ details, bind }: PhoneStep) => `approve_last:${details.uid}:${bind}`;

/** Remembers which request to the phone this interaction shows, so that a reload shows its end too. */
export async function keepTransaction(deps: PageDeps, step: PhoneStep, txn: string): Promise<void> {
  const life = Math.max(60, step.details.expiresAt - seconds(deps.world.clock));
  await deps.world.scratch.set(lastKey(step), txn, life);
}

/** Forgets it: the next page asks anew. */
export async function forgetTransaction(deps: PageDeps, step: PhoneStep): Promise<void> {
  await deps.world.scratch.delete(lastKey(step));
}

/** The request to the phone that this interaction shows, where it is this browser's. */
export async function keptTransaction(deps: PageDeps, step: PhoneStep): Promise<Transaction | undefined> {
  const txn = await deps.world.scratch.get(lastKey(step));
  if (txn === undefined) return undefined;
  const transaction = await browserTransaction(deps.world, { txn, bind: step.bind });
  return transaction?.interaction === step.details.uid && transaction.userId === step.userId ? transaction : undefined;
}
