// Keeps the app itself for the time without a network. It answers for /phone/ only and never touches the device API.
import { cleanupOutdatedCaches, matchPrecache, type PrecacheEntry, precache } from 'workbox-precaching';

/** The parts of a service worker's world that we use: the compiler's own library for it does not go together with the page's. */
interface Worker {
  __WB_MANIFEST: (string | PrecacheEntry)[];
  addEventListener(
    type: 'install' | 'activate',
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(type: 'fetch', listener: (event: FetchLike) => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
}
interface FetchLike {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
declare const self: Worker;

const LATER = 'countersign-later-v1';

precache(self.__WB_MANIFEST);
cleanupOutdatedCaches();

// A new version waits until the person says so; only the very first one takes over at once.
self.addEventListener('message', ({ data }) => {
  if (data === 'take over') void self.skipWaiting();
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin || !url.pathname.startsWith('/phone/')) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else event.respondWith(file(request, url));
});

/** Every address of the app is the one page. */
async function page(request: Request): Promise<Response> {
  return (await matchPrecache('/phone/index.html')) ?? fetch(request);
}

/** A file from the cache; the reader of QR codes is kept from its first use on. */
async function file(request: Request, url: URL): Promise<Response> {
  const kept = (await matchPrecache(url.pathname)) ?? (await caches.match(url.pathname, { cacheName: LATER }));
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && url.pathname.endsWith('.wasm')) {
    const later = await caches.open(LATER);
    for (const old of await later.keys()) await later.delete(old);
    await later.put(url.pathname, response.clone());
  }
  return response;
}
