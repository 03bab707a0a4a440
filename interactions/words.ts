// The words of the pages: one file a language in locales/, keyed by page, in ICU MessageFormat. English is complete by definition; a test holds the
// others to it. Add words to every language together, next to the page that uses them.
import { readdirSync, readFileSync } from 'node:fs';
import { IntlMessageFormat } from 'intl-messageformat';
import { type ComponentChildren, h } from 'preact';
import type english from './locales/en.json';

/** Every word that exists, as `page.name`. */
export type WordKey = {
  [Page in keyof typeof english]: `${Page}.${Extract<keyof (typeof english)[Page], string>}`;
}[keyof typeof english];

/** What may stand in a message's braces. */
export type WordValues = { readonly [name: string]: string | number | Date };

/** The words of one language. */
export interface Words {
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  /** A sentence as text. */
  (key: WordKey, values?: WordValues): string;
  /** A sentence with `<b>` and `<i>` in it, as nodes; values are never read as mark-up. */
  rich(key: WordKey, values?: WordValues): ComponentChildren;
  /** A time of day and date, for people. @param at milliseconds. */
  time(at: number): string;
  /** The same in UTC, and says so: for what is told to people of whom nobody knows where they are. @param at milliseconds. */
  universal(at: number): string;
}

type Messages = { readonly [page: string]: { readonly [name: string]: string } };

const FOLDER = new URL('./locales/', import.meta.url);
const RIGHT_TO_LEFT = new Set(['ar', 'fa', 'he', 'ur']);

function loadMessages(): Map<string, Messages> {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  const languages = names
    .map((name) => name.slice(0, -'.json'.length))
    .sort((a, b) => Number(b === 'en') - Number(a === 'en') || a.localeCompare(b));
  return new Map(
    languages.map((language) => [
      language,
      JSON.parse(readFileSync(new URL(`${language}.json`, FOLDER), 'utf8')) as Messages,
    ]),
  );
}

const messages = loadMessages();

/** Languages that exist; English, the fallback, comes first. */
export const LANGUAGES: readonly string[] = [...messages.keys()];

function message(language: string, key: string): string {
  const [page = '', name = ''] = key.split('.');
  const text = messages.get(language)?.[page]?.[name] ?? messages.get('en')?.[page]?.[name];
  if (text === undefined) throw new Error(`no words for ${key}`);
  return text;
}

/** One part of a rich sentence; keys are not needed in what is rendered once. */
const element = (tag: 'b' | 'i') => (parts: ComponentChildren) => h(tag, null, parts);
const MARKS = { b: element('b'), i: element('i') };

function makeWords(language: string): Words {
  const formats = new Map<string, IntlMessageFormat>();
  const format = (key: WordKey) => {
    const made = formats.get(key) ?? new IntlMessageFormat(message(language, key), language);
    formats.set(key, made);
    return made;
  };
  const clock = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  const everywhere = new Intl.DateTimeFormat(language, {
    day: 'numeric',
    month: 'long',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: 'UTC',
    timeZoneName: 'short',
  });
  const plain = (key: WordKey, values?: WordValues) => String(format(key).format({ ...values }));
  return Object.assign(plain, {
    language,
    direction: RIGHT_TO_LEFT.has(language.split('-')[0] ?? '') ? ('rtl' as const) : ('ltr' as const),
    rich: (key: WordKey, values?: WordValues) =>
      format(key).format<ComponentChildren>({ ...values, ...MARKS } as never) as ComponentChildren,
    time: (at: number) => clock.format(at),
    universal: (at: number) => everywhere.format(at),
  });
}

const made = new Map<string, Words>();

/** The words of a language that exists; English for any other. */
export function wordsOf(language: string): Words {
  const known = messages.has(language) ? language : 'en';
  const words = made.get(known) ?? makeWords(known);
  made.set(known, words);
  return words;
}

const languageNames = new Map<string, string>();

/** The name of a language in itself, as the picker shows it. */
export function languageName(language: string): string {
  const known = languageNames.get(language);
  if (known !== undefined) return known;
  const name = new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language;
  const shown = name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
  // Every page asks for all of them. What somebody else asks for is not kept: it has no bound.
  if (messages.has(language)) languageNames.set(language, shown);
  return shown;
}
