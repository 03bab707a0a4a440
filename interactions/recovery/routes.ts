// Forgotten password and invitation. The link's secret stands in the fragment, so that no log, proxy or mail scanner gets it.
import type { Context } from 'koa';
import type { User } from '../../src/domain/user.ts';
import { acceptInvitation } from '../../src/usecases/accept-invitation.ts';
import { RESET_SECONDS, requestPasswordReset } from '../../src/usecases/request-password-reset.ts';
import { type PasswordSet, resetPassword } from '../../src/usecases/reset-password.ts';
import { readForm } from '../../src/web/body.ts';
import { chooseLanguage } from '../../src/web/locale.ts';
import { addressOf } from '../../src/web/request.ts';
import { keepFormsHere } from '../../src/web/security-headers.ts';
import { type PageDeps, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { LANGUAGES, wordsOf } from '../words.ts';
import { AskPage, DonePage, NewPasswordPage, type NewPasswordProps, SentPage } from './page.tsx';
import { passwordContext } from './password-words.ts';

/** The interaction to go back to: only ever an address of ours. */
function backOf(typed: string): { from?: string } {
  return /^\/interaction\/[\w-]{1,100}$/.test(typed) ? { from: typed } : {};
}

/** GET /recover */
export async function showAsk(ctx: Context, deps: PageDeps): Promise<void> {
  keepFormsHere(ctx);
  const { from } = ctx.query;
  show(ctx, AskPage({ view: viewOf(ctx, deps), ...backOf(typeof from === 'string' ? from : '') }));
}

/** POST /recover: the same answer for everybody. */
export async function submitAsk(ctx: Context, deps: PageDeps): Promise<void> {
  keepFormsHere(ctx);
  const form = await readForm(ctx);
  const back = backOf(form.text('from'));
  const view = viewOf(ctx, deps);
  const request = { typed: form.text('login'), address: addressOf(ctx).addressKey };
  const asked = await requestPasswordReset(deps.world, request, composeReset(ctx, deps));
  if (asked.ok) return show(ctx, SentPage({ view, minutes: RESET_SECONDS / 60, ...back }));
  ctx.set('Retry-After', String(asked.retryAfter));
  show(ctx, AskPage({ view, retryAfter: asked.retryAfter, ...back }), 429);
}

/** The mail, in the account's language where the person chose one, else in that of the page. */
function composeReset(ctx: Context, deps: PageDeps) {
  const { branding, server } = deps.settings();
  const page = viewOf(ctx, deps).words.language;
  return (user: User, token: string) => {
    const words = wordsOf(chooseLanguage({ account: user.locale, accepted: page }, LANGUAGES));
    const values = { name: user.name, brand: branding.name, minutes: RESET_SECONDS / 60 };
    const link = `${server.issuer}/recover/new#${token}`;
    const lines = [
      words('recovery.mail_hello', values),
      words('recovery.mail_text', values),
      link,
      words('recovery.mail_code', { code: token }),
      words('recovery.mail_not_you', values),
    ];
    return { subject: words('recovery.mail_subject', values), text: `${lines.join('\n\n')}\n` };
  };
}

/** GET /recover/new, GET /invitation */
export async function showNewPassword(ctx: Context, deps: PageDeps, what: NewPasswordProps['what']): Promise<void> {
  keepFormsHere(ctx);
  const { minLength } = deps.settings().methods.password;
  show(ctx, NewPasswordPage({ view: viewOf(ctx, deps), what, minLength }));
}

const STATUS = { over: 410, busy: 503, refused: 422 } as const;

/** POST /recover/new, POST /invitation */
export async function submitNewPassword(ctx: Context, deps: PageDeps, what: NewPasswordProps['what']): Promise<void> {
  keepFormsHere(ctx);
  const form = await readForm(ctx);
  const { branding, methods, server } = deps.settings();
  const { minLength } = methods.password;
  const view = viewOf(ctx, deps);
  const token = tokenOf(form.text('token'));
  const again = (problem: NonNullable<NewPasswordProps['problem']>, status: number) =>
    show(ctx, NewPasswordPage({ view, what, minLength, token, problem }), status);
  const password = form.text('password');
  if (password.normalize('NFC') !== form.text('repeat').normalize('NFC')) return again('mismatch', 422);
  const context = passwordContext(branding, server.issuer);
  const wanted = { token, password, minLength, context, address: addressOf(ctx).addressKey };
  const set: PasswordSet = await (what === 'reset' ? resetPassword : acceptInvitation)(deps.world, wanted);
  if (set.ok) return show(ctx, DonePage({ view, what }));
  if (set.why === 'busy') ctx.set('Retry-After', '5');
  again(set.why === 'refused' ? set.problem : set.why, STATUS[set.why]);
}

/** People paste the whole link as well as the code in it. */
function tokenOf(typed: string): string {
  return typed.trim().split('#').at(-1) ?? '';
}
