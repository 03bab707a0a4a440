// The browser's own offer to install the app, kept until the person wants it.
import { useEffect, useState } from 'preact/hooks';

interface InstallEvent extends Event {
  prompt(): Promise<unknown>;
}

let offered: InstallEvent | undefined;
const listeners = new Set<() => void>();

function keep(event: InstallEvent | undefined): void {
  offered = event;
  for (const listener of listeners) listener();
}

/** Listens for the browser's offer; to be called once, early: the event comes only once. */
export function listenForInstall(): void {
  window.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    keep(event as InstallEvent);
  });
  window.addEventListener('appinstalled', () => keep(undefined));
}

/** Opens the browser's question; undefined where it has not offered one. */
export function useInstallPrompt(): (() => void) | undefined {
  const [, changed] = useState(0);
  useEffect(() => {
    const listener = () => changed((count) => count + 1);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  if (!offered) return undefined;
  return () => {
    void offered?.prompt();
    keep(undefined);
  };
}
