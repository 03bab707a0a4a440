// Takes an account off this phone, after a question; where the provider does not answer, at least the keys here.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';

/** Asks before anything is deleted. */
export function Unlink({ device }: { device: string }): JSX.Element {
  const { words, accounts, services, back, home, refresh, announce } = useApp();
  const { say } = words;
  const account = accounts.find((one) => one.device === device);
  const [step, setStep] = useState<'ask' | 'working' | 'unreached'>('ask');
  const name = account?.name ?? '';
  const deleteHere = async () => {
    await services.store.remove(device);
    await refresh();
    announce(say('settings.unlink.done', { account: name }));
    home();
  };
  const remove = async () => {
    if (!account) return home();
    setStep('working');
    const answer = await services.api.ask(account, 'unlink');
    if (answer.ok || answer.failure.code === 'device_removed') return deleteHere();
    setStep('unreached');
  };
  if (step === 'working')
    return (
      <Frame title={say('app.loading')} top="none">
        <Working text={say('settings.loading')} />
      </Frame>
    );
  const unreached = step === 'unreached';
  return (
    <Frame
      title={unreached ? say('settings.unlink.local.title') : say('settings.unlink.title', { account: name })}
      sign={{ icon: 'warn', mood: 'warn' }}
      actions={
        <>
          <button type="button" class="danger wide" onClick={() => void (unreached ? deleteHere() : remove())}>
            {say(unreached ? 'settings.unlink.local.yes' : 'settings.unlink.yes')}
          </button>
          <button type="button" class="secondary wide" onClick={back}>
            {say('settings.unlink.no')}
          </button>
        </>
      }
    >
      <p class="lead">{say(unreached ? 'settings.unlink.local.text' : 'settings.unlink.text')}</p>
    </Frame>
  );
}
