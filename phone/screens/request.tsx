// The question itself: the facts, the number where it is asked for, and three answers.
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { ContextFacts } from '../parts/facts.tsx';
import { Frame } from '../parts/frame.tsx';
import { Icon } from '../parts/icons.tsx';
import { Notice } from '../parts/notice.tsx';

interface RequestProps {
  account: Account;
  request: PendingTransaction;
  /** Seconds left. */
  left: number;
  /** On to the PIN. */
  yes: (number: string | undefined) => void;
  /** A yes by face or fingerprint, where that is switched on. */
  byBiometric: ((number: string | undefined) => void) | undefined;
  no: () => void;
  notMe: () => void;
}

/** Shows who asks. */
export function Request({ account, request, left, yes, byBiometric, no, notMe }: RequestProps): JSX.Element {
  const { words } = useApp();
  const { say } = words;
  const byService = request.kind === 'ciba';
  const digits = account.metadata.number_digits;
  const field = useRef<HTMLInputElement>(null);
  const [missing, setMissing] = useState(false);
  const answer = (how: (number: string | undefined) => void) => {
    if (!request.number_required) return how(undefined);
    const typed = (field.current?.value ?? '').replace(/\D/g, '');
    if (typed.length === digits) return how(typed);
    setMissing(true);
    field.current?.focus();
  };
  const send = (event: Event) => {
    event.preventDefault();
    answer(byBiometric ?? yes);
  };
  return (
    <Frame title={say('ask.title.service', { service: request.ctx.rp })}>
      <form onSubmit={send} noValidate class="stack">
        <ContextFacts context={request.ctx} account={account.name} details={request.details} />
        {byService && !request.number_required && <p class="soft">{say('ask.ciba')}</p>}
        {missing && (
          <Notice mood="error">{byService ? say('ask.ciba.number') : say('ask.number.missing', { digits })}</Notice>
        )}
        {request.number_required && (
          <label class="field">
            <span>{say(byService ? 'ask.ciba.number' : 'ask.number')}</span>
            <input
              ref={field}
              class="number-input"
              name="number"
              inputMode="numeric"
              autocomplete="off"
              maxLength={digits + 2}
              aria-describedby="number-hint"
              aria-invalid={missing ? 'true' : undefined}
            />
            <span class="soft" id="number-hint">
              {say(byService ? 'ask.ciba' : 'ask.number.hint')}
            </span>
          </label>
        )}
        <p class="soft centred">
          {left > 90 ? say('ask.left.minutes', { minutes: Math.round(left / 60) }) : say('ask.left', { seconds: left })}
        </p>
        <button type="submit" class="primary wide">
          {byBiometric && <Icon name="finger" />}
          <span>{say(byBiometric ? 'biometric.approve' : 'ask.next')}</span>
        </button>
        {byBiometric && (
          <button type="button" class="secondary wide" onClick={() => answer(yes)}>
            {say('biometric.use_pin')}
          </button>
        )}
        <button type="button" class="secondary wide" onClick={no}>
          {say('ask.deny')}
        </button>
        <button type="button" class="danger-quiet wide" onClick={notMe}>
          {say('ask.report')}
        </button>
      </form>
    </Frame>
  );
}
