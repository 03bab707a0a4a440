// Without a network: who asks, as the code itself tells it, the PIN, and eight digits to type into the browser.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fromBase64url } from '../../src/protocol/bytes.ts';
import { offlineCode } from '../../src/protocol/ocra.ts';
import { useApp } from '../app-context.ts';
import { pinSecrets } from '../keys/pin.ts';
import { Digits } from '../parts/digits.tsx';
import { ContextFacts } from '../parts/facts.tsx';
import { Frame } from '../parts/frame.tsx';
import { Notice, Working } from '../parts/notice.tsx';
import { PinPad } from '../parts/pin-pad.tsx';
import type { SignInLink } from './screen.ts';

/** A sign-in that began longer ago (or in the future) is worth a warning, in seconds (protocol section 5.3). */
const OLD = 600;
/** Codes are secrets and do not stay on the screen, in milliseconds. */
const SHOWN_FOR = 120_000;

type Step = { at: 'ask' | 'pin' | 'working' | 'hidden' } | { at: 'code'; code: string };

/** The way from the scanned code to the digits. */
export function Code({ link, why }: { link: SignInLink; why: 'offline' | 'stale' }): JSX.Element {
  const { words, accounts, services, home } = useApp();
  const { say } = words;
  const [step, setStep] = useState<Step>({ at: 'ask' });
  const [device, setDevice] = useState(accounts[0]?.device);
  const account = accounts.find((one) => one.device === device) ?? accounts[0];
  useHidden(step.at === 'code', () => setStep({ at: 'hidden' }));
  const old = Math.abs(services.api.clock.seconds() - link.context.at) > OLD;

  const make = async (pin: string) => {
    const txn = fromBase64url(link.txn);
    if (!account || !txn) return;
    setStep({ at: 'working' });
    const { offlineKey } = await pinSecrets(account, pin);
    setStep({ at: 'code', code: await offlineCode(offlineKey, txn, link.context) });
  };
  const homeButton = (word: 'app.home' | 'code.hide') => (
    <button type="button" class="primary wide" onClick={home}>
      {say(word)}
    </button>
  );
  if (!account?.metadata.offline)
    return (
      <Frame
        title={say('problem.offline.title')}
        sign={{ icon: 'cloud', mood: 'plain' }}
        top="none"
        actions={homeButton('app.home')}
      >
        <p class="lead">{say('code.off')}</p>
      </Frame>
    );
  switch (step.at) {
    case 'ask':
      return (
        <Frame
          title={say('code.ask.title')}
          actions={
            <>
              <button type="button" class="primary wide" onClick={() => setStep({ at: 'pin' })}>
                {say('ask.next')}
              </button>
              <button type="button" class="secondary wide" onClick={home}>
                {say('ask.deny')}
              </button>
            </>
          }
        >
          {old && (
            <Notice mood="warn">
              {say('code.old', { when: words.relative(link.context.at, services.api.clock.seconds()) })}
            </Notice>
          )}
          <p>{say(why === 'stale' ? 'code.ask.stale' : 'code.ask.text')}</p>
          <ContextFacts context={link.context} account={account.name} />
          {accounts.length > 1 && (
            <label class="field">
              <span>{say('code.account')}</span>
              <select value={account.device} onChange={(event) => setDevice(event.currentTarget.value)}>
                {accounts.map((one) => (
                  <option key={one.device} value={one.device}>
                    {one.name}
                  </option>
                ))}
              </select>
            </label>
          )}
        </Frame>
      );
    case 'pin':
      return (
        <Frame title={say('code.pin.title')} onBack={() => setStep({ at: 'ask' })}>
          <p class="lead">{say('ask.pin.service', { service: link.context.rp })}</p>
          <PinPad bounds={account.metadata.pin} action={say('app.continue')} onPin={(pin) => void make(pin)} />
        </Frame>
      );
    case 'working':
      return (
        <Frame title={say('app.loading')} top="none">
          <Working text={say('code.working')} />
        </Frame>
      );
    case 'code':
      return (
        <Frame title={say('code.show.title')} top="none" actions={homeButton('code.hide')}>
          <p class="centred">{say('code.for', { account: account.name })}</p>
          <Digits value={step.code} group={4} />
          <p class="soft">{say('code.show.text')}</p>
        </Frame>
      );
    case 'hidden':
      return (
        <Frame title={say('code.hidden.title')} top="none" actions={homeButton('app.home')}>
          <p class="lead">{say('code.hidden.text')}</p>
        </Frame>
      );
  }
}

function useHidden(showing: boolean, hide: () => void): void {
  // The time runs from when the code appears.
  useEffect(() => {
    if (!showing) return;
    const timer = setTimeout(hide, SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [showing]);
}
