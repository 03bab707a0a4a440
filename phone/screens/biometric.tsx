// Face or fingerprint for an account: the PIN first, so that nobody else can add theirs, then what the phone asks.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CreationOptions } from '../../src/protocol/biometric.ts';
import { afterLastTry } from '../api/answer.ts';
import { addBiometric, offerBiometric } from '../api/biometric.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { Frame } from '../parts/frame.tsx';
import { Notice, Working } from '../parts/notice.tsx';
import { PinPad } from '../parts/pin-pad.tsx';
import type { Word } from '../words.ts';

type Step =
  | { at: 'pin'; mistake?: string }
  | { at: 'show'; options: CreationOptions; mistake?: string }
  | { at: 'working'; word: Word }
  | { at: 'done' };

/** Switches it on. */
export function Biometric({ device }: { device: string }): JSX.Element | null {
  const account = useApp().accounts.find((one) => one.device === device);
  return account ? <SwitchOn account={account} /> : null;
}

function SwitchOn({ account }: { account: Account }): JSX.Element {
  const { words, services, become, go, back, refresh } = useApp();
  const { say } = words;
  const { device } = account;
  const [step, setStep] = useState<Step>({ at: 'pin' });
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);

  const typed = async (pin: string) => {
    setStep({ at: 'working', word: 'ask.working.pin' });
    const answer = await offerBiometric(services, account, pin);
    if (answer.ok) {
      // The tap on the keys still counts for most browsers; the others want one more.
      return navigator.userActivation?.isActive ? show(answer.value) : setStep({ at: 'show', options: answer.value });
    }
    const failure = afterLastTry(answer.failure);
    const { code, remaining = 0 } = failure;
    if (code === 'wrong_pin') return setStep({ at: 'pin', mistake: say('ask.pin.wrong', { remaining }) });
    become({ name: 'problem', failure, again: { name: 'biometric', device } });
    if (code === 'device_removed') await refresh();
  };
  const show = async (options: CreationOptions) => {
    setStep({ at: 'working', word: 'biometric.waiting' });
    const added = await addBiometric(services, account, options, stop.current.signal);
    if (added.ok) {
      await refresh();
      return setStep({ at: 'done' });
    }
    if ('why' in added) {
      if (added.why !== 'stopped') setStep({ at: 'show', options, mistake: say('biometric.not_shown') });
      return;
    }
    const { code } = added.failure;
    if (code === 'wrong_biometric') return setStep({ at: 'pin', mistake: say('biometric.not_added') });
    become({ name: 'problem', failure: added.failure, again: { name: 'biometric', device } });
    if (code === 'device_removed') await refresh();
  };

  switch (step.at) {
    case 'pin':
      return (
        <Frame title={say('biometric.pin.title')}>
          <p>{say('biometric.pin.text')}</p>
          <PinPad
            bounds={account.metadata.pin}
            action={say('app.continue')}
            mistake={step.mistake}
            onPin={(pin) => void typed(pin)}
          />
          <button type="button" class="link" onClick={() => go({ name: 'forgotten', device })}>
            {say('pinchange.forgotten')}
          </button>
        </Frame>
      );
    case 'show':
      return (
        <Frame
          title={say('biometric.show.title')}
          sign={{ icon: 'finger', mood: 'plain' }}
          actions={
            <button type="button" class="primary wide" onClick={() => void show(step.options)}>
              {say('biometric.show.go')}
            </button>
          }
        >
          {step.mistake && <Notice mood="error">{step.mistake}</Notice>}
          <p class="lead">{say('biometric.show.text')}</p>
        </Frame>
      );
    case 'working':
      return (
        <Frame title={say('app.loading')}>
          <Working text={say(step.word)} />
        </Frame>
      );
    case 'done':
      return (
        <Frame
          title={say('biometric.done.title')}
          sign={{ icon: 'tick', mood: 'ok' }}
          top="none"
          actions={
            <button type="button" class="primary wide" onClick={back}>
              {say('done.button')}
            </button>
          }
        >
          <p class="lead">{say('biometric.done.text')}</p>
        </Frame>
      );
  }
}
