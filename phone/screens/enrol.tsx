// Adding an account, question by question: whose account, the PIN, then ready, or six digits to type on the account page.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { pinProblem } from '../../src/protocol/pin.ts';
import type { Failure } from '../api/answer.ts';
import { beginEnrolment, completeEnrolment, type Enrolling, type Ticket } from '../api/enrol.ts';
import { useApp } from '../app-context.ts';
import { warmQrReader } from '../camera/qr-reader.ts';
import { Fact } from '../parts/facts.tsx';
import { Frame } from '../parts/frame.tsx';
import { MayGo } from '../parts/may-go.tsx';
import { Working } from '../parts/notice.tsx';
import { PinPad } from '../parts/pin-pad.tsx';

type Step =
  | { at: 'asking' }
  | { at: 'account'; enrolling: Enrolling }
  | { at: 'pin'; enrolling: Enrolling; mistake?: string }
  | { at: 'choose'; enrolling: Enrolling; mistake?: string }
  | { at: 'repeat'; enrolling: Enrolling; first: string }
  | { at: 'working'; word: 'enrol.working.pin' | 'enrol.working.send' }
  | { at: 'done'; name: string };

/** The whole way of adding an account. */
export function Enrol({ ticket }: { ticket: Ticket }): JSX.Element {
  const { words, services, become, home, refresh } = useApp();
  const { say } = words;
  const [step, setStep] = useState<Step>({ at: 'asking' });
  const begun = useRef(false);
  const problem = (failure: Failure) => become({ name: 'problem', failure, again: { name: 'enrol', ticket } });
  // The offer is claimed once.
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    void beginEnrolment(services, ticket).then((answer) =>
      answer.ok ? setStep({ at: 'account', enrolling: answer.value }) : problem(answer.failure),
    );
  }, []);

  const finish = async (enrolling: Enrolling, pin: string) => {
    const answer = await completeEnrolment(services, enrolling, pin, (part) =>
      setStep({ at: 'working', word: `enrol.working.${part}` }),
    );
    if (answer.ok) {
      await refresh();
      void warmQrReader();
      if (answer.value.state === 'confirm') return become({ name: 'check', device: answer.value.device });
      return setStep({ at: 'done', name: answer.value.name });
    }
    if (answer.failure.code === 'wrong_pin')
      return setStep({
        at: 'pin',
        enrolling,
        mistake: say('enrol.pin.wrong', { remaining: answer.failure.remaining ?? 0 }),
      });
    problem(answer.failure);
  };

  switch (step.at) {
    case 'asking':
      return (
        <Frame title={say('app.loading')}>
          <Working text={say('enrol.asking', { host: new URL(services.origin).host })} />
        </Frame>
      );
    case 'account':
      return (
        <WhoseAccount
          enrolling={step.enrolling}
          yes={() =>
            setStep({ at: step.enrolling.metadata.pin.setup === 'phone' ? 'choose' : 'pin', enrolling: step.enrolling })
          }
        />
      );
    case 'pin':
      return (
        <Frame title={say('enrol.pin.title')} onBack={home}>
          <p class="lead">{say('enrol.pin.text')}</p>
          <PinPad
            bounds={step.enrolling.metadata.pin}
            action={say('app.continue')}
            mistake={step.mistake}
            onPin={(pin) => void finish(step.enrolling, pin)}
          />
        </Frame>
      );
    case 'choose':
    case 'repeat':
      return <ChoosePin step={step} set={setStep} chosen={(enrolling, pin) => void finish(enrolling, pin)} />;
    case 'working':
      return (
        <Frame title={say('app.loading')} top="none">
          <Working text={say(step.word)} />
        </Frame>
      );
    case 'done':
      return (
        <Frame
          title={say('enrol.done.title')}
          sign={{ icon: 'tick', mood: 'ok' }}
          top="none"
          actions={
            <button type="button" class="primary wide" onClick={home}>
              {say('enrol.done.next')}
            </button>
          }
        >
          <p class="lead">{say('enrol.done.text', { account: step.name })}</p>
          <MayGo />
        </Frame>
      );
  }
}

function WhoseAccount({ enrolling, yes }: { enrolling: Enrolling; yes: () => void }): JSX.Element {
  const { words, services, home } = useApp();
  const { say } = words;
  return (
    <Frame
      title={say('enrol.account.title')}
      top="none"
      actions={
        <>
          <button type="button" class="primary wide" onClick={yes}>
            {say('enrol.account.yes')}
          </button>
          <button type="button" class="secondary wide" onClick={home}>
            {say('enrol.account.no')}
          </button>
        </>
      }
    >
      <dl class="facts">
        <Fact name={say('enrol.account')}>
          <strong>{enrolling.offer.account}</strong>
        </Fact>
        <Fact name={say('enrol.device')}>{enrolling.offer.device_name}</Fact>
        <Fact name={say('enrol.server')}>{new URL(services.origin).host}</Fact>
      </dl>
    </Frame>
  );
}

interface ChoosePinProps {
  step: Extract<Step, { at: 'choose' | 'repeat' }>;
  set: (step: Step) => void;
  chosen: (enrolling: Enrolling, pin: string) => void;
}

function ChoosePin({ step, set, chosen }: ChoosePinProps): JSX.Element {
  const { say } = useApp().words;
  const { enrolling } = step;
  const bounds = enrolling.metadata.pin;
  const first = (pin: string) => {
    const why = pinProblem(pin, bounds);
    if (why) set({ at: 'choose', enrolling, mistake: say(`pin.${why}`, { ...bounds }) });
    else set({ at: 'repeat', enrolling, first: pin });
  };
  const second = (pin: string) => {
    if (step.at === 'repeat' && pin === step.first) chosen(enrolling, pin);
    else set({ at: 'choose', enrolling, mistake: say('enrol.repeat.differs') });
  };
  const repeat = step.at === 'repeat';
  return (
    <Frame
      title={say(repeat ? 'enrol.repeat.title' : 'enrol.choose.title')}
      onBack={() => set({ at: 'account', enrolling })}
    >
      <p class="lead">{say(repeat ? 'enrol.repeat.text' : 'enrol.choose.text', { min: bounds.min })}</p>
      <PinPad
        key={step.at}
        bounds={bounds}
        action={say('app.continue')}
        mistake={step.at === 'choose' ? step.mistake : undefined}
        onPin={repeat ? second : first}
      />
    </Frame>
  );
}
