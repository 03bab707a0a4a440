// What the system's notices say and when they go: general words only, since anybody may read a locked screen (protocol section 5.1).
import type { Words } from './words.ts';

/** Where the worker finds the words in the person's language: it cannot ask the page. */
export const NOTICE_CACHE = 'countersign-notice-v1';
export const NOTICE_WORDS = '/phone/notice-words.json';

/** The words of a notice. */
export interface NoticeWords {
  title: string;
  text: string;
  lang: string;
}

/** Keeps the words of the language that the app speaks now. */
export async function keepNoticeWords({ say, language }: Words): Promise<void> {
  if (!('caches' in window)) return;
  const words: NoticeWords = { title: say('app.name'), text: say('push.notice'), lang: language };
  await (await caches.open(NOTICE_CACHE)).put(NOTICE_WORDS, Response.json(words));
}

/** Takes away the notices of requests that are over. @param open the ones that are not, by txn. */
export async function tidyNotices(open: readonly string[]): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration('/phone/');
  for (const notice of (await registration?.getNotifications()) ?? []) if (!open.includes(notice.tag)) notice.close();
}

/** Calls back with the request whose notice was tapped while the app is open. @returns stops listening. */
export function onNoticeTapped(listener: (txn: string) => void): () => void {
  const heard = ({ data }: MessageEvent) => {
    if (typeof data?.open === 'string') listener(data.open);
  };
  navigator.serviceWorker?.addEventListener('message', heard);
  return () => navigator.serviceWorker?.removeEventListener('message', heard);
}
