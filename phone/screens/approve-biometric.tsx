// A yes by face or fingerprint: asked of the phone in a tap, and at any moment left for the PIN.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Assertion } from '../../src/protocol/biometric.ts';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { biometricFor, type NoBiometric, noteBiometric, showBiometric } from '../api/biometric.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';

/** Face or fingerprint for one request. */
export interface BiometricProof {
  /** Whether it is offered. */
  usable: boolean;
  /** Asks the phone. To be called in a tap. */
  show(number: string | undefined): Promise<{ ok: true; value: Assertion } | NoBiometric>;
  /** The person has chosen the PIN. */
  stop(): void;
  /** Offers it no more for this request; `gone`: for no other one either. */
  end(gone: boolean): void;
}

/** The biometric of an account for a request. */
export function useBiometric(account: Account, request: PendingTransaction): BiometricProof {
  const { services, refresh } = useApp();
  const [usable, setUsable] = useState(account.biometric === true);
  const question = useRef<AbortController>(undefined);
  const wanted = useRef<ReturnType<typeof biometricFor>>(undefined);
  useEffect(() => {
    if (usable) wanted.current = biometricFor(services, account, request);
    return () => question.current?.abort();
  }, []);
  return {
    usable,
    async show(number) {
      question.current = new AbortController();
      const { signal: stop } = question.current;
      wanted.current ??= biometricFor(services, account, request);
      const answer = await wanted.current;
      if (answer.ok) return showBiometric(account, request, { wanted: answer.value, number, stop });
      // The next tap asks anew: a network may be back by then.
      wanted.current = undefined;
      return stop.aborted ? { ok: false, why: 'stopped' } : answer;
    },
    stop: () => question.current?.abort(),
    end(gone) {
      setUsable(false);
      if (gone) void noteBiometric(services, account.device, false).then(refresh);
    },
  };
}

/** Shown while the phone asks. */
export function ApproveBiometric({ usePin }: { usePin: () => void }): JSX.Element {
  const { say } = useApp().words;
  return (
    <Frame
      title={say('biometric.show.title')}
      sign={{ icon: 'finger', mood: 'plain' }}
      top="none"
      actions={
        <button type="button" class="secondary wide" onClick={usePin}>
          {say('biometric.use_pin')}
        </button>
      }
    >
      <Working text={say('biometric.waiting')} />
    </Frame>
  );
}
