// The app for everybody, in real Chromium: by keyboard alone, at 400 % zoom, with text spacing, light and dark.
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { accessibilityFaults, phone, type TestPhone } from '../support/browser.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { ask, enrolled, needsBuiltApp, PIN } from './with-app.ts';

/** WCAG 2.2, 1.4.12. */
const SPACING =
  '* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }';

describe('the phone app for everybody', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let one: TestPhone;
  let page: Page;
  let who: { id: string };
  before(async () => {
    needsBuiltApp();
    running = await startHouse();
    one = await phone();
    one.context.setDefaultTimeout(20_000);
    ({ page, ...who } = await enrolled(running, one));
  });
  after(async () => {
    await one?.close();
    await running?.close();
  });

  /** What is cut off at the side, or too small to be hit (WCAG 2.2, 1.4.10 and 2.5.8). */
  const lost = () =>
    page.evaluate(`[...document.querySelectorAll('body *')].flatMap((element) => {
      const box = element.getBoundingClientRect();
      if (box.width === 0 || element.closest('.visually-hidden') || element.closest('svg')) return [];
      const small = element.matches('button, select, input, summary') && (box.width < 24 || box.height < 24);
      const outside = box.right > document.documentElement.clientWidth + 1 || box.left < -1;
      const cut = element.scrollWidth > element.clientWidth + 1 && element.matches('p, h1, h2, button, dd, dt, span') && element.clientWidth > 0;
      return small || outside || cut ? [element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 30)] : [];
    })`);
  /** The screen in front at 400 % zoom with text spacing, light and dark; in forced colours a picture. */
  const holds = async (name: string) => {
    const before = page.viewportSize() ?? { width: 390, height: 844 };
    await page.setViewportSize({ width: 320, height: 256 });
    const style = await page.evaluateHandle(
      `(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync(${JSON.stringify(SPACING)}); document.adoptedStyleSheets.push(sheet); return sheet; })()`,
    );
    expect(await lost(), name).to.deep.equal([]);
    await page.evaluate('document.adoptedStyleSheets = []');
    await style.dispose();
    await page.setViewportSize(before);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await accessibilityFaults(page), `${name} ${colorScheme}`).to.deep.equal([]);
    }
    await page.emulateMedia({ colorScheme: null, forcedColors: 'active' });
    if (process.env.PICTURES) await page.screenshot({ path: `test-results/forced-${name}.png` });
    await page.emulateMedia({ forcedColors: null });
  };
  /** Goes to a control by Tab alone and presses it. */
  const byKeyboard = async (name: string) => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab');
      const focused = (await page.evaluate(
        "document.activeElement.matches('a, button, summary') ? (document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent) : ''",
      )) as string;
      if (focused.trim().startsWith(name)) return page.keyboard.press('Enter');
    }
    throw new Error(`Tab never came to "${name}"`);
  };
  /** Goes to the field of the screen by Tab alone. */
  const toField = async () => {
    for (let presses = 0; presses < 10; presses += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate("document.activeElement.matches('input')")) return;
    }
    throw new Error('Tab never came to the field');
  };
  const heading = (name: string) => page.getByRole('heading', { name, exact: true }).waitFor();

  it('says yes by keyboard alone, and every screen on the way holds', async () => {
    await holds('home');
    const transaction = await ask(running, who.id, 'keyboard', 'push');
    await page.locator('.request').waitFor();
    await holds('home-request');
    await byKeyboard('Payroll asks');
    await heading('Payroll asks: is this you?');
    await holds('request');
    await toField();
    await page.keyboard.type(transaction.number);
    await page.keyboard.press('Enter');
    await page.locator('.pin').waitFor();
    await holds('pin');
    await toField();
    await page.keyboard.type(PIN);
    await page.keyboard.press('Enter');
    await heading('You said yes');
    await holds('done');
    await byKeyboard('Done');
    await heading('Requests');
  });

  it('holds on the help', async () => {
    await byKeyboard('Help');
    await heading('Help');
    await holds('help');
    await byKeyboard('Back');
    await heading('Requests');
  });
});
