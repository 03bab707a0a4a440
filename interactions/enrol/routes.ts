// Adding a phone in the middle of a sign-in: the person needs one, has none that can answer, and goes on with the same request afterwards.
import type { Context, Middleware } from 'koa';
import Router from 'koa-router';
import type { Device } from '../../src/domain/device.ts';
import { seconds } from '../../src/platform/clock.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import { type Form, readForm } from '../../src/web/body.ts';
import { isReachable } from '../approve/show.ts';
import { inPhoneStep, type PhoneStep, stepView } from '../approve/step.ts';
import { type PageDeps, seeOther, stepPath } from '../interaction.ts';
import { answerState, streamEnrolment } from './live.ts';
import { readOffer } from './offer.ts';
import { SignInFrame } from './page.tsx';
import type { EnrolPlace } from './place.ts';
import { beginAgain, cancelOffer, checkProof, confirmCheck, goOn, sendCode, showPlace, startOffer } from './steps.ts';

/** Makes a middleware of a handler, so that it gets its place and the form that was posted. */
export type Mount = (handler: (ctx: Context, place: EnrolPlace, form: Form) => Promise<void>) => Middleware;

/** What a GET has typed. */
export const NO_FORM: Form = { text: () => '', has: () => false };

/** The forms and answers of all steps below `base`; GETs change nothing. */
export function mountSteps(router: Router, base: string, deps: PageDeps, mount: { get: Mount; post: Mount }): void {
  router.get(
    `${base}/events`,
    mount.get((ctx, place) => streamEnrolment(ctx, deps.world, place)),
  );
  router.get(
    `${base}/state`,
    mount.get((ctx, place) => answerState(ctx, deps.world, place)),
  );
  router.post(
    `${base}/send`,
    mount.post((ctx, place) => sendCode(ctx, deps, place)),
  );
  router.post(
    `${base}/check`,
    mount.post((ctx, place, form) => checkProof(ctx, deps, place, form)),
  );
  router.post(
    `${base}/start`,
    mount.post((ctx, place, form) => startOffer(ctx, deps, place, form)),
  );
  router.post(
    `${base}/confirm`,
    mount.post((ctx, place, form) => confirmCheck(ctx, deps, place, form)),
  );
  router.post(
    `${base}/cancel`,
    mount.post((ctx, place) => cancelOffer(ctx, deps, place)),
  );
  router.post(
    `${base}/again`,
    mount.post((ctx, place) => beginAgain(ctx, deps, place)),
  );
  router.post(
    `${base}/continue`,
    mount.post((ctx, place) => goOn(ctx, deps, place)),
  );
}

/** The pages below `/interaction/:uid/enrol`. */
export function enrolRoutes(deps: PageDeps): Router {
  const router = new Router();
  const base = '/interaction/:uid/enrol';
  const mount =
    (reads: boolean): Mount =>
    (handler) =>
      inPhoneStep(deps, async (ctx, _deps, step) => {
        const form = reads ? await readForm(ctx) : NO_FORM;
        const place = await placeOf(ctx, deps, step);
        if (!place) return seeOther(ctx, stepPath(step.details, 'approve'));
        await handler(ctx, place, form);
      });
  router.get(
    base,
    mount(false)((ctx, place) => showPlace(ctx, deps, place)),
  );
  mountSteps(router, base, deps, { get: mount(false), post: mount(true) });
  return router;
}

/**
 * The place of a sign-in; undefined where a phone must approve first. With a phone that can answer, only its fresh approval opens this
 * page, and only for a service that asked to add one: a password never adds a factor beside another (A03, A04).
 */
async function placeOf(ctx: Context, deps: PageDeps, step: PhoneStep): Promise<EnrolPlace | undefined> {
  const { details, userId, bind } = step;
  if (!isReachable(details)) return undefined;
  const phones = await deps.world.records.devices.ofUser(userId);
  const active = phones.some((phone) => phone.state === 'active');
  const session = fingerprint(`enrol|${details.uid}|${bind}|${userId}`);
  const justAdded = active && (await isDone(deps, session));
  const fresh = isFresh(deps, step);
  if (active && !justAdded && !(details.prompt === 'enrol' && fresh)) return undefined;
  const view = await stepView(ctx, deps, step, 'enrol');
  const at = stepPath(details, 'enrol');
  return {
    userId,
    session,
    base: at,
    at,
    view,
    hidden: {},
    proven: active && fresh,
    why: view.words(whyOf(step, phones), { service: details.service.name }),
    frame: (page) =>
      SignInFrame({ view, service: details.service, cancel: `${stepPath(details, 'approve')}/cancel`, ...page }),
    done: async (context) => {
      if (details.prompt === 'enrol') return deps.interactions.enrolled(context, details);
      seeOther(context, stepPath(details, 'approve'));
    },
  };
}

async function isDone(deps: PageDeps, session: string): Promise<boolean> {
  return (await readOffer(deps.world, session))?.enrolment.state === 'done';
}

/** Whether a phone approved in this sign-in no longer ago than a change of factors allows. */
function isFresh(deps: PageDeps, { details }: PhoneStep): boolean {
  const { phone } = details.proofs;
  return phone !== undefined && seconds(deps.world.clock) - phone.at <= deps.settings().lifetimes.accountChange;
}

function whyOf({ details }: PhoneStep, phones: readonly Device[]) {
  if (details.prompt === 'enrol') return 'enrol.why_service' as const;
  return phones.length > 0 ? ('enrol.why_locked' as const) : ('enrol.why_first' as const);
}
