// The steps of adding a phone: second proof, name and PIN, the code to scan, the digits of the check, and how it ended.
import type { ComponentChildren, VNode } from 'preact';
import type { AskingService } from '../../src/provider/pages.ts';
import { qrSvg } from '../approve/qr-path.ts';
import { Page, useWords, type View } from '../layout.tsx';
import {
  Actions,
  Button,
  Card,
  Countdown,
  Field,
  Notice,
  PinField,
  QrFigure,
  ServiceHeader,
  Waiting,
  WayOut,
} from '../parts.tsx';
import type { WordKey } from '../words.ts';
import type { EnrolPlace } from './place.ts';

/** A sentence with what fills it. */
export interface Said {
  key: WordKey;
  values?: { readonly [name: string]: string | number };
}

/** What stands around a step in the middle of a sign-in. */
export interface SignInFrameProps {
  view: View;
  service: AskingService;
  /** Address that answers the service that nothing came of it. */
  cancel: string;
  title: string;
  script?: string;
  children: ComponentChildren;
}

/** The page around a step in the middle of a sign-in. */
export function SignInFrame({ view, service, cancel, title, script, children }: SignInFrameProps): VNode {
  return (
    <Page view={view} title={title} help="add" {...(script === undefined ? {} : { script })}>
      <ServiceHeader service={service} />
      <Card title={title}>{children}</Card>
      <WayOut action={cancel} service={service} />
    </Page>
  );
}

