// The start: whose phone this is, what is asked of it at the moment, and the way to the camera.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { shownAt, textFor } from '../../src/protocol/notices.ts';
import type { Connection } from '../api/live-requests.ts';
import { isInstalled } from '../api/platform.ts';
import { type App, useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { Frame } from '../parts/frame.tsx';
import { Icon } from '../parts/icons.tsx';
import { Notice } from '../parts/notice.tsx';
import { PushOffer } from '../parts/push-switch.tsx';
import type { Word } from '../words.ts';
import { InstallHelp } from './welcome.tsx';

/** A clock that is off by more is worth telling, in seconds. */
const CLOCK_TOLERANCE = 120;

/** The start of the app. */
export function Home(): JSX.Element {
  const app = useApp();
  const { say } = app.words;
  const requests = app.accounts.flatMap((account) =>
    (app.requests[account.device] ?? []).map((request) => ({ account, request })),
  );
  return (
    <Frame
      title={say('home.title')}
      top="brand"
      actions={
        <button type="button" class="primary wide" onClick={() => app.go({ name: 'scan', want: 'anything' })}>
          <Icon name="scan" />
          <span>{say('home.scan')}</span>
        </button>
      }
    >
      <ReadOnlyTold />
      <OperatorNotices />
      <Warnings />
      {requests.length === 0 ? (
        <div class="empty">
          <p class="empty-title">{say('home.none.title')}</p>
          <p class="soft">{say('home.none.text')}</p>
        </div>
      ) : (
        <ul class="requests">
          {requests.map(({ account, request }) => (
            <li key={request.txn}>
              <RequestCard account={account} request={request} />
            </li>
          ))}
        </ul>
      )}
      <PushOffer />
      <Accounts />
      {!isInstalled() && <InstallHelp />}
    </Frame>
  );
}

/** What this phone cannot do now, until when, and what the operator says of it. */
function ReadOnlyTold(): JSX.Element {
  const { readOnly, words } = useApp();
  const own = readOnly?.text && textFor(readOnly.text, words.language);
  return (
    <div role="status" class="read-only">
      {readOnly && (
        <Notice mood="warn">
          <p>{words.say('home.read_only')}</p>
          {readOnly.until !== undefined && (
            <p>{words.say('home.read_only.until', { time: words.absolute(readOnly.until) })}</p>
          )}
          {own && (
            <p lang={own.language} dir="auto">
              {own.text}
            </p>
          )}
        </Notice>
      )}
    </div>
  );
}

/** A look at the clock so often, in milliseconds: a notice comes and goes by its time. */
const LOOK = 15_000;

/** The operator's own words, as text, in the person's language or English. */
function OperatorNotices(): JSX.Element | null {
  const { notices, words, services } = useApp();
  const [, look] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => look((times) => times + 1), LOOK);
    return () => clearInterval(timer);
  }, []);
  return (
    <div role="status" class="operator-notices">
      {shownAt(notices, services.api.clock.seconds()).map(({ text, from, active }) => {
        const told = textFor(text, words.language);
        return (
          <Notice key={`${from} ${told.text}`} mood={active ? 'warn' : 'plain'}>
            <p lang={told.language} dir="auto">
              {told.text}
            </p>
          </Notice>
        );
      })}
    </div>
  );
}

function Warnings(): JSX.Element {
  const { words, connection, update, services } = useApp();
  const { say } = words;
  const offset = services.api.clock.offset() ?? 0;
  return (
    <>
      {update && (
        <Notice mood="plain">
          {say('app.update')}{' '}
          <button type="button" class="link" onClick={update}>
            {say('app.update.take')}
          </button>
        </Notice>
      )}
      {connection === 'offline' && <Notice mood="warn">{say('home.offline.text')}</Notice>}
      {Math.abs(offset) > CLOCK_TOLERANCE && (
        <Notice mood="warn">{say('home.clock', { minutes: Math.round(Math.abs(offset) / 60) })}</Notice>
      )}
    </>
  );
}

function RequestCard({ account, request }: { account: Account; request: PendingTransaction }): JSX.Element {
  const { words, go, services, accounts } = useApp();
  const { rp, browser, country, ip, at } = request.ctx;
  const place = country ? words.country(country) : ip;
  return (
    <button type="button" class="request" onClick={() => go({ name: 'approve', device: account.device, request })}>
      <span class="request-text">
        <strong>{words.say('ask.title.service', { service: rp })}</strong>
        <span class="soft">{place ? `${browser} · ${place}` : browser}</span>
        <span class="soft">
          {words.relative(at, services.api.clock.seconds())}
          {accounts.length > 1 && ` · ${account.name}`}
        </span>
      </span>
      <Icon name="next" />
    </button>
  );
}

const CONNECTION_WORDS: Record<Connection, Word> = {
  live: 'home.live',
  polling: 'home.polling',
  connecting: 'home.connecting',
  offline: 'home.offline',
};

/** An account that is locked says so here as long as it is, and leads to why. */
function Locked({ account: { device, name } }: { account: Account }): JSX.Element | null {
  const { words, locked, go } = useApp();
  const failure = locked[device];
  if (!failure) return null;
  return (
    <button
      type="button"
      class="link danger-text"
      onClick={() => go({ name: 'problem', failure, whose: { device, name } })}
    >
      <Icon name="lock" />
      {words.say('settings.state.locked')}
    </button>
  );
}

/** Whether another account may be added on this phone. */
export function mayAdd({ accounts }: App): boolean {
  const allowed = accounts[0]?.metadata.accounts_per_device ?? 1;
  return accounts.length < allowed;
}

function Accounts(): JSX.Element {
  const app = useApp();
  const { words, accounts, connection, locked, go, bringForward } = app;
  const { say } = words;
  return (
    <section class="accounts" aria-label={say('home.accounts')}>
      {accounts.map((account, index) => (
        <div class="account" key={account.device}>
          <Icon name="phone" />
          <div class="account-text">
            <strong>{account.name}</strong>
            <span class="soft">{say('home.device', { device: account.deviceName })}</span>
            {index === 0 && account.state === 'active' && !locked[account.device] && (
              <span class={`connection connection-${connection}`} role="status">
                {say(CONNECTION_WORDS[connection])}
              </span>
            )}
          </div>
          <Locked account={account} />
          {account.state === 'confirm' && (
            <button type="button" class="link" onClick={() => go({ name: 'check', device: account.device })}>
              {say('home.finish')}
            </button>
          )}
          {index > 0 && account.state === 'active' && (
            <button type="button" class="link" onClick={() => void bringForward(account.device)}>
              {say('home.switch')}
            </button>
          )}
        </div>
      ))}
      {mayAdd(app) && (
        <button type="button" class="link" onClick={() => go({ name: 'welcome' })}>
          {say('home.add')}
        </button>
      )}
    </section>
  );
}
