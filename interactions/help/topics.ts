// The help: one file a language in texts/, in ICU MessageFormat. What it quotes of a page is taken from that page's words, so that it never goes stale.
import { readFileSync } from 'node:fs';
import { IntlMessageFormat } from 'intl-messageformat';
import type { HelpTopic } from '../../src/settings/settings.ts';
import type { Words } from '../words.ts';
import type english from './texts/en.json';

/** What help can be about; the last part of its address. */
export type Topic = HelpTopic;

/** One topic. A list inside of `body` is a row of steps; a text is a paragraph. */
export interface TopicText {
  readonly title: string;
  readonly body: readonly (string | readonly string[])[];
}

/** The small words around the topics. */
export type HelpWord = Exclude<keyof typeof english, 'topics'>;

type HelpFile = { readonly [word in HelpWord]: string } & { readonly topics: { readonly [topic in Topic]: TopicText } };

const FOLDER = new URL('./texts/', import.meta.url);
const files = new Map<string, HelpFile>();

function fileOf(language: string): HelpFile {
  const read =
    files.get(language) ?? (JSON.parse(readFileSync(new URL(`${language}.json`, FOLDER), 'utf8')) as HelpFile);
  files.set(language, read);
  return read;
}

/** All topics, in the order in which people ask. */
export const TOPICS: readonly Topic[] = Object.keys(fileOf('en').topics) as Topic[];

/** The help in one language. */
export interface Help {
  word(name: HelpWord, values?: { brand: string }): string;
  /** @param brand what the operator calls the provider. */
  topic(name: Topic, brand: string): TopicText;
}

/** The help in the language of some words. */
export function helpIn(words: Words): Help {
  const file = fileOf(words.language);
  const say = (text: string, values: { [name: string]: string } = {}) =>
    String(new IntlMessageFormat(text, words.language).format(values));
  const quoted = {
    add: words('account.device_add'),
    open_here: words('enrol.same_phone'),
    forgotten: words('login.forgotten'),
    again: words('approve.again'),
    technical: words('system.technical'),
    lost: file.topics['lost-phone'].title,
  };
  return {
    word: (name, values) => say(file[name], values),
    topic: (name, brand) => {
      const fill = (text: string) => say(text, { ...quoted, brand });
      const { title, body } = file.topics[name];
      return { title, body: body.map((part) => (typeof part === 'string' ? fill(part) : part.map(fill))) };
    },
  };
}
