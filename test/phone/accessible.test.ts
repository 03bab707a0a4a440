// The app for everybody, in real Chromium: by keyboard alone, at 400 % zoom, with text spacing, light and dark.
import type { Page } from 'playwright-core';
import { phone, type TestPhone } from '../support/browser.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { holds } from './holds.ts';
import { ask, enrolled, needsBuiltApp, PIN } from './with-app.ts';

describe('the phone app for everybody', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let one: TestPhone;
  let page: Page;
  let who: { id: string };
  before(async () => {
    needsBuiltApp();
    running = await startHouse();
    one = await phone();
    one.context.setDefaultTimeout(45_000);
    ({ page, ...who } = await enrolled(running, one));
  });
  after(async () => {
    await one?.close();
    await running?.close();
  });

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
    await holds(page, 'home');
    const transaction = await ask(running, who.id, 'keyboard', 'push');
    await page.locator('.request').waitFor();
    await holds(page, 'home-request');
    await byKeyboard('Payroll asks');
    await heading('Payroll asks: is this you?');
    await holds(page, 'request');
    await toField();
    await page.keyboard.type(transaction.number);
    await page.keyboard.press('Enter');
    await page.locator('.pin').waitFor();
    await holds(page, 'pin');
    await toField();
    await page.keyboard.type(PIN);
    await page.keyboard.press('Enter');
    await heading('You said yes');
    await holds(page, 'done');
    await byKeyboard('Done');
    await heading('Requests');
  });

  it('holds on the help', async () => {
    await byKeyboard('Help');
    await heading('Help');
    await holds(page, 'help');
    await byKeyboard('Back');
    await heading('Requests');
  });
});
