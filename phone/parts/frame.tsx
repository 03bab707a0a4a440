// The frame of a screen: a bar with the way back, one heading that takes the focus, the content, and the actions below it.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { titleNames } from '../title.ts';
import { Icon, type IconName, Mark } from './icons.tsx';

interface FrameProps {
  title: string;
  /** A drawing over the heading, with its mood. */
  sign?: { icon: IconName; mood: 'ok' | 'error' | 'warn' | 'plain' };
  children?: ComponentChildren;
  /** What the person can do, the main action first. */
  actions?: ComponentChildren;
  /** Without a way back: the start, or something that must be answered. */
  top?: 'brand' | 'back' | 'none';
  /** The way to the help; the help itself has none. */
  help?: boolean;
  /** In place of going back one screen. */
  onBack?: () => void;
}

/** One screen. The heading is focused when it appears, so that screen readers begin there. */
export function Frame({ title, sign, children, actions, top = 'back', help = true, onBack }: FrameProps): JSX.Element {
  const { words, back } = useApp();
  const heading = useRef<HTMLHeadingElement>(null);
  // A new heading is a new question, and is read out.
  useEffect(() => {
    titleNames(title);
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <div class="frame">
      <header class="bar">
        {top === 'back' ? (
          <button type="button" class="quiet icon-button" onClick={onBack ?? back}>
            <Icon name="back" />
            <span>{words.say('app.back')}</span>
          </button>
        ) : (
          <Brand />
        )}
        {help && <BarMenu settings={top === 'brand'} />}
      </header>
      <main class="content">
        {sign && (
          <div class={`sign sign-${sign.mood}`}>
            <Icon name={sign.icon} />
          </div>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
      </main>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

function Brand(): JSX.Element {
  const { words } = useApp();
  return (
    <span class="brand">
      <Mark />
      <span>{words.say('app.name')}</span>
    </span>
  );
}

function BarMenu({ settings }: { settings: boolean }): JSX.Element {
  const { words, go, accounts } = useApp();
  return (
    <nav class="bar-menu" aria-label={words.say(settings ? 'app.settings' : 'app.help')}>
      <button
        type="button"
        class="quiet icon-only"
        onClick={() => go({ name: 'help' })}
        aria-label={words.say('app.help')}
      >
        <Icon name="help" />
      </button>
      {settings && accounts.length > 0 && (
        <button
          type="button"
          class="quiet icon-only"
          onClick={() => go({ name: 'settings' })}
          aria-label={words.say('app.settings')}
        >
          <Icon name="gear" />
        </button>
      )}
    </nav>
  );
}
