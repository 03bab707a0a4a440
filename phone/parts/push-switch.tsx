// Notifications: how they stand, and one button to change that. The browser's own question comes only after a tap.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type PushState, pushState, turnPushOff, turnPushOn } from '../api/push.ts';
import { useApp } from '../app-context.ts';
import { Notice, Working } from './notice.tsx';

type Step = PushState | 'asking' | 'working' | 'failed';

/** The state of push with the ways to change it. */
function usePush(): { step: Step; turnOn(): void; turnOff(): void } {
  const { services, accounts } = useApp();
  const [step, setStep] = useState<Step>('asking');
  useEffect(() => {
    void pushState(services).then(setStep);
  }, [accounts.length]);
  return {
    step,
    turnOn() {
      setStep('working');
      void turnPushOn(services).then(setStep);
    },
    turnOff() {
      void turnPushOff(services).then(() => setStep('off'));
    },
  };
}

/** The switch in the settings. */
export function PushSwitch(): JSX.Element | null {
  const { say } = useApp().words;
  const { step, turnOn, turnOff } = usePush();
  if (step === 'none' || step === 'asking') return null;
  return (
    <section>
      <h2>{say('push.title')}</h2>
      {step === 'working' ? <Working text={say('push.working')} /> : <p role="status">{say(`push.${step}`)}</p>}
      {step === 'on' && (
        <button type="button" class="secondary wide" onClick={turnOff}>
          {say('push.turn_off')}
        </button>
      )}
      {(step === 'off' || step === 'failed') && (
        <button type="button" class="secondary wide" onClick={turnOn}>
          {say('push.turn_on')}
        </button>
      )}
    </section>
  );
}

/** The offer on the start, until the person has answered it once. */
export function PushOffer(): JSX.Element | null {
  const { words, services } = useApp();
  const { say } = words;
  const { step, turnOn } = usePush();
  const [answered, setAnswered] = useState(true);
  useEffect(() => {
    void services.store.wantsPush().then((wants) => setAnswered(wants !== undefined));
  }, []);
  const later = () => {
    setAnswered(true);
    void services.store.setWantsPush(false);
  };
  if (step === 'working') return <Working text={say('push.working')} />;
  if (step === 'failed') return <Notice mood="warn">{say('push.failed')}</Notice>;
  if (answered || step !== 'off') return null;
  return (
    <Notice mood="plain">
      <p>{say('push.offer')}</p>
      <button type="button" class="link" onClick={turnOn}>
        {say('push.turn_on')}
      </button>{' '}
      <button type="button" class="link" onClick={later}>
        {say('push.later')}
      </button>
    </Notice>
  );
}
