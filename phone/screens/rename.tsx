// A new name for this phone, as the account page will show it.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { Notice } from '../parts/notice.tsx';

/** Asks the name. */
export function Rename({ device }: { device: string }): JSX.Element {
  const { words, accounts, services, back, become, refresh, announce } = useApp();
  const { say } = words;
  const account = accounts.find((one) => one.device === device);
  const [wrong, setWrong] = useState(false);
  const save = async (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    if (name === '' || [...name].length > 40) return setWrong(true);
    if (!account) return back();
    const answer = await services.api.ask(account, 'rename', { name });
    if (answer.ok) {
      await services.store.change(device, (now) => ({ ...now, deviceName: name }));
      await refresh();
      announce(say('settings.rename.done'));
      return back();
    }
    become({ name: 'problem', failure: answer.failure, again: { name: 'rename', device } });
    if (answer.failure.code === 'device_removed') await refresh();
  };
  return (
    <Frame title={say('settings.rename')}>
      {wrong && <Notice mood="error">{say('settings.rename.wrong')}</Notice>}
      <form class="stack" onSubmit={(event) => void save(event)} noValidate>
        <label class="field">
          <span>{say('settings.rename.label')}</span>
          <input
            name="name"
            defaultValue={account?.deviceName ?? ''}
            maxLength={60}
            autocomplete="off"
            aria-describedby="name-hint"
          />
          <span class="soft" id="name-hint">
            {say('settings.rename.hint')}
          </span>
        </label>
        <button type="submit" class="primary wide">
          {say('settings.rename.save')}
        </button>
      </form>
    </Frame>
  );
}
