// Notices of the operator: what is announced, what is going on, and who is told.
import type { OperatorNotice, ReadOnlyNotice } from '../protocol/notices.ts';

/** A notice as the operator wrote it. Times are whole seconds since the Unix epoch. */
export interface Notice {
  /** Its text by language tag; English is always there. */
  text: { readonly [language: string]: string };
  from: number;
  /** Over from here on. */
  until: number;
  /** Seconds before `from` in which it is announced. */
  announce: number;
  /** client_ids whose sign-ins alone show it; everybody sees it where the list is empty. */
  services: readonly string[];
}

/** A notice that is shown now. */
export interface ShownNotice {
  text: Notice['text'];
  from: number;
  until: number;
  /** `announced` before its time, `active` in it. */
  state: 'announced' | 'active';
}

/**
 * What is shown now, in the operator's order.
 * @param now milliseconds since the Unix epoch. @param service the client_id of the sign-in; without it only what concerns everybody.
 */
export function noticesNow(notices: readonly Notice[], now: number, service?: string): ShownNotice[] {
  const second = Math.floor(now / 1000);
  return notices
    .filter(({ from, until, announce }) => second >= from - announce && second < until)
    .filter(({ services }) => services.length === 0 || (service !== undefined && services.includes(service)))
    .map(({ text, from, until }) => ({ text, from, until, state: second < from ? 'announced' : 'active' }));
}

/** So long before it is shown, in seconds, a phone is told of a notice: it may stay connected for as long. */
const AHEAD = 86_400;

/** What a phone is told: what concerns everybody, and is shown or will be soon. @param now milliseconds since the Unix epoch. */
export function noticesForPhones(notices: readonly Notice[], now: number): OperatorNotice[] {
  const second = Math.floor(now / 1000);
  return notices
    .filter(({ services, from, announce, until }) => {
      const soon = second >= from - announce - AHEAD;
      return services.length === 0 && soon && second < until;
    })
    .map(({ text, from, until, announce }) => ({ text, shown: from - announce, from, until }));
}

/** Whether nothing that lasts may be written, and what is said of it. */
export interface ReadOnlyMode {
  on: boolean;
  /** When it will probably be over, in whole seconds since the Unix epoch. It ends when the operator says so. */
  until?: number;
  /** The operator's own text by language tag; English is always there. */
  text?: Notice['text'];
}

/** What people are told of it now; undefined where it is off. @param now milliseconds since the Unix epoch. */
export function readOnlyNow({ on, until, text }: ReadOnlyMode, now: number): ReadOnlyNotice | undefined {
  if (!on) return undefined;
  return {
    // A time that has passed is no news.
    ...(until !== undefined && until * 1000 > now ? { until } : {}),
    ...(text === undefined ? {} : { text }),
  };
}