/** A form of this place: POST, with the place's own fields. */
function StepForm({ place, to, children }: { place: EnrolPlace; to: string; children: ComponentChildren }) {
  return (
    <form method="post" action={`${place.base}/${to}`}>
      {Object.entries(place.hidden).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      {children}
    </form>
  );
}

function Why({ place }: { place: EnrolPlace }) {
  return <p class="lead">{place.why}</p>;
}

/** An error as the text of a field, or nothing. */
function errorOf(words: ReturnType<typeof useWords>, said: Said | undefined) {
  return said === undefined ? {} : { error: words(said.key, said.values) };
}

function Trouble({ said }: { said: Said | undefined }) {
  const words = useWords();
  return said ? <Notice kind="error">{words(said.key, said.values)}</Notice> : null;
}

/** Before a code is sent: the person asks for it, so that a reload sends nothing. */
export function MailPage({ place, to, problem }: { place: EnrolPlace; to: string | undefined; problem?: Said }): VNode {
  const { words } = place.view;
  return place.frame({
    title: words('enrol.mail_title'),
    children: (
      <>
        <Why place={place} />
        <Trouble said={to === undefined ? { key: 'enrol.mail_no_address' } : problem} />
        {to !== undefined && (
          <StepForm place={place} to="send">
            <p>{words('enrol.mail_text', { to })}</p>
            <Button>{words('enrol.mail_send')}</Button>
          </StepForm>
        )}
      </>
    ),
  });
}

/** The code that came by mail. */
export function MailCodePage({ place, to, problem }: { place: EnrolPlace; to: string; problem?: Said }): VNode {
  const { words } = place.view;
  return place.frame({
    title: words('enrol.mail_title'),
    children: (
      <>
        <Notice kind="info">{words('enrol.mail_sent', { to })}</Notice>
        <StepForm place={place} to="check">
          <Field
            name="code"
            label={words('enrol.mail_label')}
            inputmode="numeric"
            autocomplete="one-time-code"
            maxlength={11}
            autofocus
            code
            {...errorOf(words, problem)}
          />
          <Button>{words('enrol.mail_continue')}</Button>
        </StepForm>
        <StepForm place={place} to="send">
          <Button kind="quiet">{words('enrol.mail_again')}</Button>
        </StepForm>
      </>
    ),
  });
}

/** The invitation that the operator handed out. */
export function InvitationPage({ place, problem }: { place: EnrolPlace; problem?: Said }): VNode {
  const { words } = place.view;
  return place.frame({
    title: words('enrol.invitation_title'),
    children: (
      <StepForm place={place} to="check">
        <Why place={place} />
        <p>{words('enrol.invitation_text')}</p>
        <Field
          name="code"
          label={words('enrol.invitation_label')}
          autocomplete="off"
          maxlength={400}
          {...errorOf(words, problem)}
        />
        <Button>{words('enrol.mail_continue')}</Button>
      </StepForm>
    ),
  });
}

/** Only the operator can help. */
export function OperatorPage({ place, contact }: { place: EnrolPlace; contact?: string }): VNode {
  const { words } = place.view;
  return place.frame({
    title: words('enrol.operator_title'),
    children: (
      <>
        <Why place={place} />
        <p>{words('enrol.operator_text')}</p>
        {contact !== undefined && <p>{words('enrol.ask', { contact })}</p>}
      </>
    ),
  });
}

/** What the name-and-PIN page shows. */
export interface NamePage {
  place: EnrolPlace;
  pin: { setup: 'browser' | 'phone'; min: number; max: number };
  name?: string;
  problem?: { field: 'name' | 'pin' | 'pin_again'; said: Said };
  trouble?: Said;
}

/** Name and PIN, where the PIN is chosen here. */
export function NameAndPinPage({ place, pin, name, problem, trouble }: NamePage): VNode {
  const { words } = place.view;
  const error = (field: string) => errorOf(words, problem?.field === field ? problem.said : undefined);
  const hint = words('enrol.pin_hint', { min: pin.min, max: pin.max, same: pin.min === pin.max ? 'yes' : 'no' });
  return place.frame({
    title: words('enrol.title'),
    script: 'enrol',
    children: (
      <StepForm place={place} to="start">
        <Why place={place} />
        <Trouble said={trouble} />
        <Field
          name="name"
          label={words('enrol.name_label')}
          hint={words('enrol.name_hint')}
          autocomplete="off"
          maxlength={60}
          {...(name === undefined ? {} : { value: name })}
          {...error('name')}
        />
        {pin.setup === 'browser' && (
          <>
            <PinField name="pin" label={words('enrol.pin_label')} hint={hint} max={pin.max} {...error('pin')} />
            <PinField name="pin_again" label={words('enrol.pin_again_label')} max={pin.max} {...error('pin_again')} />
          </>
        )}
        <Button>{words('enrol.submit')}</Button>
      </StepForm>
    ),
  });
}

/** What the page with the code shows. `left` and `whole` in seconds. */
export interface OfferPage {
  place: EnrolPlace;
  state: 'shown' | 'scanned';
  link: string;
  code: string;
  login: string;
  setup: 'browser' | 'phone';
  appAddress: string;
  onPhone: boolean;
  left: number;
  whole: number;
}

/** The code to scan, the typed way beside it, and how far the phone is. After the scan the code is gone: it works once. */
export function OfferShown(page: OfferPage): VNode {
  const { place, state, setup } = page;
  const { words } = place.view;
  const scanned = state === 'scanned';
  const title = words(scanned ? 'enrol.scanned_title' : 'enrol.scan_title');
  return place.frame({
    title,
    script: 'enrol',
    children: (
      <>
        {!scanned && <HowToScan page={page} />}
        {scanned && setup === 'phone' && <p>{words('enrol.step_pin_phone')}</p>}
        <div
          data-enrol={place.base}
          data-state={state}
          data-time-pattern={words('approve.time_left', { time: '{time}' })}
          data-say-slow={words('approve.slow')}
          data-say-soon-over={words('enrol.soon_over')}
        >
          <Waiting>{words(scanned ? 'enrol.progress_scanned' : 'enrol.progress_shown')}</Waiting>
        </div>
        <Countdown seconds={page.left} whole={page.whole} />
        <Actions>
          <noscript>
            <a class="button second" href={place.at}>
              {words('enrol.refresh')}
            </a>
          </noscript>
          <StepForm place={place} to="cancel">
            <Button kind="quiet">{words('enrol.cancel')}</Button>
          </StepForm>
        </Actions>
      </>
    ),
  });
}

function HowToScan({ page }: { page: OfferPage }) {
  const words = useWords();
  const { link, code, login, setup, appAddress, onPhone } = page;
  return (
    <>
      <ol class="steps">
        <li>{words('enrol.step_install', { address: appAddress })}</li>
        <li>{words('enrol.step_scan')}</li>
        <li>{words(setup === 'browser' ? 'enrol.step_pin_browser' : 'enrol.step_pin_phone')}</li>
      </ol>
      {onPhone && (
        <Actions>
          <a class="button main" href={link} target="_blank" rel="noopener noreferrer">
            {words('enrol.same_phone')}
          </a>
        </Actions>
      )}
      <QrFigure svg={qrSvg(link)} alt={words('enrol.qr_alt')} caption={words('enrol.keep_secret')} />
      <p>{words('enrol.typed', { login })}</p>
      <p class="typed-code">{code}</p>
    </>
  );
}

/** The six digits that only the phone got. */
export function ConfirmPage({
  place,
  left,
  whole,
  problem,
}: {
  place: EnrolPlace;
  left: number;
  whole: number;
  problem?: Said;
}): VNode {
  const { words } = place.view;
  return place.frame({
    title: words('enrol.confirm_title'),
    script: 'enrol',
    children: (
      <>
        <StepForm place={place} to="confirm">
          <p>{words('enrol.confirm_text')}</p>
          <Field
            name="check"
            label={words('enrol.confirm_label')}
            inputmode="numeric"
            autocomplete="off"
            maxlength={8}
            autofocus
            code
            {...errorOf(words, problem)}
          />
          <Button>{words('enrol.confirm_submit')}</Button>
        </StepForm>
        <div
          data-enrol={place.base}
          data-state="confirm"
          data-time-pattern={words('approve.time_left', { time: '{time}' })}
          data-say-soon-over={words('enrol.soon_over')}
        />
        <Countdown seconds={left} whole={whole} />
        <StepForm place={place} to="cancel">
          <Button kind="quiet">{words('enrol.cancel')}</Button>
        </StepForm>
      </>
    ),
  });
}

const ENDS = {
  contested: { title: 'enrol.contested_title', text: 'enrol.contested_text', kind: 'warn' },
  expired: { title: 'enrol.expired_title', text: 'enrol.expired_text', kind: 'info' },
  cancelled: { title: 'enrol.cancelled_title', text: 'enrol.cancelled_text', kind: 'info' },
} as const;

/** No phone was added. */
export function EndedPage({ place, end }: { place: EnrolPlace; end: keyof typeof ENDS }): VNode {
  const { words } = place.view;
  const { title, text, kind } = ENDS[end];
  return place.frame({
    title: words(title),
    children: (
      <>
        <Notice kind={kind}>{words(text)}</Notice>
        <StepForm place={place} to="again">
          <Button>{words('enrol.start_again')}</Button>
        </StepForm>
      </>
    ),
  });
}

/** The phone is added. */
export function DonePage({ place, device }: { place: EnrolPlace; device: string }): VNode {
  const { words } = place.view;
  return place.frame({
    title: words('enrol.done_title'),
    children: (
      <>
        <Notice kind="ok">{words('enrol.done_text', { device })}</Notice>
        <StepForm place={place} to="continue">
          <Button>{words('enrol.done_continue')}</Button>
        </StepForm>
      </>
    ),
  });
}
