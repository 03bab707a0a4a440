// Letters: every language has every word with the same holes, and a person gets theirs.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { IntlMessageFormat } from 'intl-messageformat';
import type { Letter } from '../../src/domain/letters.ts';
import { LETTER_LANGUAGES, writeLetter } from '../../src/notify/letters.ts';

const FOLDER = new URL('../../src/notify/locales/', import.meta.url);
const read = (language: string): object => JSON.parse(readFileSync(new URL(`${language}.json`, FOLDER), 'utf8'));
const LETTERS: { [about in Letter['about']]: Extract<Letter, { about: about }> } = {
  device_added: { about: 'device_added', device: 'Blue <b>' },
  device_removed: { about: 'device_removed', device: 'Blue <b>' },
  device_locked: { about: 'device_locked', device: 'Blue <b>' },
  device_unlocked: { about: 'device_unlocked', device: 'Blue <b>' },
  device_cloned: { about: 'device_cloned', device: 'Blue <b>' },
  pin_changed: { about: 'pin_changed', device: 'Blue <b>' },
  biometric_added: { about: 'biometric_added', device: 'Blue <b>' },
  biometric_removed: { about: 'biometric_removed', device: 'Blue <b>' },
  enrolment_second_phone: { about: 'enrolment_second_phone', device: 'Blue <b>' },
  sign_in_reported: { about: 'sign_in_reported', service: 'Payroll', browser: 'Firefox {x}' },
  offline_closed: { about: 'offline_closed' },
  signed_in_after_failures: { about: 'signed_in_after_failures' },
  second_factor_failed: { about: 'second_factor_failed' },
  password_closed: { about: 'password_closed' },
  password_changed: { about: 'password_changed' },
};

/** Every message as `key.part` with the names of its holes. */
function holes(words: object, before = ''): { [key: string]: string[] } {
  return Object.fromEntries(
    Object.entries(words).flatMap(([key, value]) =>
      typeof value === 'string'
        ? [
            [
              before + key,
              new IntlMessageFormat(value, 'en')
                .getAst()
                .flatMap((part) => (part.type === 1 ? [part.value] : []))
                .sort(),
            ],
          ]
        : Object.entries(holes(value, `${before}${key}.`)),
    ),
  );
}

describe('letters', () => {
  for (const language of LETTER_LANGUAGES) {
    it(`${language} is complete, and has the holes of the English`, () => {
      expect(holes(read(language))).to.deep.equal(holes(read('en')));
    });

    it(`${language} can be written, whatever a name holds`, () => {
      for (const letter of Object.values(LETTERS)) {
        const { subject, text } = writeLetter({ name: 'Ada {y} <i>', locale: language }, letter);
        expect(subject).to.match(/^[^\n]{8,150}$/);
        expect(text).to.contain('Ada {y} <i>');
        for (const value of Object.values(letter).slice(1)) expect(text).to.contain(value);
        expect(text).not.to.match(/\{(device|service|browser|not_you|name)\}/);
      }
    });
  }

  it('names no letter that nobody writes', () => {
    expect(Object.keys(read('en')).sort()).to.deep.equal([...Object.keys(LETTERS), 'hello', 'not_you'].sort());
  });

  it('are written in the nearest language that there is', () => {
    const hello = (locale?: string) =>
      writeLetter({ name: 'Ada', ...(locale === undefined ? {} : { locale }) }, LETTERS.pin_changed).text.split(
        '\n',
      )[0];
    expect([hello('de-AT'), hello('FR'), hello('tlh'), hello()]).to.deep.equal([
      'Guten Tag Ada,',
      'Bonjour Ada,',
      'Hello Ada,',
      'Hello Ada,',
    ]);
  });
});
