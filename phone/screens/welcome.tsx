// The first run: what this is, how an account comes in, and how the app gets onto the home screen.
import type { JSX } from 'preact';
import { isApple, isInstalled } from '../api/platform.ts';
import { useApp } from '../app-context.ts';
import { useInstallPrompt } from '../install.ts';
import { Frame } from '../parts/frame.tsx';
import { Icon, type IconName } from '../parts/icons.tsx';
import { Notice } from '../parts/notice.tsx';
import type { Word } from '../words.ts';

const POINTS: readonly (readonly [IconName, Word])[] = [
  ['eye', 'welcome.point.see'],
  ['lock', 'welcome.point.pin'],
  ['cloud', 'welcome.point.offline'],
];

/** Shown where there is no account yet, and again for adding one more. */
export function Welcome(): JSX.Element {
  const { words, go, accounts } = useApp();
  const { say } = words;
  return (
    <Frame
      title={say('welcome.title')}
      top={accounts.length > 0 ? 'back' : 'brand'}
      actions={
        <>
          <button type="button" class="primary wide" onClick={() => go({ name: 'scan', want: 'account' })}>
            <Icon name="scan" />
            <span>{say('welcome.add')}</span>
          </button>
          <button type="button" class="secondary wide" onClick={() => go({ name: 'type' })}>
            <Icon name="keyboard" />
            <span>{say('welcome.type')}</span>
          </button>
        </>
      }
    >
      <p class="lead">{say('welcome.text')}</p>
      <ul class="points">
        {POINTS.map(([icon, word]) => (
          <li key={word}>
            <Icon name={icon} />
            <span>{say(word)}</span>
          </li>
        ))}
      </ul>
      {isApple() && !isInstalled() && <Notice mood="warn">{say('install.ios.first')}</Notice>}
      <p class="soft">{say('welcome.where')}</p>
      {!isInstalled() && <InstallHelp />}
    </Frame>
  );
}

/** How to put the app on the home screen; with a button where the browser offers one. */
export function InstallHelp(): JSX.Element {
  const { words } = useApp();
  const { say } = words;
  const install = useInstallPrompt();
  return (
    <details class="more">
      <summary>{say('install.title')}</summary>
      <p>{say('install.why')}</p>
      {install && (
        <button type="button" class="secondary wide" onClick={install}>
          {say('install.button')}
        </button>
      )}
      <h2>{say('install.ios')}</h2>
      <p>{say('install.ios.text')}</p>
      <h2>{say('install.android')}</h2>
      <p>{say('install.android.text')}</p>
    </details>
  );
}
