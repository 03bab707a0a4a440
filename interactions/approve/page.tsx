// The pages of the phone's approval: a number to type on the phone, a code to scan, a code to type here, and how it ended.
import type { ComponentChildren } from 'preact';
import type { AskingService } from '../../src/provider/pages.ts';
import { Page, useWords, type View } from '../layout.tsx';
import {
  Actions,
  BigNumber,
  Button,
  ButtonLink,
  Card,
  Countdown,
  Facts,
  Field,
  Notice,
  OtherWays,
  QrFigure,
  ServiceHeader,
  Waiting,
  type Way,
  WayOut,
} from '../parts.tsx';
import type { WordKey } from '../words.ts';
import { qrSvg } from './qr-path.ts';

/** Why the phone is asked for. */
export type WhyAsked = 'password' | 'session' | 'stale' | 'enrol';

/** What stands around every page of this step. */
export interface Around {
  view: View;
  service: AskingService;
  /** Level by name. */
  level: string;
  why: WhyAsked;
  /** `/interaction/UID/approve` */
  base: string;
}

/** A sentence above the step, with what fills it. */
export interface Said {
  kind: 'error' | 'warn' | 'info' | 'ok';
  key: WordKey;
  values?: { readonly [name: string]: string | number };
}

/** The waiting page. */
export interface WaitingPage extends Around {
  /** `number`: typed on the phone. `scan`: the moving code. `code`: a code that stands still, for browsers without scripts. */
  look: 'number' | 'scan' | 'code';
  number: string;
  /** Seconds left, and the whole. */
  left: number;
  whole: number;
  /** The text of a QR code's first frame, and what stands before and after `<i>.<mac>` in it. */
  link: { text: string; before: string; after: string };
  /** Whether codes of an offline phone are taken. */
  offline: boolean;
  /** The `o1` link where this browser looks like a phone itself. */
  openHere?: string;
  /** Whether a request can be sent to the phone. */
  push: boolean;
  seen: boolean;
  notice?: Said;
  codeError?: Said;
}

/** "123456" as people read it: "123 456". */
export function grouped(digits: string): string {
  const half = Math.ceil(digits.length / 2);
  return `${digits.slice(0, half)} ${digits.slice(half)}`.trim();
}

const TITLES = { number: 'approve.title', scan: 'approve.scan_title', code: 'approve.code_title' } as const;
const WHYS = {
  password: 'approve.why_password',
  session: 'approve.why_session',
  stale: 'approve.why_stale',
  enrol: 'approve.why_enrol',
} as const;

function Frame({
  around,
  title,
  script,
  children,
  ways = [],
}: {
  around: Around;
  title: string;
  script?: string;
  children: ComponentChildren;
  ways?: readonly Way[];
}) {
  const { view, service, base } = around;
  return (
    <Page view={view} title={title} help="codes" {...(script === undefined ? {} : { script })}>
      <ServiceHeader service={service} why={<WhySentence around={around} />} />
      <Card title={title}>{children}</Card>
      <OtherWays ways={ways} />
      <WayOut action={`${base}/cancel`} service={service} />
    </Page>
  );
}

function WhySentence({ around: { why, service } }: { around: Around }) {
  return <>{useWords()(WHYS[why], { service: service.name })}</>;
}

function LevelFacts({ around: { level } }: { around: Around }) {
  const words = useWords();
  return (
    <Facts
      of={[
        { name: words('approve.level_name'), value: words('approve.level_value', { level }) },
        { name: words('approve.needed_name'), value: words('approve.needed_value') },
      ]}
    />
  );
}

function SaidNotice({ said }: { said: Said | undefined }) {
  const words = useWords();
  return said ? <Notice kind={said.kind}>{words(said.key, said.values)}</Notice> : null;
}

function NumberLook({ page }: { page: WaitingPage }) {
  const words = useWords();
  const { number, openHere } = page;
  return (
    <>
      <p>{openHere === undefined ? words('approve.open_app') : words('approve.same_phone_how')}</p>
      <BigNumber digits={number} label={words('approve.number_label')} />
      {openHere !== undefined && (
        <Actions>
          <a class="button main" href={openHere} target="_blank" rel="noopener noreferrer">
            {words('approve.same_phone')}
          </a>
        </Actions>
      )}
    </>
  );
}

function ScanLook({ page }: { page: WaitingPage }) {
  const words = useWords();
  const { number, link, look, offline } = page;
  const still = look === 'code';
  return (
    <>
      <p>{words(still ? 'approve.code_how' : 'approve.scan_how')}</p>
      <QrFigure
        svg={qrSvg(link.text)}
        alt={words(still ? 'approve.qr_alt_static' : 'approve.qr_alt')}
        caption={words('approve.number_if_asked', { number: grouped(number) })}
      />
      {!still && (
        <noscript>
          <Notice kind="warn">{words('approve.noscript')}</Notice>
        </noscript>
      )}
      {offline && <CodeForm page={page} />}
    </>
  );
}

function CodeForm({ page }: { page: WaitingPage }) {
  const words = useWords();
  const { base, look, codeError } = page;
  return (
    <form method="post" action={`${base}/code`}>
      {look !== 'code' && (
        <p>
          <b>{words('approve.offline_title')}</b> {words('approve.offline_how')}
        </p>
      )}
      <Field
        name="code"
        label={words('approve.code_label')}
        inputmode="numeric"
        autocomplete="one-time-code"
        maxlength={11}
        code
        {...(codeError === undefined ? {} : { error: words(codeError.key, codeError.values) })}
      />
      <Button kind={look === 'code' ? 'main' : 'second'}>{words('approve.code_send')}</Button>
    </form>
  );
}

