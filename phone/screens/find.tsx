// Asks the provider about what was scanned or opened, and leads on: to the request, to the offline code, or to why not.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { findRequest, type Seen } from '../api/find-request.ts';
import { useApp } from '../app-context.ts';
import { Frame } from '../parts/frame.tsx';
import { Working } from '../parts/notice.tsx';
import type { Screen, SignInLink } from './screen.ts';

/** Shown for as long as the provider takes. */
export function Find({ seen, link }: { seen: Seen; link?: SignInLink | undefined }): JSX.Element {
  const { words, services, accounts, become, refresh } = useApp();
  const { say } = words;
  // Asked once; a code is good for some seconds only.
  useEffect(() => {
    let over = false;
    const active = accounts.filter((account) => account.state === 'active');
    void findRequest(services, active, seen).then(async (answer) => {
      if (over) return;
      if (answer.ok) {
        const { account, request } = answer.value;
        return become({ name: 'approve', device: account.device, request, ...(link && { link }) });
      }
      const { code } = answer.failure;
      if (link && code === 'offline') return become({ name: 'code', link, why: 'offline' });
      if (link && code === 'qr_stale') return become({ name: 'code', link, why: 'stale' });
      const again: Screen = seen.kind === 'claim' ? { name: 'scan', want: 'anything' } : { name: 'find', seen };
      become({ name: 'problem', failure: answer.failure, again });
      if (code === 'device_removed') await refresh();
    });
    return () => {
      over = true;
    };
  }, []);
  return (
    <Frame title={say('app.loading')}>
      <Working text={say('settings.loading')} />
    </Frame>
  );
}
