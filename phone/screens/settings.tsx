// The account in front as the provider knows it, and what can be changed about it and the app.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Self } from '../../src/protocol/messages.ts';
import { noteBiometric } from '../api/biometric.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { BiometricSwitch } from '../parts/biometric-switch.tsx';
import { Fact } from '../parts/facts.tsx';
import { Frame } from '../parts/frame.tsx';
import { Notice, Working } from '../parts/notice.tsx';
import { PushSwitch } from '../parts/push-switch.tsx';
import { LANGUAGES } from '../words.ts';

/** The settings. */
export function Settings(): JSX.Element {
  const { words, accounts, services } = useApp();
  const { say } = words;
  const account = accounts[0];
  return (
    <Frame title={say('settings.title')}>
      {account?.state === 'active' && <AccountSettings account={account} />}
      {account?.state === 'active' && <BiometricSwitch account={account} />}
      <PushSwitch />
      <Language />
      <StorageState />
      <section>
        <h2>{say('settings.about')}</h2>
        <p>{say('settings.version', { version: __APP_VERSION__ })}</p>
        <p>{say('settings.server', { host: new URL(services.origin).host })}</p>
      </section>
    </Frame>
  );
}

function AccountSettings({ account }: { account: Account }): JSX.Element {
  const { words, services, go, become, refresh } = useApp();
  const { say } = words;
  const [self, setSelf] = useState<Self | 'asking' | 'unreached'>('asking');
  // Asked when the screen is opened.
  useEffect(() => {
    void services.api.ask(account, 'self').then(async (answer) => {
      if (answer.ok) {
        setSelf(answer.value);
        if (answer.value.biometric === (account.biometric === true)) return;
        // An answer was lost on the way, or the provider has ended it: what it says holds.
        await noteBiometric(services, account.device, answer.value.biometric);
        return refresh();
      }
      setSelf('unreached');
      if (answer.failure.code === 'device_removed') {
        become({ name: 'problem', failure: answer.failure });
        await refresh();
      }
    });
  }, [account.device]);
  const { device } = account;
  return (
    <section aria-label={say('settings.account')}>
      <dl class="facts">
        <Fact name={say('settings.account')}>
          <strong>{account.name}</strong>
        </Fact>
        <Fact name={say('settings.phone')}>{typeof self === 'object' ? self.name : account.deviceName}</Fact>
        {typeof self === 'object' && <SelfFacts self={self} />}
      </dl>
      {self === 'asking' && <Working text={say('settings.loading')} />}
      {self === 'unreached' && <Notice mood="warn">{say('settings.unreached')}</Notice>}
      <div class="stack">
        <button type="button" class="secondary wide" onClick={() => go({ name: 'rename', device })}>
          {say('settings.rename')}
        </button>
        <button type="button" class="secondary wide" onClick={() => go({ name: 'pin', device })}>
          {say('settings.pin')}
        </button>
        <button type="button" class="danger-quiet wide" onClick={() => go({ name: 'unlink', device })}>
          {say('settings.unlink')}
        </button>
      </div>
    </section>
  );
}

function SelfFacts({ self }: { self: Self }): JSX.Element {
  const { words } = useApp();
  const { say } = words;
  return (
    <>
      <Fact name={say('settings.added')}>{words.day(self.added)}</Fact>
      <Fact name={say('settings.used')}>
        {self.last_used === undefined ? say('settings.never') : words.absolute(self.last_used)}
      </Fact>
      <Fact name={say('settings.state')}>{say(`settings.state.${self.state}`)}</Fact>
    </>
  );
}

function Language(): JSX.Element {
  const { words, changeLanguage } = useApp();
  return (
    <label class="field">
      <span>{words.say('settings.language')}</span>
      <select value={words.language} onChange={(event) => void changeLanguage(event.currentTarget.value)}>
        {LANGUAGES.map(({ tag, name }) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function StorageState(): JSX.Element | null {
  const { say } = useApp().words;
  const [kept, setKept] = useState<boolean>();
  useEffect(() => {
    void navigator.storage?.persisted?.().then(setKept);
  }, []);
  if (kept === undefined) return null;
  return (
    <section>
      <h2>{say('settings.storage')}</h2>
      <p>{say(kept ? 'settings.storage.kept' : 'settings.storage.may_go')}</p>
    </section>
  );
}
