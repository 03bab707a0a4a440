// What a link brought, told before anything is sent: the person says whether it is to be followed.
import type { JSX } from 'preact';
import { isApple, isInstalled } from '../api/platform.ts';
import { useApp } from '../app-context.ts';
import type { Arrival } from '../arrival.ts';
import { Frame } from '../parts/frame.tsx';
import { Notice } from '../parts/notice.tsx';

/** The screen after a link. */
export function Arrived({
  arrival,
}: {
  arrival: Extract<Arrival, { kind: 'enrol' | 'open' | 'broken' }>;
}): JSX.Element {
  if (arrival.kind === 'enrol') return <EnrolLink token={arrival.token} />;
  return arrival.kind === 'open' ? <NoAccount /> : <Broken />;
}

function EnrolLink({ token }: { token: string }): JSX.Element {
  const { words, become, home, accounts } = useApp();
  const { say } = words;
  const add = () => become({ name: 'enrol', ticket: { token } });
  if (accounts.length > 0 || isInstalled())
    return (
      <Frame
        title={accounts.length > 0 ? say('arrive.add.title') : say('arrive.enrol.title')}
        top="none"
        actions={
          <>
            <button type="button" class="primary wide" onClick={add}>
              {say('arrive.add.go')}
            </button>
            <button type="button" class="secondary wide" onClick={home}>
              {say('arrive.add.no')}
            </button>
          </>
        }
      >
        <p class="lead">{say('arrive.add.text')}</p>
      </Frame>
    );
  return (
    <Frame
      title={say('arrive.enrol.title')}
      top="brand"
      actions={
        <>
          <button type="button" class="primary wide" onClick={add}>
            {say('arrive.enrol.here')}
          </button>
          <button type="button" class="secondary wide" onClick={home}>
            {say('arrive.add.no')}
          </button>
        </>
      }
    >
      <p class="lead">{say('arrive.enrol.text')}</p>
      <p>{say('arrive.enrol.app')}</p>
      {isApple() && <Notice mood="warn">{say('install.ios.first')}</Notice>}
    </Frame>
  );
}

function NoAccount(): JSX.Element {
  const { words, home } = useApp();
  const { say } = words;
  return (
    <Frame
      title={say('arrive.open.title')}
      sign={{ icon: 'phone', mood: 'plain' }}
      top="brand"
      actions={
        <button type="button" class="primary wide" onClick={home}>
          {say('app.home')}
        </button>
      }
    >
      <p class="lead">{say('arrive.open.text')}</p>
      <p>{say('arrive.open.app')}</p>
    </Frame>
  );
}

function Broken(): JSX.Element {
  const { words, home } = useApp();
  const { say } = words;
  return (
    <Frame
      title={say('arrive.broken.title')}
      sign={{ icon: 'warn', mood: 'warn' }}
      top="brand"
      actions={
        <button type="button" class="primary wide" onClick={home}>
          {say('app.home')}
        </button>
      }
    >
      <p class="lead">{say('arrive.broken.text')}</p>
    </Frame>
  );
}
