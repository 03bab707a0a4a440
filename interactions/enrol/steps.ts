// The steps of adding a phone, the same in a sign-in and on the account page: which page is shown, and what each form does.
import type { Context } from 'koa';
import type { VNode } from 'preact';
import { maskedAddress, secondProofKeys } from '../../src/domain/second-proof.ts';
import { cancelEnrolment } from '../../src/usecases/cancel-enrolment.ts';
import {
  checkInvitation,
  checkMailCode,
  type SecondProofChecked,
  secondProofStands,
} from '../../src/usecases/check-second-proof.ts';
import { CONFIRM_LIFE } from '../../src/usecases/complete-enrolment.ts';
import { confirmEnrolment } from '../../src/usecases/confirm-enrolment.ts';
import { sendSecondProof } from '../../src/usecases/send-second-proof.ts';
import { type StartedEnrolment, startEnrolment } from '../../src/usecases/start-enrolment.ts';
import type { Form } from '../../src/web/body.ts';
import { addressOf } from '../../src/web/request.ts';
import { looksLikePhone } from '../approve/show.ts';
import { type PageDeps, seeOther } from '../interaction.ts';
import { show } from '../layout.tsx';
import { forgetOffer, keepOffer, readOffer } from './offer.ts';
import {
  ConfirmPage,
  DonePage,
  EndedPage,
  InvitationPage,
  MailCodePage,
  MailPage,
  NameAndPinPage,
  OfferShown,
  OperatorPage,
  type Said,
} from './page.tsx';
import type { EnrolPlace } from './place.ts';

/** GET: the page of where this person is. */
export async function showPlace(ctx: Context, deps: PageDeps, place: EnrolPlace): Promise<void> {
  const found = await readOffer(deps.world, place.session);
  if (found) return show(ctx, await offerPage(ctx, deps, place, found));
  if (place.proven || (await secondProofStands(deps.world, place))) return show(ctx, namePage(deps, place));
  show(ctx, await secondProofPage(deps, place));
}

type Found = NonNullable<Awaited<ReturnType<typeof readOffer>>>;

async function offerPage(ctx: Context, deps: PageDeps, place: EnrolPlace, found: Found): Promise<VNode> {
  const { offer, enrolment } = found;
  const left = Math.max(0, Math.ceil((enrolment.expiresAt - (await deps.world.enrolments.now())) / 1000));
  const { state } = enrolment;
  if (state === 'done') return DonePage({ place, device: enrolment.deviceName });
  if (state === 'confirm') return ConfirmPage({ place, left, whole: CONFIRM_LIFE });
  if (state !== 'shown' && state !== 'scanned') return EndedPage({ place, end: state });
  const user = await deps.world.records.users.byId(place.userId);
  return OfferShown({
    place,
    state,
    link: offer.link,
    code: offer.code,
    login: user?.login ?? '',
    setup: enrolment.setup,
    appAddress: `${deps.world.rules().appOrigin}/phone/`,
    onPhone: looksLikePhone(ctx),
    left,
    whole: deps.world.rules().enrolmentLife,
  });
}

function namePage(deps: PageDeps, place: EnrolPlace): VNode {
  const name = place.typedName;
  return NameAndPinPage({ place, pin: deps.world.rules().pin, ...(name === undefined ? {} : { name }) });
}

/** The second proof that the operator chose (design, decision 12). */
async function secondProofPage(deps: PageDeps, place: EnrolPlace, problem?: Said): Promise<VNode> {
  const said = problem === undefined ? {} : { problem };
  const way = deps.settings().methods.firstDevice;
  if (way === 'invitation') return InvitationPage({ place, ...said });
  if (way === 'operator') {
    const { support } = deps.settings().branding;
    const contact = support?.email ?? support?.url;
    return OperatorPage({ place, ...(contact === undefined ? {} : { contact }) });
  }
  const user = await deps.world.records.users.byId(place.userId);
  const to = user?.email === undefined ? undefined : maskedAddress(user.email);
  const underWay = (await deps.world.scratch.get(secondProofKeys.code(place.session))) !== undefined;
  return to !== undefined && underWay ? MailCodePage({ place, to, ...said }) : MailPage({ place, to, ...said });
}

const minutes = (seconds: number) => Math.max(1, Math.ceil(seconds / 60));

function requestOf(ctx: Context, place: EnrolPlace) {
  const userAgent = ctx.get('User-Agent').slice(0, 256);
  const { userId, session } = place;
  return { userId, session, ip: addressOf(ctx).address, ...(userAgent === '' ? {} : { userAgent }) };
}

/** POST send: mails a code. */
export async function sendCode(ctx: Context, deps: PageDeps, place: EnrolPlace): Promise<void> {
  if (deps.settings().methods.firstDevice !== 'mail_code') return seeOther(ctx, place.at);
  const user = await deps.world.records.users.byId(place.userId);
  const { words } = place.view;
  const sent = await sendSecondProof(deps.world, requestOf(ctx, place), (code) => ({
    subject: words('enrol.mail_subject'),
    text: words('enrol.mail_body', { name: user?.name ?? '', code: `${code.slice(0, 4)} ${code.slice(4)}` }),
  }));
  if (sent.ok || sent.why === 'no_address') return seeOther(ctx, place.at);
  ctx.set('Retry-After', String(sent.retryAfter));
  const problem: Said = { key: 'enrol.too_many', values: { minutes: minutes(sent.retryAfter) } };
  show(ctx, await secondProofPage(deps, place, problem), 429);
}

