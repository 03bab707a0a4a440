// The app in the languages of the longest words, in real Chromium: every screen speaks the language, and fits at 400 % zoom.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { IntlMessageFormat } from 'intl-messageformat';
import type { Page } from 'playwright-core';
import { phone, type TestPhone } from '../support/browser.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { unfit } from './fitting.ts';
import { ask, enrolled, needsBuiltApp } from './with-app.ts';

const FOLDER = new URL('../../phone/locales/', import.meta.url);
type Words = { [key: string]: string };
const wordsOf = (language: string): Words => JSON.parse(readFileSync(new URL(`${language}.json`, FOLDER), 'utf8'));

/** Letters of the longest word of the app; what stands in braces is no word. */
const longest = (language: string) =>
  Math.max(
    ...[
      ...Object.values(wordsOf(language))
        .join(' ')
        .replace(/[{}#]/g, ' ')
        .matchAll(/[^\s-]+/g),
    ].map(([word]) => word.length),
  );

/** The longest words, and Greek, whose letters are wide; or those that LANGUAGES names. */
const LANGUAGES = process.env.LANGUAGES?.split(' ') ?? [
  ...readdirSync(FOLDER)
    .map((name) => name.replace('.json', ''))
    .sort((a, b) => longest(b) - longest(a))
    .slice(0, 3),
  'el',
];

describe('the app in the languages of the longest words', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let one: TestPhone;
  let page: Page;
  let name: string;
  let number: string;
  before(async () => {
    needsBuiltApp();
    running = await startHouse();
    one = await phone();
    one.context.setDefaultTimeout(45_000);
    const who = await enrolled(running, one);
    page = who.page;
    name = who.login;
    // One request for all: a person is not asked as often as there are languages.
    number = (await ask(running, who.id, 'languages', 'push')).number;
  });
  after(async () => {
    await one?.close();
    await running?.close();
  });

  for (const language of LANGUAGES)
    it(`speaks ${language} on every screen, and fits`, async () => {
      const words = wordsOf(language);
      const say = (key: string, values = {}) =>
        String(new IntlMessageFormat(words[key] ?? '', language).format(values));
      const faults: string[] = [];
      /** Waits for a screen by its heading and looks at it. */
      const look = async (heading: string, values = {}) => {
        await page.getByRole('heading', { name: say(heading, values), exact: true, level: 1 }).waitFor();
        faults.push(...(await unfit(page)).map((fault) => `${heading}: ${fault}`));
        if (process.env.PICTURES)
          await page.screenshot({ path: `test-results/${language}-${heading}.png`, fullPage: true });
      };
      const press = (key: string) =>
        page
          .getByRole('button', { name: say(key), exact: true })
          .first()
          .click();

      await page.evaluate(`localStorage.setItem('countersign.language', ${JSON.stringify(language)})`);
      await page.reload();
      await page.locator(`html[lang=${language}]`).waitFor();
      await page.locator('.request').waitFor();
      await look('home.title');
      await press('app.settings');
      await page.locator('.facts dd').nth(3).waitFor();
      await look('settings.title');
      for (const [button, heading] of [
        ['settings.rename', 'settings.rename'],
        ['settings.pin', 'pinchange.old.title'],
        ['settings.unlink', 'settings.unlink.title'],
      ] as const) {
        await press(button);
        await look(heading, { account: name });
        await press('app.back');
      }
      await press('app.back');
      await press('app.help');
      await look('help.title');
      await press('app.back');
      await press('home.scan');
      await look('scan.title');
      await press('app.back');
      await page.locator('.request').click();
      await look('ask.title.service', { service: 'Payroll' });
      await press('ask.report');
      await look('ask.report.title');
      await press('ask.report.no');
      await page.locator('input').fill(number);
      await press('ask.next');
      await page.locator('.pin').waitFor();
      await look('ask.pin.title');
      await press('app.back');
      await look('ask.title.service', { service: 'Payroll' });
      expect(faults.join('\n')).to.equal('');
    });
});
