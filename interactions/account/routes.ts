// The account page's addresses: home, sign-in and sign-out, phones, password, language, and the person's own switch.
import type { Context } from 'koa';
import Router from 'koa-router';
import { endOpenEnrolments } from '../../src/usecases/cancel-enrolment.ts';
import { changePassword, type PasswordChanged } from '../../src/usecases/change-password.ts';
import { signOutEverywhere } from '../../src/usecases/sign-out-everywhere.ts';
import { takeBackConsent } from '../../src/usecases/take-back-consent.ts';
import { addressOf } from '../../src/web/request.ts';
import { bindBrowser } from '../approve/step.ts';
import { forgetOffer } from '../enrol/offer.ts';
import { type Mount, mountSteps } from '../enrol/routes.ts';
import { showPlace } from '../enrol/steps.ts';
import { seeOther, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { passwordContext, passwordProblemWords } from '../recovery/password-words.ts';
import {
  ADD,
  addPlace,
  framingOf,
  showRemove,
  showRename,
  showUnlock,
  submitRemove,
  submitRename,
  submitUnlock,
} from './devices.ts';
import {
  type AccountDeps,
  type AccountVisit,
  askFresh,
  home,
  inAccount,
  isFresh,
  liveSession,
  sessionHash,
  takeDraft,
  type VisitHandler,
} from './guard.ts';
import { pickLanguage, setLanguage } from './language.ts';
import { type AllowedService, HomePage, PasswordPage, type PasswordPageProps, SignInAgainPage } from './page.tsx';
import { ACCOUNT_CLIENT, finishSignIn } from './relying-service.ts';
import { beginSession, endSession, saveSession } from './session.ts';

/** The pages below `/account`, and the language picker of every page. */
export function accountRoutes(deps: AccountDeps): Router {
  const router = new Router();
  const visit = (handler: VisitHandler) => inAccount(deps, handler);
  router.get('/account', visit(showHome));
  router.get('/account/callback', (ctx) => callback(ctx, deps));
  router.post('/account/sign-out', visit(signOut));
  router.post('/account/sign-out-everywhere', visit(signOutOfAll));
  router.post('/account/language', visit(setLanguage));
  router.post('/language', (ctx) => pickLanguage(ctx, deps));
  router.post('/account/second-factor', visit(setAlways));
  router.get('/account/password', visit(showPassword));
  router.post('/account/password', visit(submitPassword));
  router.get(ADD, visit(showAdd));
  const add: Mount = (handler) =>
    visit(async (ctx, _deps, who) => {
      const place = await addPlace(ctx, deps, who);
      if (place) await handler(ctx, place, who.form);
    });
  mountSteps(router, ADD, deps, { get: add, post: add });
  router.post('/account/services/remove', visit(takeBack));
  router.get('/account/devices/:id/rename', visit(showRename));
  router.post('/account/devices/:id/rename', visit(submitRename));
  router.get('/account/devices/:id/remove', visit(showRemove));
  router.post('/account/devices/:id/remove', visit(submitRemove));
  router.get('/account/devices/:id/unlock', visit(showUnlock));
  router.post('/account/devices/:id/unlock', visit(submitUnlock));
  return router;
}

const showHome: VisitHandler = async (ctx, deps, visit) => {
  // The switch was pressed before the fresh proof: it is shown as it is, and pressed again or not.
  const draft = await takeDraft(deps, visit, '/account');
  const { notice: told, ...session } = visit.session;
  const notice = draft === undefined ? told : 'fresh';
  if (told !== undefined) await saveSession(deps.world, visit.cookie, session);
  const { phones, user } = visit;
  const services = await allowedServices(deps, user.id);
  const page = { framing: framingOf(visit), phones, services, always: user.alwaysSecondFactor };
  show(ctx, HomePage({ ...page, ...(notice === undefined ? {} : { notice }) }));
};

/** Services that the person has allowed something, under the names that they have today. */
async function allowedServices(deps: AccountDeps, userId: string): Promise<AllowedService[]> {
  const given = await deps.world.records.consents.all(userId);
  const { clients } = deps.settings();
  return given.map(({ clientId, givenAt }) => {
    const name = clients.find(({ metadata }) => metadata.client_id === clientId)?.metadata['client_name'];
    return { clientId, name: typeof name === 'string' ? name : clientId, givenAt };
  });
}

/** No fresh proof: it takes from services, and gives nobody anything. */
const takeBack: VisitHandler = async (ctx, deps, visit) => {
  const taken = await takeBackConsent(deps.world, { userId: visit.user.id, clientId: visit.form.text('client_id') });
  if (!taken) return seeOther(ctx, '/account');
  await home(ctx, deps, visit, 'service_removed');
};

const showAdd: VisitHandler = async (ctx, deps, visit) => {
  const place = await addPlace(ctx, deps, visit);
  if (place) await showPlace(ctx, deps, place);
};

/** The provider sends the browser back. A person who was there before keeps what hangs on the session, under a new cookie. */
async function callback(ctx: Context, deps: AccountDeps): Promise<void> {
  const live = await liveSession(ctx, deps);
  const signedIn = await finishSignIn(
    deps.world,
    deps.account,
    bindBrowser(ctx, deps),
    new URLSearchParams(ctx.querystring),
  );
  if (!signedIn.ok) {
    if (live && signedIn.why === 'refused') {
      const { draft: _dropped, ...session } = live.session;
      await saveSession(deps.world, live.cookie, { ...session, notice: 'not_fresh' });
      return seeOther(ctx, '/account');
    }
    return show(ctx, SignInAgainPage({ view: { ...viewOf(ctx, deps), here: '/account' }, why: 'refused' }), 403);
  }
  const { userId, providerSession, acr, authTime, returnTo } = signedIn;
  const same = live?.session.userId === userId ? live.session : undefined;
  if (live) await endSession(deps.world, live.cookie);
  const cookie = await beginSession(deps.world, {
    userId,
    providerSession,
    acr,
    authTime,
    begun: deps.world.clock.now(),
    ...(same === undefined ? {} : { binding: same.binding }),
    ...(same?.draft === undefined ? {} : { draft: same.draft }),
  });
  deps.cookies.write(ctx, 'account', cookie);
  seeOther(ctx, returnTo);
}

const signOut: VisitHandler = async (ctx, deps, visit) => {
  const session = sessionHash(visit.session);
  await endOpenEnrolments(deps.world, { userId: visit.user.id, session });
  await forgetOffer(deps.world, session);
  await endSession(deps.world, visit.cookie);
  deps.cookies.clear(ctx, 'account');
  seeOther(ctx, `${deps.account.issuer}/session/end?client_id=${ACCOUNT_CLIENT}`);
};

const signOutOfAll: VisitHandler = async (ctx, deps, visit) => {
  await signOutEverywhere(deps.world, { userId: visit.user.id, ip: addressOf(ctx).addressKey });
  await endSession(deps.world, visit.cookie);
  deps.cookies.clear(ctx, 'account');
  show(ctx, SignInAgainPage({ view: { ...visit.view, here: '/account' }, why: 'everywhere' }));
};

const setAlways: VisitHandler = async (ctx, deps, visit) => {
  const always = visit.form.text('always') === 'on';
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, '/account', { always: always ? 'on' : 'off' });
  const { user, phones } = visit;
  if (always && !phones.some((phone) => phone.state === 'active')) return seeOther(ctx, '/account');
  await deps.world.atomically(async (records) => {
    await records.users.setAlwaysSecondFactor(user.id, always);
    await records.audit.record({
      event: 'user_updated',
      outcome: 'success',
      sub: user.id,
      detail: { always_second_factor: always },
    });
  });
  await home(ctx, deps, visit, always ? 'always_on' : 'always_off');
};

