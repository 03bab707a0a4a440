// Chooses which page of the approval a person sees: the request under way, how the last one ended, or that there is no way.
import type { Context } from 'koa';
import { LIFE, OFFLINE_TRIES, type Transaction } from '../../src/domain/transaction.ts';
import { seconds } from '../../src/platform/clock.ts';
import { openLink, signInLink, signInLinkParts } from '../../src/protocol/links.ts';
import type { InteractionDetails } from '../../src/provider/pages.ts';
import { askPhone, type HeldPush } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { type PageDeps, seeOther, stepPath } from '../interaction.ts';
import { show } from '../layout.tsx';
import {
  ApprovePage,
  type Around,
  EndedPage,
  type Ending,
  FinishPage,
  type Said,
  UnreachablePage,
  type WhyAsked,
} from './page.tsx';
import { askingOf, isStepUp, keepTransaction, keptTransaction, type PhoneStep, stepView } from './step.ts';

/** What a handler wants said on the page it shows again. */
export interface Saying {
  notice?: Said;
  codeError?: Said;
  status?: number;
}

/** Methods that this server has pages for. */
const OFFERED: readonly string[] = ['password', 'phone'];

/** Whether any way to the level can be gone here. */
export function isReachable(details: InteractionDetails): boolean {
  return details.needs?.ways.some(({ missing }) => missing.every((method) => OFFERED.includes(method))) ?? false;
}

function whyAsked(details: InteractionDetails, now: number): WhyAsked {
  if (details.prompt === 'enrol') return 'enrol';
  if (details.proofs.phone) return 'stale';
  return isStepUp(details, now) ? 'session' : 'password';
}

/** What stands around each page of a step. */
export async function aroundOf(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<Around> {
  return {
    view: await stepView(ctx, deps, step, 'approve'),
    service: step.details.service,
    level: step.level.name,
    why: whyAsked(step.details, seconds(deps.world.clock)),
    base: stepPath(step.details, 'approve'),
  };
}

/** Whether a browser says that it runs on a phone: it cannot scan its own screen. */
export function looksLikePhone(ctx: Context): boolean {
  return ctx.get('Sec-CH-UA-Mobile') === '?1' || /Android|iPhone|iPod|Mobile/.test(ctx.get('User-Agent'));
}

/** Says why the phone is not asked by itself, and until when. */
export function heldNotice(held: HeldPush): Said {
  if (held.why !== 'often') return { kind: 'warn', key: `approve.push_${held.why}` };
  return { kind: 'warn', key: 'approve.push_often', values: { minutes: Math.ceil(held.seconds / 60) } };
}

/** Shows the approval step and asks the phone where nothing is under way; a person whose phones cannot answer is led to adding one. */
export async function showApprove(ctx: Context, deps: PageDeps, step: PhoneStep, saying: Saying = {}): Promise<void> {
  const around = await aroundOf(ctx, deps, step);
  if (!isReachable(step.details)) return show(ctx, UnreachablePage(around), 403);
  const kept = await keptTransaction(deps, step);
  if (kept && kept.state !== 'pending') return showEnd(ctx, around, kept);
  const asked = await askPhone(deps.world, askingOf(ctx, deps, step));
  // Disabled since the password: no phone is added either, and that page would lead back to this one.
  if (!asked.ok && asked.why === 'unknown_user') return show(ctx, UnreachablePage(around), 403);
  if (!asked.ok) return seeOther(ctx, stepPath(step.details, 'enrol'));
  if (kept?.id !== asked.transaction.id) await keepTransaction(deps, step, asked.transaction.id);
  const { codeError, status = 200 } = saying;
  const notice: Said | undefined =
    saying.notice ??
    (asked.cameraOnly ? { kind: 'warn', key: 'approve.camera_only' } : asked.held && heldNotice(asked.held));
  const page = await waitingPage(ctx, deps, around, asked.transaction, asked.cameraOnly);
  const said = { ...(notice === undefined ? {} : { notice }), ...(codeError === undefined ? {} : { codeError }) };
  show(ctx, ApprovePage({ ...page, ...said }), status);
}

async function waitingPage(
  ctx: Context,
  deps: PageDeps,
  around: Around,
  transaction: Transaction,
  cameraOnly: boolean,
) {
  const { appOrigin, offline } = deps.world.rules();
  const { id, mode, context, number, expiresAt } = transaction;
  const here = looksLikePhone(ctx) && !cameraOnly;
  const look = mode === 'code' ? 'code' : mode === 'push' || (here && ctx.query['look'] !== 'scan') ? 'number' : 'scan';
  const frame = await currentFrame(deps.world, transaction);
  return {
    ...around,
    look: look as 'number' | 'scan' | 'code',
    number,
    left: Math.max(0, Math.ceil((expiresAt - (await deps.world.transactions.now())) / 1000)),
    whole: LIFE[mode],
    link: { text: signInLink(appOrigin, id, frame, context), ...signInLinkParts(appOrigin, id, context) },
    offline,
    push: !cameraOnly,
    seen: transaction.claimedBy !== undefined || transaction.openedBy !== undefined,
    ...(here ? { openHere: openLink(appOrigin, id) } : {}),
  };
}

function showEnd(ctx: Context, around: Around, ended: Transaction): void {
  show(ctx, ended.state === 'approved' ? FinishPage(around) : EndedPage({ ...around, ending: endingOf(ended) }));
}

/** How a transaction ended, in the words of the page. */
function endingOf({ state, codeTries }: Transaction): Ending {
  if (state === 'failed') return codeTries >= OFFLINE_TRIES ? 'failed_code' : 'failed';
  return state === 'denied' || state === 'reported' || state === 'expired' ? state : 'void';
}
