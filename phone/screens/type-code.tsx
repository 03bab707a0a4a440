// The typed way of adding an account: the sign-in name and the code that stand beside the QR code.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { readTypedCode } from '../../src/protocol/links.ts';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { Notice } from '../parts/notice.tsx';
import type { Word } from '../words.ts';

/** Asks name and code. */
export function TypeCode(): JSX.Element {
  const { words, become } = useApp();
  const { say } = words;
  const [mistake, setMistake] = useState<Word>();
  const send = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const login = String(typed.get('login') ?? '').trim();
    const code = readTypedCode(String(typed.get('code') ?? ''));
    if (login === '') return setMistake('type.login.missing');
    if (code === undefined) return setMistake('type.code.wrong');
    become({ name: 'enrol', ticket: { code, login } });
  };
  return (
    <Frame title={say('type.title')}>
      <p class="lead">{say('type.text')}</p>
      {mistake && <Notice mood="error">{say(mistake)}</Notice>}
      <form class="stack" onSubmit={send} noValidate>
        <label class="field">
          <span>{say('type.login')}</span>
          <input
            name="login"
            autocomplete="username"
            autocapitalize="none"
            autocorrect="off"
            spellcheck={false}
            aria-invalid={mistake === 'type.login.missing' ? 'true' : undefined}
          />
        </label>
        <label class="field">
          <span>{say('type.code')}</span>
          <input
            name="code"
            class="code-input"
            autocomplete="off"
            autocapitalize="characters"
            autocorrect="off"
            spellcheck={false}
            maxLength={20}
            aria-describedby="code-hint"
            aria-invalid={mistake === 'type.code.wrong' ? 'true' : undefined}
          />
          <span class="soft" id="code-hint">
            {say('type.code.hint')}
          </span>
        </label>
        <button type="submit" class="primary wide">
          {say('type.send')}
        </button>
      </form>
    </Frame>
  );
}
