// The words: complete in every language, none unused, all of them messages that can be read, with the same values to fill in.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { IntlMessageFormat } from 'intl-messageformat';
import { LANGUAGES, languageName, type WordKey, wordsOf } from '../../interactions/words.ts';
import { LETTER_LANGUAGES } from '../../src/notify/letters.ts';
import { wrongPlurals } from '../support/plurals.ts';

const FOLDER = new URL('../../interactions/', import.meta.url);

type Messages = { readonly [key: string]: string };

function messagesOf(language: string): Messages {
  const pages = JSON.parse(readFileSync(new URL(`locales/${language}.json`, FOLDER), 'utf8')) as {
    [page: string]: { [name: string]: string };
  };
  return Object.fromEntries(
    Object.entries(pages).flatMap(([page, words]) =>
      Object.entries(words).map(([name, text]) => [`${page}.${name}`, text]),
    ),
  );
}

const ENGLISH = messagesOf('en');
const OTHERS = LANGUAGES.filter((language) => language !== 'en');

type Ast = ReturnType<IntlMessageFormat['getAst']>;

/** Names of values with their kind, and marks, of a message: what a caller must hand in. */
function needs(ast: Ast, found = new Set<string>()): Set<string> {
  for (const part of ast) {
    const { value, options, children, type } = part as {
      value?: string;
      options?: { [name: string]: { value: Ast } };
      children?: Ast;
      type: number;
    };
    // 0 is text, 7 the # of a plural; everything else names a value or a mark.
    if (type !== 0 && type !== 7) found.add(`${value} (${type})`);
    for (const option of Object.values(options ?? {})) needs(option.value, found);
    if (children) needs(children, found);
  }
  return found;
}

function needsOf(language: string, text: string): string[] {
  return [...needs(new IntlMessageFormat(text, language).getAst())].sort();
}

/** Source of the pages, without the words themselves. */
function sources(): string {
  return readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
    .join('\n');
}

/** What the source asks for: keys as they stand, and keys that are put together (`system.${kind}_title`) as patterns. */
function asked(source: string): (key: string) => boolean {
  const plain = new Set([...source.matchAll(/['"`]([a-z]+\.[a-z0-9_]+)['"`]/g)].map(([, key]) => key));
  const patterns = [...source.matchAll(/`([a-z]+\.[a-z0-9_]*)\$\{[^}]+\}([a-z0-9_]*)`/g)].map(
    ([, before, after]) => new RegExp(`^${before?.replace('.', '\\.')}[a-z0-9_]+${after}$`),
  );
  return (key) => plain.has(key) || patterns.some((pattern) => pattern.test(key));
}

describe('words', () => {
  it('has English first, and the same languages on the pages, on the phone and in letters', () => {
    expect(LANGUAGES.slice(0, 3)).to.deep.equal(['en', ...OTHERS.toSorted().slice(0, 2)]);
    // The official languages of the European Union.
    expect(LANGUAGES).to.include.members(
      'bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv'.split(' '),
    );
    expect(languageName('fr')).to.equal('Français');
    const phone = readdirSync(new URL('../phone/locales/', FOLDER)).map((name) => name.replace('.json', ''));
    expect(phone.sort()).to.deep.equal(LANGUAGES.toSorted());
    expect(LETTER_LANGUAGES).to.deep.equal(LANGUAGES.toSorted());
  });

  for (const language of OTHERS) {
    it(`has every English word in ${language}, and no other`, () => {
      expect(Object.keys(messagesOf(language))).to.deep.equal(Object.keys(ENGLISH));
    });

    it(`asks for the same values in ${language}`, () => {
      for (const [key, text] of Object.entries(messagesOf(language)))
        expect(needsOf(language, text), key).to.deep.equal(needsOf('en', ENGLISH[key] ?? ''));
    });

    it(`counts in ${language} as the language does`, () => {
      for (const [key, text] of Object.entries(messagesOf(language)))
        expect(wrongPlurals(new IntlMessageFormat(text, language).getAst(), language), key).to.deep.equal([]);
    });

    it(`says something of its own in ${language}`, () => {
      const same = Object.entries(messagesOf(language)).filter(([key, text]) => text === ENGLISH[key]);
      // Words that are the same in both languages, or are no words at all.
      const short = same.filter(([, text]) => text.replace(/\{[^}]*\}/g, '').trim().length > 16);
      expect(short).to.deep.equal([]);
    });
  }

  it('has no empty word, and none with a straight apostrophe that the format would read as a quote', () => {
    for (const language of LANGUAGES)
      for (const [key, text] of Object.entries(messagesOf(language))) {
        expect(text.trim(), `${language} ${key}`).to.not.equal('');
        expect(text, `${language} ${key}`).to.not.include("'");
      }
  });

  it('has no word that no page asks for', () => {
    const used = asked(sources());
    expect(Object.keys(ENGLISH).filter((key) => !used(key))).to.deep.equal([]);
  });

  it('puts values into rich words as text', () => {
    const parts = wordsOf('en').rich('parts.asked_by', { service: '<b>x</b>' });
    expect(JSON.stringify(parts)).to.include('<b>x</b>');
  });

  it('throws for a word that does not exist, and falls back to English for an unknown language', () => {
    expect(() => wordsOf('en')('login.nothing' as WordKey)).to.throw('no words for login.nothing');
    expect(wordsOf('xx').language).to.equal('en');
  });

  it('counts as each language counts', () => {
    const left = (language: string, minutes: number, seconds: number) =>
      wordsOf(language)('parts.time_left', { minutes, seconds });
    expect(left('en', 0, 1)).to.equal('Time left: 1 second');
    expect(left('en', 2, 30)).to.equal('Time left: 2 minutes 30 seconds');
    expect(left('fr', 1, 0)).to.equal('Temps restant : 1 minute 0 seconde');
    expect(left('de', 1, 2)).to.equal('Verbleibende Zeit: 1 Minute 2 Sekunden');
  });
});
