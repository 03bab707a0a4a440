// The service worker, and the question whether a new version may take over.
import { useEffect, useState } from 'preact/hooks';

let waiting: ServiceWorker | undefined;
const listeners = new Set<() => void>();

/** Registers the worker that keeps the app for the time without a network. */
export async function registerWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const had = navigator.serviceWorker.controller !== null;
  let reloading = false;
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    // The very first worker takes over silently; a later one only because the person said so.
    if (!had || reloading) return;
    reloading = true;
    window.location.reload();
  });
  const registration = await navigator.serviceWorker.register('/phone/service-worker.js', { scope: '/phone/' });
  const look = () => {
    if (!registration.waiting || !navigator.serviceWorker.controller) return;
    waiting = registration.waiting;
    for (const listener of listeners) listener();
  };
  look();
  // An installed app stays open for days, and the browser looks for a new version only when a page is loaded.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void registration.update().catch(() => undefined);
  });
  registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', look));
}

/** Takes the new version; undefined where none waits. */
export function useUpdate(): (() => void) | undefined {
  const [ready, setReady] = useState(waiting !== undefined);
  useEffect(() => {
    const listener = () => setReady(true);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return ready ? () => waiting?.postMessage('take over') : undefined;
}
