// Help in the person's language, there without a network too.
import type { JSX } from 'preact';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';

const TOPICS = ['what', 'add', 'number', 'biometric', 'offline', 'new', 'lost', 'notme', 'who'] as const;

/** All topics on one page. */
export function Help(): JSX.Element {
  const { words, services } = useApp();
  const { host } = new URL(services.origin);
  return (
    <Frame title={words.say('help.title')} help={false}>
      {TOPICS.map((topic) => (
        <section key={topic}>
          <h2>{words.say(`help.${topic}`)}</h2>
          <p>{words.say(`help.${topic}.text`, { host })}</p>
        </section>
      ))}
      <p>
        <a href={`${services.origin}/help`} target="_blank" rel="noopener">
          {words.say('help.more')}
        </a>
      </p>
    </Frame>
  );
}
