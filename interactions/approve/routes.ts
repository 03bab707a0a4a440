// What a waiting page can do: ask again or in another way, type the phone's code, take more time, go on, stop.
import type { Context } from 'koa';
import Router from 'koa-router';
import type { TransactionMode } from '../../src/domain/transaction.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { cancelTransaction, extendTransaction } from '../../src/usecases/browser-transaction.ts';
import { enterOfflineCode, type OfflineEntered } from '../../src/usecases/enter-offline-code.ts';
import { type Spent, spendApproval } from '../../src/usecases/spend-approval.ts';
import { readForm } from '../../src/web/body.ts';
import { Refusal } from '../../src/web/errors.ts';
import { type PageDeps, seeOther, stepPath } from '../interaction.ts';
import { show } from '../layout.tsx';
import { heardOf, streamTransaction } from './live.ts';
import { EndedPage, LostPage, type Said } from './page.tsx';
import { aroundOf, heldNotice, isReachable, showApprove } from './show.ts';
import {
  askedNow,
  askingOf,
  forgetTransaction,
  inPhoneStep,
  keepTransaction,
  keptTransaction,
  type PhoneStep,
  type StepOfPhone,
} from './step.ts';

/** Seconds that a known-browser cookie lives: as long as its record (protocol section 5). */
const KNOWN_BROWSER = 90 * 86_400;

/** The pages and answers below `/interaction/:uid/approve`. */
export function approveRoutes(deps: PageDeps): Router {
  const router = new Router();
  const base = '/interaction/:uid/approve';
  const step = (handler: StepOfPhone) => inPhoneStep(deps, handler);
  router.get(base, step(showApprove));
  router.get(`${base}/events`, step(events));
  router.get(`${base}/state`, step(state));
  router.get(`${base}/lost`, step(lost));
  router.post(`${base}/ask`, step(ask));
  router.post(`${base}/extend`, step(extend));
  router.post(`${base}/code`, step(code));
  router.post(`${base}/finish`, step(finish));
  router.post(`${base}/cancel`, step(cancel));
  router.post(`${base}/unreachable`, step(unreachable));
  return router;
}

/** To the step's page by GET, so that a reload repeats nothing. */
function backToStep(ctx: Context, step: PhoneStep): void {
  seeOther(ctx, stepPath(step.details, 'approve'));
}

async function events(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const transaction = await keptTransaction(deps, step);
  if (!transaction) throw new Refusal('not_found');
  await streamTransaction(ctx, deps.world, transaction);
}

async function state(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const transaction = await keptTransaction(deps, step);
  if (!transaction) throw new Refusal('not_found');
  ctx.body = heardOf(transaction, await deps.world.transactions.now());
}

async function lost(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const { support } = deps.settings().branding;
  const contact = support?.email ?? support?.url;
  const more = contact === undefined ? {} : { contact };
  show(ctx, LostPage({ ...(await aroundOf(ctx, deps, step)), back: stepPath(step.details, 'approve'), ...more }));
}

function wayOf(text: string): TransactionMode | undefined {
  return text === 'push' || text === 'qr' || text === 'code' ? text : undefined;
}

/** A new request to the phone, in the way that was chosen; the one under way ends. */
async function ask(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const wants = wayOf((await readForm(ctx)).text('way'));
  const kept = await keptTransaction(deps, step);
  // "It was not me" ended this sign-in: from this interaction no further request reaches the phone.
  if (kept?.state === 'reported') return backToStep(ctx, step);
  if (kept?.state === 'approved') return backToStep(ctx, step);
  if (kept?.state === 'pending') await cancelTransaction(deps.world, { txn: kept.id, bind: step.bind });
  const asked = await askPhone(deps.world, {
    ...askingOf(ctx, deps, step),
    fresh: true,
    ...(wants === undefined ? {} : { wants }),
  });
  if (!asked.ok) {
    await forgetTransaction(deps, step);
    return backToStep(ctx, step);
  }
  await keepTransaction(deps, step, asked.transaction.id);
  const notice = asked.held && heldNotice(asked.held);
  if (notice) return showApprove(ctx, deps, step, { notice });
  if (wants === 'qr') {
    // A phone's own browser shows the number by itself: here the person asked for the code.
    return seeOther(ctx, `${stepPath(step.details, 'approve')}?look=scan`);
  }
  backToStep(ctx, step);
}

