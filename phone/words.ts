// The app's words in the person's language: ICU messages in locales/*.json, English where a word is missing.
import { IntlMessageFormat } from 'intl-messageformat';
import { readLanguage } from './language-file.ts';
import english from './locales/en.json' with { type: 'json' };

/** A word that the app knows. */
export type Word = keyof typeof english;

/** What stands in the holes of a message. */
export type Values = Record<string, string | number | Date>;

/** Words and dates of one language. */
export interface Words {
  language: string;
  say(word: Word, values?: Values): string;
  /** "3 minutes ago"; seconds since the epoch, both. */
  relative(at: number, now: number): string;
  /** "24 November, 06:05" */
  absolute(at: number): string;
  /** "Tuesday, 24 November 2026" */
  day(at: number): string;
  /** The name of a country by its ISO code. */
  country(code: string): string;
}

type Catalog = Partial<Record<Word, string>>;

/** Addresses: a phone reads one language, and the others cost it nothing. */
const files = import.meta.glob<string>(['./locales/*.json', '!./locales/en.json'], {
  query: '?url',
  import: 'default',
  eager: true,
});
const CHOICE = 'countersign.language';

/** Languages that the app speaks, each by its own name. */
export const LANGUAGES: readonly { tag: string; name: string }[] = [
  'en',
  ...Object.keys(files).map((path) => path.replace(/^.*\/|\.json$/g, '')),
].map((tag) => ({ tag, name: new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag }));

/** The language that the person chose here, or the best of those that the phone is set to. */
export function preferredLanguage(): string {
  const known = (tag: string | null) =>
    LANGUAGES.find((language) => language.tag === tag?.toLowerCase().split('-')[0])?.tag;
  return known(chosenLanguage()) ?? navigator.languages.map(known).find((tag) => tag !== undefined) ?? 'en';
}

function chosenLanguage(): string | null {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

/** Keeps the person's choice; it stays until they choose again. */
export function chooseLanguage(tag: string): void {
  try {
    localStorage.setItem(CHOICE, tag);
  } catch {
    // Without storage the choice lasts until the app is closed.
  }
}

/** Loads the words of a language. English, which is always there, where they cannot be had. */
export async function loadWords(tag: string): Promise<Words> {
  const url = files[`./locales/${tag}.json`];
  if (!url) return wordsOf('en', english);
  try {
    return wordsOf(tag, (await readLanguage(url)) as Catalog);
  } catch {
    return wordsOf('en', english);
  }
}

/** The phone's own variant of a language: people in Ireland and in the United States write dates differently. */
function regional(language: string): string {
  return navigator.languages.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language;
}

function wordsOf(language: string, catalog: Catalog): Words {
  const region = regional(language);
  const messages = new Map<Word, IntlMessageFormat>();
  const message = (word: Word) => {
    const known = messages.get(word);
    if (known) return known;
    const made = new IntlMessageFormat(catalog[word] ?? english[word], catalog[word] ? language : 'en', undefined, {
      ignoreTag: true,
    });
    messages.set(word, made);
    return made;
  };
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const absolute = new Intl.DateTimeFormat(region, {
    day: 'numeric',
    month: 'long',
    hour: '2-digit',
    minute: '2-digit',
  });
  const day = new Intl.DateTimeFormat(region, { dateStyle: 'full' });
  const countries = new Intl.DisplayNames([language], { type: 'region', fallback: 'code' });
  return {
    language,
    say: (word, values) => String(message(word).format(values)),
    relative(at, now) {
      const seconds = at - now;
      if (Math.abs(seconds) < 60) return relative.format(seconds > -10 ? 0 : seconds, 'second');
      if (Math.abs(seconds) < 3600) return relative.format(Math.round(seconds / 60), 'minute');
      if (Math.abs(seconds) < 86_400) return relative.format(Math.round(seconds / 3600), 'hour');
      return relative.format(Math.round(seconds / 86_400), 'day');
    },
    absolute: (at) => absolute.format(at * 1000),
    day: (at) => day.format(at * 1000),
    country(code) {
      try {
        return countries.of(code) ?? code;
      } catch {
        return code;
      }
    },
  };
}
