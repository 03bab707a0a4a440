// The words of letters, in the person's language: one file a language in locales/, in ICU MessageFormat. Plain sentences: what happened, and what to do if it was not you.
import { readdirSync, readFileSync } from 'node:fs';
import { IntlMessageFormat } from 'intl-messageformat';
import type { Letter } from '../domain/letters.ts';
import type { User } from '../domain/user.ts';

type Words = { hello: string; not_you: string } & { [about in Letter['about']]: { subject: string; text: string } };

const FOLDER = new URL('./locales/', import.meta.url);
/** Read at the first letter: most processes never write one. */
const languages = new Map<string, Words>();

/** Languages that letters are written in. */
export const LETTER_LANGUAGES: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))
  .sort();

function wordsOf(language: string): Words {
  const known = languages.get(language);
  if (known) return known;
  const words = JSON.parse(readFileSync(new URL(`${language}.json`, FOLDER), 'utf8')) as Words;
  languages.set(language, words);
  return words;
}

/** `de-AT` is written as `de` (RFC 4647 section 3.4); English where the person has no language that we write. */
function languageFor(locale: string | undefined): string {
  const parts = (locale ?? '').toLowerCase().split('-');
  for (let length = parts.length; length > 0; length -= 1) {
    const found = LETTER_LANGUAGES.find((language) => language.toLowerCase() === parts.slice(0, length).join('-'));
    if (found !== undefined) return found;
  }
  return 'en';
}

/** The subject and the text of a letter to a person, in their language. */
export function writeLetter(user: Pick<User, 'name' | 'locale'>, letter: Letter): { subject: string; text: string } {
  const language = languageFor(user.locale);
  const words = wordsOf(language);
  const { about, ...facts } = letter;
  const values = { ...facts, name: user.name, not_you: words.not_you };
  const say = (message: string) => String(new IntlMessageFormat(message, language).format(values));
  const { subject, text } = words[about];
  return { subject: say(subject), text: `${say(words.hello)}\n\n${say(text)}\n` };
}