async function extend(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const kept = await keptTransaction(deps, step);
  const extended = kept && (await extendTransaction(deps.world, { txn: kept.id, bind: step.bind }));
  if (ctx.accepts('html', 'json') === 'json') {
    const now = await deps.world.transactions.now();
    ctx.body = { extended: extended !== undefined, ...(kept ? heardOf(extended ?? kept, now) : {}) };
    return;
  }
  if (!extended && kept?.state === 'pending')
    return showApprove(ctx, deps, step, { notice: { kind: 'info', key: 'approve.no_more_time' } });
  backToStep(ctx, step);
}

async function code(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const typed = (await readForm(ctx)).text('code');
  const kept = await keptTransaction(deps, step);
  if (!kept || !isReachable(step.details)) return backToStep(ctx, step);
  const entered = await enterOfflineCode(deps.world, { ...askedNow(ctx, deps, step, kept.id), code: typed });
  if (entered.ok) return goOn(ctx, deps, step, entered);
  const codeError = codeProblem(entered);
  if (codeError) return showApprove(ctx, deps, step, { codeError, status: 422 });
  backToStep(ctx, step);
}

/** What is said beside the field; undefined where the whole request is over and the page itself says so. */
function codeProblem(entered: Exclude<OfflineEntered, { ok: true }>): Said | undefined {
  if (entered.why === 'malformed') return { kind: 'error', key: 'approve.code_malformed' };
  if (entered.why === 'closed' || entered.why === 'off') return { kind: 'error', key: 'approve.code_closed' };
  if (entered.why !== 'wrong_code' || entered.remaining === 0) return undefined;
  return { kind: 'error', key: 'approve.code_wrong', values: { remaining: entered.remaining } };
}

async function finish(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const kept = await keptTransaction(deps, step);
  if (!kept || !isReachable(step.details)) return backToStep(ctx, step);
  const spent = await spendApproval(deps.world, askedNow(ctx, deps, step, kept.id));
  if (spent.ok) return goOn(ctx, deps, step, spent);
  if (spent.why === 'not_approved' && kept.state === 'pending')
    return showApprove(ctx, deps, step, { notice: { kind: 'info', key: 'approve.not_yet' } });
  if (spent.why === 'not_approved') return backToStep(ctx, step);
  // Removed, locked, spent or renamed meanwhile: the approval proves nothing, and the next request is a new one.
  await forgetTransaction(deps, step);
  show(ctx, EndedPage({ ...(await aroundOf(ctx, deps, step)), ending: 'void' as const }), 409);
}

/** The proof goes to the provider; this browser is known from now on. */
async function goOn(ctx: Context, deps: PageDeps, step: PhoneStep, spent: Extract<Spent, { ok: true }>): Promise<void> {
  deps.cookies.write(ctx, 'known', spent.knownBrowser, KNOWN_BROWSER);
  await forgetTransaction(deps, step);
  await deps.interactions.prove(ctx, step.details, step.userId, { phone: spent.proof });
}

/** Ends the request to the phone and answers the service. */
async function cancel(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  const kept = await keptTransaction(deps, step);
  if (kept) await cancelTransaction(deps.world, { txn: kept.id, bind: step.bind });
  await deps.interactions.refuse(ctx, step.details, 'access_denied', 'the person cancelled');
}

async function unreachable(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<void> {
  await deps.interactions.refuse(
    ctx,
    step.details,
    'unmet_authentication_requirements',
    'no way to the level is open to this person',
  );
}
