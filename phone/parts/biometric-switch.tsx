// The switch for face or fingerprint in the settings: on by way of the PIN, off at once; where it cannot be had, why not.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { removeBiometric } from '../api/biometric.ts';
import { useApp } from '../app-context.ts';
import { type Ability, biometricAbility } from '../keys/biometric.ts';
import type { Account } from '../keys/store.ts';
import { Notice, Working } from './notice.tsx';

/** The state of one account with the way to change it. */
export function BiometricSwitch({ account }: { account: Account }): JSX.Element | null {
  const { words, services, go, refresh } = useApp();
  const { say } = words;
  const [ability, setAbility] = useState<Ability>();
  const [step, setStep] = useState<'still' | 'working' | 'unreached'>('still');
  useEffect(() => {
    void biometricAbility().then(setAbility);
  }, []);
  const on = account.biometric === true;
  const turnOff = async () => {
    setStep('working');
    const answer = await removeBiometric(services, account);
    setStep(answer.ok ? 'still' : 'unreached');
    await refresh();
  };
  if (ability === undefined) return null;
  return (
    <section>
      <h2>{say('biometric.title')}</h2>
      {(on || ability === 'able') && (
        <button
          type="button"
          class="switch"
          role="switch"
          aria-checked={on}
          disabled={step === 'working'}
          onClick={() => (on ? void turnOff() : go({ name: 'biometric', device: account.device }))}
        >
          <span>{say('biometric.switch')}</span>
          <span class="switch-track" aria-hidden="true" />
        </button>
      )}
      {step === 'working' && <Working text={say('settings.loading')} />}
      {step === 'unreached' && <Notice mood="error">{say('biometric.still_on')}</Notice>}
      <p class="soft">{say(ability === 'able' ? 'biometric.pin_stays' : `biometric.${ability}`)}</p>
    </section>
  );
}
