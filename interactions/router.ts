// Where the pages of a sign-in stand. `/interaction/:uid` shows the step that the provider asks for, or leads to it.
import { readFileSync } from 'node:fs';
import type { Context, Middleware } from 'koa';
import Router from 'koa-router';
import type { InteractionDetails } from '../src/provider/pages.ts';
import { Refusal, wantsPage } from '../src/web/errors.ts';
import { showConsent, submitConsent } from './consent/routes.ts';
import { type PageDeps, STEP, seeOther, stepPath } from './interaction.ts';
import { showLogin, submitLogin } from './login/routes.ts';
import { showAsk, showNewPassword, submitAsk, submitNewPassword } from './recovery/routes.ts';
import { showOver } from './system/routes.ts';

/** A handler of one step of an interaction that is still under way in this browser. */
export type StepHandler = (ctx: Context, deps: PageDeps, details: InteractionDetails) => Promise<void>;

/**
 * How long we remember which service an interaction was for, to offer its link when it is over: as many lives of an interaction. Anybody
 * can begin sign-ins, and what is kept for long fills the memory with few of them.
 */
const ASKED_LIVES = 2;

const askedKey = (uid: string) => `asked:${uid}`;

function uidOf(ctx: Context): string {
  const uid: unknown = ctx.params?.uid;
  return typeof uid === 'string' && /^[\w-]{1,100}$/.test(uid) ? uid : '';
}

/** Hands a step its interaction, or says that this sign-in is over, with the service's link where we still know it. */
export function inInteraction(deps: PageDeps, handler: StepHandler): Middleware {
  return async (ctx) => {
    const details = await deps.interactions.details(ctx);
    if (details?.answered !== undefined) return goOn(ctx, details.answered);
    if (details) return handler(ctx, deps, details);
    const uid = uidOf(ctx);
    const kept = uid === '' ? undefined : await deps.world.scratch.get(askedKey(uid));
    showOver(ctx, deps, kept === undefined ? undefined : (JSON.parse(kept) as { name: string; url: string }));
  };
}

/**
 * This step has its answer, but the browser never followed the redirect: it goes on now, and nobody is asked twice. Only a page may
 * follow: a script that listens would go on behind the person's back.
 */
function goOn(ctx: Context, address: string): void {
  if (wantsPage(ctx)) seeOther(ctx, address);
  else ctx.status = 204;
}

/** Notes the service of an interaction. Nobody waits for it, and nothing but a link depends on it. */
function remember(deps: PageDeps, details: InteractionDetails): void {
  const { homepage: url, name } = details.service;
  if (url === undefined) return;
  const seconds = ASKED_LIVES * deps.settings().lifetimes.interaction;
  deps.world.scratch
    .set(askedKey(details.uid), JSON.stringify({ name, url }), seconds)
    .catch((error) => deps.world.log.warn({ err: error }, 'the service of a sign-in could not be noted'));
}

const showStep: StepHandler = async (ctx, deps, details) => {
  if (details.prompt === 'login') {
    remember(deps, details);
    return showLogin(ctx, deps, details);
  }
  if (details.prompt === 'consent') return showConsent(ctx, deps, details);
  seeOther(ctx, stepPath(details, STEP[details.prompt]));
};

const cancel: StepHandler = (ctx, deps, details) =>
  deps.interactions.refuse(ctx, details, 'access_denied', 'The person went back.');

const FAVICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke-width="4.5" stroke-linecap="round"><style>.a{stroke:#0a5348}@media(prefers-color-scheme:dark){.a{stroke:#84dcc6}}</style><path class="a" d="M5 17.5C8.5 18.5 11 21.5 13 26 15.5 17.5 20 10.5 27 5.5"/><path stroke="#d2553f" d="M4 9.5C10.5 8.5 17 10.5 20.5 14 23.5 17 25.5 21 26.5 26"/></svg>';

/** The mark, or the operator's own logo. An SVG is shown as a picture and never as a page: its policy lets nothing in it run. */
function picture(ctx: Context, type: string, content: string | Buffer): void {
  ctx.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  ctx.set('Cache-Control', 'public, max-age=3600');
  ctx.type = type;
  ctx.body = content;
}

function showLogo(ctx: Context, deps: PageDeps): void {
  const { logoFile } = deps.settings().branding;
  if (logoFile === undefined) throw new Refusal('not_found');
  picture(ctx, logoFile.endsWith('.svg') ? 'image/svg+xml' : 'image/png', readFileSync(logoFile));
}

/** The pages of login, consent and recovery. Mount them with {@link approveRoutes} and the others behind `sameOrigin`. */
export function interactionRoutes(deps: PageDeps): Router {
  const router = new Router();
  router.get('/interaction/:uid', inInteraction(deps, showStep));
  router.get(
    '/interaction/:uid/login',
    inInteraction(deps, async (ctx, _deps, details) => seeOther(ctx, stepPath(details))),
  );
  router.post('/interaction/:uid/login', inInteraction(deps, submitLogin));
  router.get(
    '/interaction/:uid/consent',
    inInteraction(deps, async (ctx, _deps, details) => seeOther(ctx, stepPath(details))),
  );
  router.post('/interaction/:uid/consent', inInteraction(deps, submitConsent));
  router.post('/interaction/:uid/cancel', inInteraction(deps, cancel));
  router.get('/recover', (ctx) => showAsk(ctx, deps));
  router.post('/recover', (ctx) => submitAsk(ctx, deps));
  router.get('/recover/new', (ctx) => showNewPassword(ctx, deps, 'reset'));
  router.post('/recover/new', (ctx) => submitNewPassword(ctx, deps, 'reset'));
  router.get('/invitation', (ctx) => showNewPassword(ctx, deps, 'invitation'));
  router.post('/invitation', (ctx) => submitNewPassword(ctx, deps, 'invitation'));
  router.get('/favicon.svg', (ctx) => picture(ctx, 'image/svg+xml', FAVICON));
  router.get('/brand/logo', (ctx) => showLogo(ctx, deps));
  return router;
}
