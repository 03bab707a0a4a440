// Who asks, from which browser and place, when and what for: what the person must see before they answer.
import type { ComponentChildren, JSX } from 'preact';
import type { Context } from '../../src/protocol/context.ts';
import { useApp } from '../app-context.ts';
import type { Word, Words } from '../words.ts';

/** One fact with its name. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The facts of a request. @param account whose it is. */
export function ContextFacts({
  context,
  account,
  details,
}: {
  context: Context;
  account: string;
  details?: string | undefined;
}): JSX.Element {
  const { words, services } = useApp();
  const now = services.api.clock.seconds();
  return (
    <dl class="facts">
      <Fact name={words.say('ask.service')}>
        <strong>{context.rp}</strong>
      </Fact>
      {context.binding && <Fact name={words.say('ask.details')}>{context.binding}</Fact>}
      {details && details !== context.binding && <Fact name={words.say('ask.details')}>{details}</Fact>}
      {context.browser && <Fact name={words.say('ask.browser')}>{context.browser}</Fact>}
      {(context.country || context.ip) && (
        <Fact name={words.say('ask.place')}>
          {context.country && <span>{words.country(context.country)} </span>}
          {context.ip && <span class="soft">{context.ip}</span>}
        </Fact>
      )}
      <Fact name={words.say('ask.when')}>
        {words.relative(context.at, now)} <span class="soft">({words.absolute(context.at)})</span>
      </Fact>
      <Fact name={words.say('ask.why')}>{levelWords(words, context.level)}</Fact>
      <Fact name={words.say('ask.account')}>{account}</Fact>
    </dl>
  );
}

const LEVELS: Record<string, Word> = {
  basic: 'ask.level.basic',
  mfa: 'ask.level.mfa',
  phr: 'ask.level.phr',
  phrh: 'ask.level.phrh',
};

/** A level in plain words; levels of the operator's own are told by their name. */
function levelWords(words: Words, level: string): string {
  const known = Object.hasOwn(LEVELS, level) ? LEVELS[level] : undefined;
  return known ? words.say(known) : words.say('ask.level.other', { level });
}
