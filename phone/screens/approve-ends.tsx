// The ends of a request: the question before a report, and what was answered.
import type { JSX } from 'preact';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';

/** Asks before a stranger is reported. */
export function Report({ yes, back }: { yes: () => void; back: () => void }): JSX.Element {
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

/** What became of the request. */
export function Answered({ what, home }: { what: 'approved' | 'denied' | 'reported'; home: () => void }): JSX.Element {
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
