// What the operator tells people for a while, as pages and phones show it (protocol section 5.1, `notices`).

/** A notice on its way to a phone. Times are whole seconds since the Unix epoch. */
export interface OperatorNotice {
  /** Its text by language tag; English is always there. Plain text. */
  text: { readonly [language: string]: string };
  /** Shown from here on, as something that is announced until `from`. */
  shown: number;
  from: number;
  /** Over from here on. */
  until: number;
}

/** Nothing can be changed at the moment, and nothing be approved. */
export interface ReadOnlyNotice {
  /** When it will probably be over, in whole seconds since the Unix epoch; absent where nobody knows. */
  until?: number;
  /** What the operator says of it, by language tag; English is always there. Plain text. */
  text?: OperatorNotice['text'];
}

/** The text for a reader, and the language that it is in: theirs (`de-AT` is served by `de`), else English. */
export function textFor(text: OperatorNotice['text'], language: string): { language: string; text: string } {
  const found = [language, language.split('-')[0] ?? ''].find((tag) => Object.hasOwn(text, tag)) ?? 'en';
  return { language: found, text: text[found] ?? '' };
}

/** Those that are shown at a moment, in whole seconds, and whether their time has come. */
export function shownAt(notices: readonly OperatorNotice[], now: number): (OperatorNotice & { active: boolean })[] {
  return notices
    .filter(({ shown, until }) => now >= shown && now < until)
    .map((notice) => ({ ...notice, active: now >= notice.from }));
}
