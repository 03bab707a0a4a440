// A person who can sign in.
import type { Attributes } from './groups.ts';

/** A person. Times are milliseconds. */
export interface User {
  id: string;
  /** The sign-in name, as stored: trimmed, NFC, lower case. */
  login: string;
  name: string;
  email?: string;
  /** BCP 47 tag of the language that the person chose. */
  locale?: string;
  /** Names of the groups that the operator put them in, in order. */
  groups: readonly string[];
  /** What else the operator keeps of them, for claims. */
  attributes: Attributes;
  state: 'active' | 'disabled';
  /** The person's own switch "always ask for my second factor". */
  alwaysSecondFactor: boolean;
  /** Rises with every change of a factor; what was begun under an older value is refused. */
  factorsVersion: number;
  /** Offline codes got wrong since the last success (protocol section 5.3). */
  offlineFailures: number;
  /** Numbers typed wrong since the last success (protocol section 5). */
  wrongNumbers: number;
  /** A report ("it was not me") pauses push until the next full sign-in. */
  pushPaused: boolean;
  /** Sessions and tokens from before this moment count no longer (sign-out everywhere, reset, disable). */
  sessionsValidAfter: number;
  /** Hashes of the sessions that the person signed out of, while these could still come back: a Redis that takes over may lack the sign-out. */
  endedSessions: readonly string[];
  createdAt: number;
}

/** The one spelling of a sign-in name: trimmed, NFC, lower case; undefined where it cannot be one (empty, over 256 characters, unseen characters). */
export function canonicalLogin(typed: string): string | undefined {
  const login = typed.normalize('NFC').trim().toLowerCase();
  return login.length > 0 && login.length <= 256 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(login) ? login : undefined;
}

/** Whether a text has the form of a language tag (BCP 47), such as `de` or `pt-BR`; not whether there is such a language. */
export const isLanguageTag = (text: string): boolean => /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(text);
