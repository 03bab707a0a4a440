// A request: who asks, the number of the other screen, the PIN, yes; and no as easy as yes.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { afterLastTry, type Failure } from '../api/answer.ts';
import { approve, decline } from '../api/respond.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { useSecondsLeft } from '../parts/countdown.ts';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';
import { ApprovePin } from './approve-pin.tsx';
import { Request } from './request.tsx';
import type { SignInLink } from './screen.ts';

type Step =
  | { at: 'request'; mistake?: string }
  | { at: 'pin'; number?: string; mistake?: string; waitUntil?: number }
  | { at: 'report' }
  | { at: 'working'; word: 'ask.working.pin' | 'ask.working.send' }
  | { at: 'done'; what: 'approved' | 'denied' | 'reported' };

interface ApproveProps {
  device: string;
  request: PendingTransaction;
  link?: SignInLink | undefined;
}

/** A request of one account; where the account has gone, nothing is asked. */
export function Approve(props: ApproveProps): JSX.Element | null {
  const { accounts, home } = useApp();
  const known = useRef(accounts.find((one) => one.device === props.device));
  const account = known.current;
  useEffect(() => {
    if (!account) home();
  }, [account, home]);
  return account ? <Asked {...props} account={account} /> : null;
}

function Asked({ account, request, link }: ApproveProps & { account: Account }): JSX.Element {
  const { words, services, become, home, refresh } = useApp();
  const { say } = words;
  const [step, setStep] = useState<Step>({ at: 'request' });
  const left = useSecondsLeft(request.exp, services.api.clock.seconds);
  const answered = step.at === 'done' || step.at === 'working';
  const refused = async (failure: Failure) => {
    if (link && failure.code === 'offline') return become({ name: 'code', link, why: 'offline' });
    become({
      name: 'problem',
      failure,
      whose: { device: account.device, name: account.name },
      again: { name: 'approve', device: account.device, request, ...(link && { link }) },
    });
    if (failure.code === 'device_removed') await refresh();
  };
  useGone(request, answered, left, () => void refused({ code: 'expired' }));

  const yes = async (pin: string, number?: string) => {
    const proof = { pin, ...(number !== undefined && { number }) };
    const answer = await approve(services, account, request, proof, (part) =>
      setStep({ at: 'working', word: `ask.working.${part}` }),
    );
    if (answer.ok) return setStep({ at: 'done', what: 'approved' });
    const failure = afterLastTry(answer.failure);
    const { code, remaining, retryAfter = 0 } = failure;
    if (code !== 'wrong_pin' && code !== 'pin_backoff') return refused(failure);
    setStep({
      at: 'pin',
      ...(number !== undefined && { number }),
      mistake:
        code === 'wrong_pin' ? say('ask.pin.wrong', { remaining: remaining ?? 0 }) : say('problem.pin_backoff.text'),
      ...(retryAfter > 0 && { waitUntil: services.api.clock.seconds() + retryAfter }),
    });
  };
  const no = async (decision: 'deny' | 'report') => {
    setStep({ at: 'working', word: 'ask.working.send' });
    const answer = await decline(services, account, request, decision);
    if (answer.ok) return setStep({ at: 'done', what: decision === 'deny' ? 'denied' : 'reported' });
    await refused(answer.failure);
  };

  switch (step.at) {
    case 'request':
      return (
        <Request
          account={account}
          request={request}
          left={left}
          yes={(number) => setStep({ at: 'pin', ...(number !== undefined && { number }) })}
          no={() => void no('deny')}
          notMe={() => setStep({ at: 'report' })}
        />
      );
    case 'pin':
      return (
        <ApprovePin
          account={account}
          request={request}
          mistake={step.mistake}
          waitUntil={step.waitUntil}
          back={() => setStep({ at: 'request' })}
          onPin={(pin) => void yes(pin, step.number)}
        />
      );
    case 'report':
      return <Report yes={() => void no('report')} back={() => setStep({ at: 'request' })} />;
    case 'working':
      return (
        <Frame title={say('app.loading')} top="none">
          <Working text={say(step.word)} />
        </Frame>
      );
    case 'done':
      return <Answered what={step.what} home={home} />;
  }
}

/** Ends the screen when the time is over, or when the request was answered elsewhere. */
function useGone(request: PendingTransaction, answered: boolean, left: number, gone: () => void): void {
  const { requests } = useApp();
  const listed = Object.values(requests).some((list) => list.some(({ txn }) => txn === request.txn));
  const wasListed = useRef(listed);
  if (listed) wasListed.current = true;
  // Only these three end the request.
  useEffect(() => {
    if (!answered && (left === 0 || (wasListed.current && !listed))) gone();
  }, [answered, left === 0, listed]);
}

function Report({ yes, back }: { yes: () => void; back: () => void }): JSX.Element {
  const { say } = useApp().words;
  return (
    <Frame
      title={say('ask.report.title')}
      sign={{ icon: 'warn', mood: 'warn' }}
      onBack={back}
      actions={
        <>
          <button type="button" class="danger wide" onClick={yes}>
            {say('ask.report.yes')}
          </button>
          <button type="button" class="secondary wide" onClick={back}>
            {say('ask.report.no')}
          </button>
        </>
      }
    >
      <p class="lead">{say('ask.report.text')}</p>
    </Frame>
  );
}

function Answered({ what, home }: { what: 'approved' | 'denied' | 'reported'; home: () => void }): JSX.Element {
  const { say } = useApp().words;
  return (
    <Frame
      title={say(`done.${what}.title`)}
      sign={what === 'approved' ? { icon: 'tick', mood: 'ok' } : { icon: 'no', mood: 'plain' }}
      top="none"
      actions={
        <button type="button" class="primary wide" onClick={home}>
          {say('done.button')}
        </button>
      }
    >
      <p class="lead">{say(`done.${what}.text`)}</p>
    </Frame>
  );
}
