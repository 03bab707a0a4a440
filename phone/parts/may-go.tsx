// What the browser answered when it was asked to keep the keys: said only where it refused.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { Notice } from './notice.tsx';

/** A warning where the browser may throw the keys away. */
export function MayGo(): JSX.Element | null {
  const { say } = useApp().words;
  const [kept, setKept] = useState<boolean>();
  useEffect(() => {
    void navigator.storage?.persisted?.().then(setKept);
  }, []);
  return kept === false ? <Notice mood="warn">{say('settings.storage.may_go')}</Notice> : null;
}
