// What did not work, in plain words, with the way on.
import type { JSX } from 'preact';
import type { Failure } from '../api/answer.ts';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { problemWords } from '../parts/problem-words.ts';
import type { Screen } from './screen.ts';

/** A failure. @param again where another try begins, for failures that pass. */
export function Problem({ failure, again }: { failure: Failure; again?: Screen | undefined }): JSX.Element {
  const { words, become, home } = useApp();
  const { title, text, icon, passing } = problemWords(failure);
  const retry = again && (passing || failure.code === 'qr_stale') ? () => become(again) : undefined;
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
        </>
      }
    >
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
