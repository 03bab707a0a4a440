// The login step: reads the form, asks the use case, proves or shows the page again.
import type { Context } from 'koa';
import { canonicalPassword } from '../../src/domain/password-rules.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import type { InteractionDetails } from '../../src/provider/pages.ts';
import { type PasswordAnswer, signInWithPassword } from '../../src/usecases/sign-in-with-password.ts';
import { readForm } from '../../src/web/body.ts';
import { addressOf } from '../../src/web/request.ts';
import { type PageDeps, pickedLanguage, seeOther, stepPath, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { LoginPage, type LoginProblem } from './page.tsx';

const STATUS = { wrong: 401, wait: 429, busy: 503 } as const;

/** Seconds after which a full queue has surely moved. */
const BUSY_RETRY = 5;

/** GET: the page, with the name that the service suggested or of the person who must sign in again. */
export async function showLogin(ctx: Context, deps: PageDeps, details: InteractionDetails): Promise<void> {
  const known = details.userId === undefined ? undefined : await deps.world.records.users.byId(details.userId);
  const login = details.loginHint ?? known?.login;
  render(ctx, deps, details, {
    ...(login !== undefined && { login: login.slice(0, 256) }),
    again: known !== undefined,
  });
}

function render(
  ctx: Context,
  deps: PageDeps,
  details: InteractionDetails,
  more: { login?: string; again?: boolean; problem?: LoginProblem },
): void {
  const view = { ...viewOf(ctx, deps, { uiLocales: details.uiLocales }, details.service), here: stepPath(details) };
  const page = LoginPage({ view, service: details.service, at: stepPath(details), ...more });
  show(ctx, page, more.problem ? STATUS[more.problem.why] : 200);
}

/** POST /interaction/:uid/login */
export async function submitLogin(ctx: Context, deps: PageDeps, details: InteractionDetails): Promise<void> {
  if (details.prompt !== 'login') return seeOther(ctx, stepPath(details));
  const form = await readForm(ctx);
  const login = form.text('login');
  const known = deps.cookies.read(ctx, 'known');
  const language = pickedLanguage(ctx, deps);
  const answer = await signInWithPassword(deps.world, {
    login,
    password: canonicalPassword(form.text('password')),
    address: addressOf(ctx).addressKey,
    userAgent: ctx.get('User-Agent').slice(0, 300),
    ...(known !== undefined && { knownBrowser: fingerprint(known) }),
    ...(language !== undefined && { language }),
  });
  if (answer.ok) return deps.interactions.prove(ctx, details, answer.userId, { password: answer.proof });
  const problem = problemOf(answer);
  if (problem.why !== 'wrong') ctx.set('Retry-After', String(problem.why === 'wait' ? problem.retryAfter : BUSY_RETRY));
  render(ctx, deps, details, { login: login.slice(0, 256), problem });
}

function problemOf(answer: Extract<PasswordAnswer, { ok: false }>): LoginProblem {
  return answer.why === 'wait' ? { why: 'wait', retryAfter: answer.retryAfter } : { why: answer.why };
}
