// What did not work, in plain words, with the way on.
import type { JSX } from 'preact';
import type { Failure } from '../api/answer.ts';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { problemWords } from '../parts/problem-words.ts';
import type { Screen, Whose } from './screen.ts';

interface ProblemProps {
  failure: Failure;
  /** Where another try begins, for failures that pass. */
  again?: Screen | undefined;
  whose?: Whose | undefined;
}

/** A failure. Where the account cannot go on, the way on is to take it off this phone. */
export function Problem({ failure, again, whose }: ProblemProps): JSX.Element {
  const { words, accounts, become, go, home } = useApp();
  const { title, text, icon, passing } = problemWords(failure);
  const retry = again && (passing || failure.code === 'qr_stale') ? () => become(again) : undefined;
  const locked = failure.code === 'device_locked' || failure.code === 'device_cloned';
  const stuck = locked && accounts.find(({ device }) => device === whose?.device);
  return (
    <Frame
      title={words.say(title)}
      sign={{ icon, mood: passing ? 'plain' : 'warn' }}
      top="none"
      actions={
        <>
          {retry && (
            <button type="button" class="primary wide" onClick={retry}>
              {words.say('app.again')}
            </button>
          )}
          <button type="button" class={retry ? 'secondary wide' : 'primary wide'} onClick={home}>
            {words.say('app.home')}
          </button>
          {stuck && (
            <button
              type="button"
              class="danger-quiet wide"
              onClick={() => go({ name: 'unlink', device: stuck.device })}
            >
              {words.say('settings.unlink')}
            </button>
          )}
        </>
      }
    >
      {whose && <p class="soft">{words.say('code.for', { account: whose.name })}</p>}
      <p class="lead">{words.say(text)}</p>
    </Frame>
  );
}

/** The browser threw the keys away. */
export function Evicted({ count }: { count: number }): JSX.Element {
  const { words, services, home } = useApp();
  const go = () => {
    services.store.forgetEvicted();
    home();
  };
  return (
    <Frame
      title={words.say('problem.evicted.title')}
      sign={{ icon: 'warn', mood: 'warn' }}
      top="none"
      actions={
        <button type="button" class="primary wide" onClick={go}>
          {words.say('problem.evicted.go')}
        </button>
      }
    >
      <p class="lead">{words.say('problem.evicted.text', { count })}</p>
    </Frame>
  );
}