const showPassword: VisitHandler = async (ctx, deps, visit) => {
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, ctx.path);
  passwordPage(ctx, deps, visit);
};

function passwordPage(
  ctx: Context,
  deps: AccountDeps,
  visit: AccountVisit,
  error?: PasswordPageProps['error'],
  status = 200,
) {
  const { minLength } = deps.settings().methods.password;
  show(ctx, PasswordPage({ framing: framingOf(visit), minLength, ...(error === undefined ? {} : { error }) }), status);
}

const submitPassword: VisitHandler = async (ctx, deps, visit) => {
  // A password is never kept for later: the form is shown again, empty.
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, ctx.path);
  const { form, user, view } = visit;
  const { minLength } = deps.settings().methods.password;
  const password = form.text('password');
  if (password !== form.text('again'))
    return passwordPage(
      ctx,
      deps,
      visit,
      { field: 'again', text: passwordProblemWords(view.words, 'mismatch', minLength) },
      422,
    );
  const changed = await changePassword(deps.world, {
    userId: user.id,
    current: form.text('current'),
    password,
    minLength,
    context: passwordContext(view.brand, deps.account.issuer),
    address: addressOf(ctx).addressKey,
  });
  if (!changed.ok) return passwordProblem(ctx, deps, visit, changed);
  // Every session has ended, this one too.
  await endSession(deps.world, visit.cookie);
  deps.cookies.clear(ctx, 'account');
  show(ctx, SignInAgainPage({ view: { ...view, here: '/account' }, why: 'password_changed' }));
};

function passwordProblem(
  ctx: Context,
  deps: AccountDeps,
  visit: AccountVisit,
  changed: Exclude<PasswordChanged, { ok: true }>,
) {
  const { words } = visit.view;
  const { minLength } = deps.settings().methods.password;
  if (changed.why === 'wait') {
    ctx.set('Retry-After', String(changed.retryAfter));
    const minutes = Math.max(1, Math.ceil(changed.retryAfter / 60));
    return passwordPage(ctx, deps, visit, { field: 'current', text: words('account.password_wait', { minutes }) }, 429);
  }
  if (changed.why === 'busy')
    return passwordPage(ctx, deps, visit, { field: 'current', text: words('account.password_busy') }, 503);
  if (changed.why === 'wrong')
    return passwordPage(ctx, deps, visit, { field: 'current', text: words('account.password_wrong') }, 422);
  const problem = changed.why === 'refused' ? changed.problem : 'same';
  passwordPage(ctx, deps, visit, { field: 'password', text: passwordProblemWords(words, problem, minLength) }, 422);
}
