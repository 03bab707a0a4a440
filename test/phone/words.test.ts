// The phone's words: the same in every language, each one readable as ICU, with the same holes.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { IntlMessageFormat } from 'intl-messageformat';
import { wrongPlurals } from '../support/plurals.ts';

const FOLDER = new URL('../../phone/locales/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Record<string, string>;
const english = read('en.json');

const nested = (path: string) =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >;

/** Names of the holes of a message, inside plurals too. */
function holes(message: string): string[] {
  const found = new Set<string>();
  const walk = (elements: readonly object[]) => {
    for (const element of elements as {
      type: number;
      value?: string;
      options?: Record<string, { value: object[] }>;
    }[]) {
      if (element.type !== 0 && element.type !== 7 && element.value) found.add(element.value);
      for (const option of Object.values(element.options ?? {})) walk(option.value);
    }
  };
  walk(new IntlMessageFormat(message, 'en', undefined, { ignoreTag: true }).getAst());
  return [...found].sort();
}

describe('words of the phone app', () => {
  for (const name of readdirSync(FOLDER)) {
    it(`${name} is complete and fits the English`, () => {
      const words = read(name);
      expect(Object.keys(words).sort()).to.deep.equal(Object.keys(english).sort());
      for (const [key, message] of Object.entries(words)) {
        expect(holes(message), key).to.deep.equal(holes(english[key] ?? ''));
      }
    });
  }

  for (const name of readdirSync(FOLDER)) {
    it(`${name} counts as the language does`, () => {
      const language = name.replace('.json', '');
      for (const [key, message] of Object.entries(read(name))) {
        const ast = new IntlMessageFormat(message, language, undefined, { ignoreTag: true }).getAst();
        expect(wrongPlurals(ast, language), key).to.deep.equal([]);
      }
    });
  }

  // A sentence that sends a person to “Manage my mobile devices” must name it as it stands there, in every language.
  for (const name of readdirSync(FOLDER)) {
    it(`${name} names buttons and titles as they are called`, () => {
      const phone = read(name);
      const pages = nested(`interactions/locales/${name}`);
      const letters = nested(`src/notify/locales/${name}`);
      for (const [says, named] of [
        [phone['welcome.where'], pages.account?.devices_title],
        [phone['arrive.open.app'], phone['home.scan']],
        [phone['scan.without'], pages.approve?.cannot_scan],
        [phone['help.add.text'], pages.account?.devices_title],
        [phone['help.add.text'], pages.account?.device_add],
        [phone['help.notme.text'], phone['ask.report']],
        [letters.password_changed?.text, pages.login?.forgotten],
      ])
        expect(says).to.contain(named);
    });
  }
});
