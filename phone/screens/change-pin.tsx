// A new PIN: the one of today, then the new one twice.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { pinProblem } from '../../src/protocol/pin.ts';
import { afterLastTry } from '../api/answer.ts';
import { changePin } from '../api/change-pin.ts';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';
import { PinPad } from '../parts/pin-pad.tsx';

type Step =
  | { at: 'old'; mistake?: string }
  | { at: 'new'; old: string; mistake?: string }
  | { at: 'repeat'; old: string; next: string }
  | { at: 'working' | 'done' | 'lost' };

/** The way to a new PIN. */
export function ChangePin({ device }: { device: string }): JSX.Element | null {
  const { words, accounts, services, become, go, home, back, refresh } = useApp();
  const { say } = words;
  const account = accounts.find((one) => one.device === device);
  const [step, setStep] = useState<Step>({ at: 'old' });
  if (!account) return null;
  const bounds = account.metadata.pin;
  const hadBiometric = account.biometric === true;

  const send = async (old: string, next: string) => {
    setStep({ at: 'working' });
    const answer = await changePin(services, account, { old, new: next }, () => undefined);
    if (answer.ok) return setStep({ at: 'done' });
    const failure = afterLastTry(answer.failure);
    const { code, remaining = 0 } = failure;
    if (code === 'offline') return setStep({ at: 'lost' });
    if (code === 'wrong_pin') return setStep({ at: 'old', mistake: say('ask.pin.wrong', { remaining }) });
    become({ name: 'problem', failure, again: { name: 'pin', device } });
    if (code === 'device_removed') await refresh();
  };
  const typed = (pin: string) => {
    if (step.at === 'old') return setStep({ at: 'new', old: pin });
    if (step.at === 'new') {
      const why = pinProblem(pin, bounds);
      const mistake = why && say(`pin.${why}`, { ...bounds });
      return setStep(mistake ? { ...step, mistake } : { at: 'repeat', old: step.old, next: pin });
    }
    if (step.at !== 'repeat') return;
    if (pin === step.next) return void send(step.old, pin);
    setStep({ at: 'new', old: step.old, mistake: say('enrol.repeat.differs') });
  };

  if (step.at === 'working')
    return (
      <Frame title={say('app.loading')} top="none">
        <Working text={say('pinchange.working')} />
      </Frame>
    );
  if (step.at === 'done' || step.at === 'lost')
    return (
      <Frame
        title={say(`pinchange.${step.at}.title`)}
        sign={step.at === 'done' ? { icon: 'tick', mood: 'ok' } : { icon: 'warn', mood: 'warn' }}
        top="none"
        actions={
          <button type="button" class="primary wide" onClick={home}>
            {say('app.home')}
          </button>
        }
      >
        <p class="lead">{say(`pinchange.${step.at}.text`)}</p>
        {hadBiometric && <p>{say('pinchange.biometric')}</p>}
      </Frame>
    );
  return (
    <Frame title={say(`pinchange.${step.at}.title`)} onBack={step.at === 'old' ? back : () => setStep({ at: 'old' })}>
      {step.at === 'new' && <p>{say('enrol.choose.text', { min: bounds.min })}</p>}
      <PinPad
        key={step.at}
        bounds={bounds}
        action={say('app.continue')}
        mistake={'mistake' in step ? step.mistake : undefined}
        onPin={typed}
      />
      {step.at === 'old' && (
        <button type="button" class="link" onClick={() => go({ name: 'forgotten', device })}>
          {say('pinchange.forgotten')}
        </button>
      )}
    </Frame>
  );
}

/** A PIN cannot be told: the way on is another enrolment, for which the phone has to be free. */
export function Forgotten({ device }: { device: string }): JSX.Element {
  const { words, go } = useApp();
  const { say } = words;
  return (
    <Frame
      title={say('pinchange.forgotten.title')}
      actions={
        <button type="button" class="danger-quiet wide" onClick={() => go({ name: 'unlink', device })}>
          {say('settings.unlink')}
        </button>
      }
    >
      <p class="lead">{say('pinchange.forgotten.text')}</p>
    </Frame>
  );
}
