// A request: who asks, the number of the other screen, the PIN, yes; and no as easy as yes.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { afterLastTry, type Failure } from '../api/answer.ts';
import { approve, decline, type Proof } from '../api/respond.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { useSecondsLeft } from '../parts/countdown.ts';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';
import { ApproveBiometric, useBiometric } from './approve-biometric.tsx';
import { Answered, Report } from './approve-ends.tsx';
import { ApprovePin } from './approve-pin.tsx';
import { Request } from './request.tsx';
import type { SignInLink } from './screen.ts';

type Step =
  | { at: 'request'; mistake?: string }
  | { at: 'pin'; number?: string; mistake?: string; waitUntil?: number }
  | { at: 'biometric'; number?: string }
  | { at: 'report' }
  | { at: 'working'; word: 'ask.working.pin' | 'ask.working.send' }
  | { at: 'done'; what: 'approved' | 'denied' | 'reported' };

interface ApproveProps {
  device: string;
  request: PendingTransaction;
  link?: SignInLink | undefined;
}

const numbered = (number: string | undefined) => number !== undefined && { number };

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
  const { words, services, become, home, refresh, answered: tookAnswer } = useApp();
  const { say } = words;
  const [step, setStep] = useState<Step>({ at: 'request' });
  const biometric = useBiometric(account, request);
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

  const done = (what: 'approved' | 'denied' | 'reported') => {
    tookAnswer(request.txn);
    setStep({ at: 'done', what });
  };
  const toPin = (number: string | undefined, more: { mistake?: string; waitUntil?: number } = {}) =>
    setStep({ at: 'pin', ...numbered(number), ...more });
  const yes = async (proof: Proof) => {
    const answer = await approve(services, account, request, proof, (part) =>
      setStep({ at: 'working', word: `ask.working.${part}` }),
    );
    if (answer.ok) return done('approved');
    await notYet(afterLastTry(answer.failure), proof.number);
  };
  /** What the PIN may put right leads to the PIN. */
  const notYet = async (failure: Failure, number: string | undefined) => {
    const { code, remaining = 0, retryAfter = 0 } = failure;
    const wait = retryAfter > 0 && { waitUntil: services.api.clock.seconds() + retryAfter };
    if (code === 'no_biometric' || code === 'wrong_biometric') {
      biometric.end(code === 'no_biometric');
      return toPin(number, { mistake: say(code === 'no_biometric' ? 'biometric.gone' : 'biometric.refused') });
    }
    if (code === 'wrong_pin') return toPin(number, { mistake: say('ask.pin.wrong', { remaining }), ...wait });
    if (code === 'pin_backoff') return toPin(number, { mistake: say('problem.pin_backoff.text'), ...wait });
    return refused(failure);
  };
  const byBiometric = async (number: string | undefined) => {
    setStep({ at: 'biometric', ...numbered(number) });
    const shown = await biometric.show(number);
    if (shown.ok) return yes({ assertion: shown.value, ...numbered(number) });
    if ('failure' in shown) return notYet(shown.failure, number);
    if (shown.why === 'stopped') return;
    if (shown.why === 'failed') biometric.end(false);
    toPin(number, { mistake: say(`biometric.${shown.why}`) });
  };
  const no = async (decision: 'deny' | 'report') => {
    setStep({ at: 'working', word: 'ask.working.send' });
    const answer = await decline(services, account, request, decision);
    if (answer.ok) return done(decision === 'deny' ? 'denied' : 'reported');
    await refused(answer.failure);
  };

  switch (step.at) {
    case 'request':
      return (
        <Request
          account={account}
          request={request}
          left={left}
          yes={toPin}
          byBiometric={biometric.usable ? (number) => void byBiometric(number) : undefined}
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
          onPin={(pin) => void yes({ pin, ...numbered(step.number) })}
        />
      );
    case 'biometric':
      return (
        <ApproveBiometric
          usePin={() => {
            biometric.stop();
            toPin(step.number);
          }}
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