/** The other ways from here, each a change of the request to the phone. */
function waysFrom(page: WaitingPage, words: View['words']): Way[] {
  const { look, base, push, offline, openHere } = page;
  const ask = (way: string) => ({ action: `${base}/ask`, fields: { way } });
  return [
    ...(look === 'number' ? [{ label: words('approve.use_qr'), ...ask('qr') }] : []),
    ...(look !== 'number' && push ? [{ label: words('approve.cannot_scan'), ...ask('push') }] : []),
    ...(look !== 'code' && offline ? [{ label: words('approve.use_code'), ...ask('code') }] : []),
    ...(look === 'number' || openHere === undefined ? [] : [{ label: words('approve.same_phone'), href: openHere }]),
    { label: words('approve.lost_phone'), href: `${base}/lost` },
  ];
}

/** The page that waits for the phone. */
export function ApprovePage(page: WaitingPage) {
  const { view, base, look, left, whole, link, seen, notice } = page;
  const { words } = view;
  return (
    <Frame around={page} title={words(TITLES[look])} script="approve" ways={waysFrom(page, words)}>
      <SaidNotice said={notice} />
      <div
        class="stack"
        data-approve={base}
        data-before={link.before}
        data-after={link.after}
        data-time-pattern={words('approve.time_left', { time: '{time}' })}
        data-say-seen={words('approve.seen')}
        data-say-slow={words('approve.slow')}
        data-say-approved={words('approve.approved')}
        data-say-soon-over={words('approve.soon_over')}
        data-say-more-time={words('approve.more_time_given')}
        data-say-no-more-time={words('approve.no_more_time')}
      >
        {look === 'number' ? <NumberLook page={page} /> : <ScanLook page={page} />}
      </div>
      <Waiting>{words(seen ? 'approve.seen' : 'approve.waiting')}</Waiting>
      <Countdown seconds={left} whole={whole} />
      <Actions>
        <form method="post" action={`${base}/extend`} id="more-time">
          <Button kind="second">{words('approve.more_time')}</Button>
        </form>
        <form method="post" action={`${base}/finish`} id="finish">
          <noscript>
            <Button kind="second">{words('approve.i_approved')}</Button>
          </noscript>
        </form>
      </Actions>
      <LevelFacts around={page} />
    </Frame>
  );
}

/** How a request to the phone ended. */
export type Ending = 'denied' | 'reported' | 'failed' | 'failed_code' | 'expired' | 'void';

const ENDINGS = {
  denied: { title: 'approve.denied_title', text: 'approve.denied_text' },
  reported: { title: 'approve.reported_title', text: 'approve.reported_text' },
  failed: { title: 'approve.failed_title', text: 'approve.failed_text' },
  failed_code: { title: 'approve.failed_title', text: 'approve.failed_code_text' },
  expired: { title: 'approve.expired_title', text: 'approve.expired_text' },
  void: { title: 'approve.failed_title', text: 'approve.void_text' },
} as const;

/** What happened, and what to do next. After "it was not me" there is only the way out. */
export function EndedPage({ ending, ...around }: Around & { ending: Ending }) {
  const { words } = around.view;
  const { title, text } = ENDINGS[ending];
  return (
    <Frame around={around} title={words(title)}>
      <Notice kind={ending === 'expired' ? 'info' : 'warn'}>{words(text)}</Notice>
      {ending !== 'reported' && (
        <form method="post" action={`${around.base}/ask`}>
          <Button>{words('approve.again')}</Button>
        </form>
      )}
    </Frame>
  );
}

/** The phone has approved: the script goes on by itself, a person without scripts presses the button. */
export function FinishPage(around: Around) {
  const { words } = around.view;
  return (
    <Frame around={around} title={words('approve.finish_title')} script="approve">
      <Notice kind="ok">{words('approve.finish_text')}</Notice>
      <form method="post" action={`${around.base}/finish`} id="finish" data-go>
        <Button>{words('approve.finish', { service: around.service.name })}</Button>
      </form>
    </Frame>
  );
}

/** What to do without the phone. */
export function LostPage({ back, contact, ...around }: Around & { back: string; contact?: string }) {
  const { words } = around.view;
  return (
    <Frame around={around} title={words('approve.lost_phone')}>
      <p>{words('approve.lost_phone_text')}</p>
      {contact !== undefined && <p>{words('enrol.ask', { contact })}</p>}
      <Actions>
        <ButtonLink href={back} kind="main">
          {words('approve.use_phone')}
        </ButtonLink>
      </Actions>
    </Frame>
  );
}

/** The level has no way here: only the way back, which answers the service with the error of its own. */
export function UnreachablePage({ view, service, level, base }: Pick<Around, 'view' | 'service' | 'level' | 'base'>) {
  const { words } = view;
  const title = words('approve.unreachable_title', { service: service.name });
  return (
    <Page view={view} title={title} help="codes">
      <ServiceHeader service={service} />
      <Card title={title}>
        <p>{words('approve.unreachable_text', { level, service: service.name })}</p>
        <form method="post" action={`${base}/unreachable`}>
          <Button>{words('approve.back', { service: service.name })}</Button>
        </form>
      </Card>
    </Page>
  );
}