/** POST check: the code of the mail, or the invitation. */
export async function checkProof(ctx: Context, deps: PageDeps, place: EnrolPlace, form: Form): Promise<void> {
  const way = deps.settings().methods.firstDevice;
  if (way === 'operator') return seeOther(ctx, place.at);
  const check = way === 'mail_code' ? checkMailCode : checkInvitation;
  const checked = await check(deps.world, requestOf(ctx, place), form.text('code'));
  if (checked.ok) return seeOther(ctx, place.at);
  if (checked.why === 'too_many') ctx.set('Retry-After', String(checked.retryAfter));
  const page = await secondProofPage(deps, place, proofProblem(checked));
  show(ctx, page, checked.why === 'too_many' ? 429 : 422);
}

function proofProblem(checked: Exclude<SecondProofChecked, { ok: true }>): Said {
  if (checked.why === 'wrong') return { key: 'enrol.mail_wrong', values: { remaining: checked.remaining } };
  if (checked.why === 'too_many') return { key: 'enrol.too_many', values: { minutes: minutes(checked.retryAfter) } };
  return { key: checked.why === 'over' ? 'enrol.mail_over' : 'enrol.invitation_wrong' };
}

/** POST start: name and PIN make an offer. Without a proof there is none, whatever was posted (A04, A05). */
export async function startOffer(ctx: Context, deps: PageDeps, place: EnrolPlace, form: Form): Promise<void> {
  if (!place.proven && !(await secondProofStands(deps.world, place))) return seeOther(ctx, place.at);
  const started = await startEnrolment(deps.world, {
    userId: place.userId,
    session: place.session,
    name: form.text('name'),
    pin: form.text('pin'),
    pinAgain: form.text('pin_again'),
  });
  if (started.ok) {
    const { enrolmentId, link, code } = started;
    await keepOffer(deps.world, place.session, { enrolmentId, link, code });
    return seeOther(ctx, place.at);
  }
  const pin = deps.world.rules().pin;
  show(ctx, NameAndPinPage({ place, pin, name: form.text('name'), ...startProblem(started, pin) }), 422);
}

function startProblem(started: Exclude<StartedEnrolment, { ok: true }>, pin: { min: number; max: number }) {
  if (started.why === 'name') {
    return { problem: { field: 'name' as const, said: { key: `enrol.name_${started.problem}` as const } } };
  }
  if (started.why === 'pin') {
    const differs = started.problem === 'pins_differ';
    const key = differs ? ('enrol.pin_differs' as const) : (`enrol.pin_${started.problem}` as const);
    const field = differs ? ('pin_again' as const) : ('pin' as const);
    return { problem: { field, said: { key: key as Said['key'], values: { min: pin.min, max: pin.max } } } };
  }
  return {
    trouble: {
      key:
        started.why === 'too_many_devices' ? ('enrol.too_many_devices' as const) : ('enrol.factors_changed' as const),
    },
  };
}

/** POST confirm: the digits that only the phone got. */
export async function confirmCheck(ctx: Context, deps: PageDeps, place: EnrolPlace, form: Form): Promise<void> {
  const found = await readOffer(deps.world, place.session);
  if (!found) return seeOther(ctx, place.at);
  const { userId, session } = place;
  const enrolmentId = found.enrolment.id;
  const confirmed = await confirmEnrolment(deps.world, { enrolmentId, session, userId, check: form.text('check') });
  if (confirmed.ok || confirmed.why !== 'wrong_check' || confirmed.remaining <= 0) return seeOther(ctx, place.at);
  const left = Math.max(0, Math.ceil((found.enrolment.expiresAt - (await deps.world.enrolments.now())) / 1000));
  const problem: Said = { key: 'enrol.confirm_wrong', values: { remaining: confirmed.remaining } };
  show(ctx, ConfirmPage({ place, left, whole: CONFIRM_LIFE, problem }), 422);
}

/** POST cancel: ends the offer. */
export async function cancelOffer(ctx: Context, deps: PageDeps, place: EnrolPlace): Promise<void> {
  const found = await readOffer(deps.world, place.session);
  if (found) await cancelEnrolment(deps.world, { enrolmentId: found.enrolment.id, session: place.session });
  seeOther(ctx, place.at);
}

/** POST again: an ended offer is forgotten; one that still stands is not. */
export async function beginAgain(ctx: Context, deps: PageDeps, place: EnrolPlace): Promise<void> {
  const found = await readOffer(deps.world, place.session);
  const over = found && ['contested', 'expired', 'cancelled'].includes(found.enrolment.state);
  if (over) await forgetOffer(deps.world, place.session);
  seeOther(ctx, place.at);
}

/** POST continue: the phone is added; what was proven for it is spent. */
export async function goOn(ctx: Context, deps: PageDeps, place: EnrolPlace): Promise<void> {
  const found = await readOffer(deps.world, place.session);
  if (found?.enrolment.state !== 'done') return seeOther(ctx, place.at);
  await forgetOffer(deps.world, place.session);
  await deps.world.scratch.delete(secondProofKeys.passed(place.session));
  await place.done(ctx);
}
