// The PIN for a yes, with what is left of the tries and the wait after wrong ones.
import type { JSX } from 'preact';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { useApp } from '../app-context.ts';
import type { Account } from '../keys/store.ts';
import { useSecondsLeft } from '../parts/countdown.ts';
import { Frame } from '../parts/frame.tsx';
import { Notice } from '../parts/notice.tsx';
import { PinPad } from '../parts/pin-pad.tsx';

interface ApprovePinProps {
  account: Account;
  request: PendingTransaction;
  mistake: string | undefined;
  /** Seconds by the provider's clock until which no try is taken. */
  waitUntil: number | undefined;
  back: () => void;
  onPin: (pin: string) => void;
}

/** Asks the PIN. */
export function ApprovePin({ account, request, mistake, waitUntil, back, onPin }: ApprovePinProps): JSX.Element {
  const { words, services, go } = useApp();
  const { say } = words;
  const wait = useSecondsLeft(waitUntil, services.api.clock.seconds);
  return (
    <Frame title={say('ask.pin.title')} onBack={back}>
      <p class="lead">{say('ask.pin.service', { service: request.ctx.rp })}</p>
      {wait > 0 && (
        <Notice mood="warn">
          {wait > 90
            ? say('ask.pin.wait.minutes', { minutes: Math.ceil(wait / 60) })
            : say('ask.pin.wait', { seconds: wait })}
        </Notice>
      )}
      <PinPad
        bounds={account.metadata.pin}
        action={say('ask.approve')}
        mistake={mistake}
        blocked={wait > 0}
        onPin={onPin}
      />
      <button type="button" class="link" onClick={() => go({ name: 'forgotten', device: account.device })}>
        {say('pinchange.forgotten')}
      </button>
    </Frame>
  );
}
