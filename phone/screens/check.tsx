// Six digits that only this phone got, for the person to type into the account page (`pin.setup: phone`).
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { confirmed } from '../api/enrol.ts';
import { useApp } from '../app-context.ts';
import { Digits } from '../parts/digits.tsx';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';

const EACH = 2_000;

/** Shows the digits until the account page has them. */
export function Check({ device }: { device: string }): JSX.Element {
  const { words, accounts, services, become, home, refresh } = useApp();
  const { say } = words;
  const account = accounts.find((one) => one.device === device);
  // One watch for each device.
  useEffect(() => {
    if (!account) return;
    let over = false;
    const look = async () => {
      while (!over) {
        const state = await confirmed(services, account);
        if (over) return;
        if (state === 'yes') {
          await refresh();
          return home();
        }
        if (state === 'over') {
          become({ name: 'problem', failure: { code: 'enrolment_cancelled' } });
          return refresh();
        }
        await new Promise((resolve) => setTimeout(resolve, EACH));
      }
    };
    void look();
    return () => {
      over = true;
    };
  }, [device]);
  return (
    <Frame title={say('enrol.check.title')} onBack={home}>
      <Digits value={account?.check?.digits ?? ''} group={3} />
      <p class="lead">{say('enrol.check.text')}</p>
      <Working text={say('enrol.check.waiting')} />
    </Frame>
  );
}
