// Keeps the app itself for the time without a network. It answers for /phone/ only and never touches the device API.

import { cleanupOutdatedCaches, matchPrecache, type PrecacheEntry, precache } from 'workbox-precaching';
import { openLink } from '../src/protocol/links.ts';
import { NOTICE_CACHE, NOTICE_WORDS, type NoticeWords } from './notices.ts';

/** The parts of a service worker's world that we use: the compiler's own library for it does not go together with the page's. */
interface Worker {
  __WB_MANIFEST: (string | PrecacheEntry)[];
  addEventListener(
    type: 'install' | 'activate',
    listener: (event: { waitUntil(work: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(type: 'fetch', listener: (event: FetchLike) => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'push', listener: (event: PushLike) => void): void;
  addEventListener(type: 'notificationclick', listener: (event: ClickLike) => void): void;
  skipWaiting(): Promise<void>;
  clients: {
    claim(): Promise<void>;
    matchAll(options: { type: 'window' }): Promise<WindowLike[]>;
    openWindow(url: string): Promise<unknown>;
  };
  registration: ServiceWorkerRegistration;
  location: Location;
}
interface FetchLike {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface PushLike {
  data: { text(): string } | null;
  waitUntil(work: Promise<unknown>): void;
}
interface ClickLike {
  notification: Notification;
  waitUntil(work: Promise<unknown>): void;
}
interface WindowLike {
  postMessage(message: unknown): void;
  focus(): Promise<unknown>;
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

// A push is only a knock: it names the request and says nothing else, and the notice says still less.
self.addEventListener('push', (event) => event.waitUntil(show(event.data?.text() ?? '')));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openRequest(event.notification.tag));
});

/** Browsers demand a notice for every push, so one is shown even for what we do not understand. */
async function show(message: string): Promise<void> {
  const kept = await (await caches.open(NOTICE_CACHE)).match(NOTICE_WORDS);
  const words: NoticeWords = kept
    ? await kept.json()
    : { title: 'Countersign', text: 'Somebody asks you to confirm a sign-in.', lang: 'en' };
  await self.registration.showNotification(words.title, {
    body: words.text,
    lang: words.lang,
    tag: txnOf(message),
    icon: '/phone/icons/icon-192.png',
    badge: '/phone/icons/icon-192.png',
  });
}

/** The request that a message names; empty where it names none. */
function txnOf(message: string): string {
  try {
    const { t, txn } = JSON.parse(message);
    return t === 'pending' && /^[\w-]{22}$/.test(txn) ? txn : '';
  } catch {
    return '';
  }
}

/** Brings the app to the front with the request, or opens it there. */
async function openRequest(txn: string): Promise<void> {
  const [open] = await self.clients.matchAll({ type: 'window' });
  if (!open) return void (await self.clients.openWindow(txn ? openLink(self.location.origin, txn) : '/phone/'));
  // First the word: a browser may refuse to move windows around.
  if (txn) open.postMessage({ open: txn });
  await open.focus().catch(() => undefined);
}
