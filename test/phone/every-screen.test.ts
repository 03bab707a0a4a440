// Every screen of the app, reached as a person reaches it in real Chromium: accessible in light and dark, whole at 320 px and at 400 % zoom.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { phone, type TestPhone } from '../support/browser.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { holds, seen } from './holds.ts';
import { ask, followOffer, needsBuiltApp, offer, PIN, SESSION, scanned, showCode, typePin } from './with-app.ts';

/** The names of all screens, from the table of the app itself. */
function everyScreen(): string[] {
  const table = readFileSync(new URL('../../phone/screens/screen.ts', import.meta.url), 'utf8');
  return [...new Set([...table.matchAll(/\| \{ name: '([a-z]+)'/g)].map(([, name]) => String(name)))];
}

describe('every screen of the phone', function () {
  this.timeout(240_000);
  let running: RunningHouse;
  let one: TestPhone;
  let page: Page;
  let who: { id: string; login: string };
  before(async () => {
    needsBuiltApp();
    running = await startHouse();
    one = await phone();
    one.context.setDefaultTimeout(45_000);
    page = await one.context.newPage();
    seen.clear();
  });
  after(async () => {
    await one?.close();
    await running?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await page.screenshot({ path: `test-results/${this.currentTest.title}.png` });
  });
  const heading = (name: string, on = page) => on.getByRole('heading', { name, exact: true }).waitFor();
  const press = (name: string, on = page) => on.getByRole('button', { name, exact: true }).click();
  const start = async (fragment = '') => {
    await page.goto('about:blank');
    await page.goto(`${running.issuer}/phone/${fragment}`);
  };

  it('before there is an account', async () => {
    await start();
    await heading('Your phone shows that it is you');
    await holds(page, 'welcome');
    await page.locator('summary').click();
    await holds(page, 'welcome-install');
    await press('Scan the code of my account');
    await page.locator('video').waitFor();
    await holds(page, 'scan');
    await press('Back');
    await press('Type a code instead');
    await page.getByLabel('Your sign-in name').waitFor();
    await holds(page, 'type');
    await press('Continue');
    await holds(page, 'type-mistake');
    await start(`#o1.${'A'.repeat(22)}`);
    await page.locator('[data-screen=arrived]').waitFor();
    await holds(page, 'arrived-open');
    await start('#x1.nonsense');
    await page.locator('[data-screen=arrived]').waitFor();
    await holds(page, 'arrived-broken');
  });

  it('while an account is added', async () => {
    who = await person(running.house);
    const { link } = await offer(running, who.id);
    await page.goto('about:blank');
    await page.goto(link);
    await page.locator('[data-screen=arrived]').waitFor();
    await holds(page, 'arrived-enrol');
    await press('Add it here, in this browser');
    await heading('Is this your account?');
    await holds(page, 'enrol-account');
    await press('Yes, go on');
    await page.locator('.pin').waitFor();
    await holds(page, 'enrol-pin');
    await typePin(page, '904172');
    await page.getByText('You have 2 tries left.', { exact: false }).waitFor();
    await holds(page, 'enrol-pin-wrong');
    await typePin(page, PIN);
    await heading('This phone is ready');
    await holds(page, 'enrol-done');
    await press('To the start');
    await page.locator('.connection-live').waitFor();
    await holds(page, 'home');
  });

  it('with what the operator tells, before and during, in the language of the phone or English', async () => {
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const all = [
      { text: { en: 'Slow today.', de: 'Heute langsam.' }, from: at(-1), until: at(1) },
      { text: { en: 'Down <b>tomorrow</b>.' }, from: at(23), until: at(24) },
      { text: { en: 'Down next week.' }, from: at(60), until: at(61), announce: '1h' },
      { text: { en: 'Was down.' }, from: at(-3), until: at(-2) },
      { text: { en: 'Payroll is slow.' }, from: at(-1), until: at(1), services: ['payroll'] },
    ];
    await running.reload({ 'notices.yaml': { notices: all } });
    const told = () =>
      page
        .locator('.operator-notices .notice')
        .evaluateAll((found) =>
          found.map((one) => `${one.className} ${one.querySelector('p')?.lang} ${one.textContent}`),
        );
    await page.reload();
    await page.getByText('Slow today.').waitFor();
    expect(await told()).to.deep.equal([
      'notice notice-warn en Slow today.',
      'notice notice-plain en Down <b>tomorrow</b>.',
    ]);
    await holds(page, 'home-notices');
    await page.evaluate(() => localStorage.setItem('countersign.language', 'de'));
    await page.reload();
    await page.getByText('Heute langsam.').waitFor();
    expect(await told()).to.deep.equal([
      'notice notice-warn de Heute langsam.',
      'notice notice-plain en Down <b>tomorrow</b>.',
    ]);
    await page.evaluate(() => localStorage.removeItem('countersign.language'));
    const until = at(2);
    await running.reload({ 'notices.yaml': { read_only: { on: true, until, text: { en: 'We <b>move</b>.' } } } });
    await page.reload();
    await page.getByText('We <b>move</b>.').waitFor();
    expect(await page.locator('.read-only').textContent())
      .to.contain('this phone can neither approve nor change anything')
      .and.contain('Probably until');
    await holds(page, 'home-read-only');
    await running.reload({ 'notices.yaml': { notices: [] } });
    await page.reload();
    await page.locator('.connection-live').waitFor();
    expect(await told()).to.deep.equal([]);
  });

  it('of the settings', async () => {
    await press('Settings');
    await page.getByText('In use').waitFor();
    await holds(page, 'settings');
    await press('Change the name');
    await page.getByLabel('New name of this phone', { exact: false }).fill('');
    await press('Save');
    await page.getByRole('alert').waitFor();
    await holds(page, 'rename');
    await press('Back');
    await press('Change the PIN');
    await holds(page, 'pin-old');
    await press('I do not know my PIN');
    await heading('A new PIN without the old one');
    await holds(page, 'forgotten');
    await press('Remove this account from the phone');
    await heading(`Remove ${who.login} from this phone?`);
    await holds(page, 'unlink');
    await press('Keep it');
    await press('Back');
    await typePin(page, PIN);
    await heading('Choose a new PIN');
    await holds(page, 'pin-new');
    await typePin(page, '270964');
    await heading('Type the new PIN again');
    await one.context.route('**/device/v1/pin', (route) => route.abort());
    await typePin(page, '270964');
    await heading('The answer did not arrive');
    await holds(page, 'pin-lost');
    await one.context.unroute('**/device/v1/pin');
    await press('To the start');
    const session = await one.context.newCDPSession(page);
    await session.send('WebAuthn.enable');
    const options = { protocol: 'ctap2', transport: 'internal', hasUserVerification: true } as const;
    await session.send('WebAuthn.addVirtualAuthenticator', { options });
    await press('Settings');
    await page.getByRole('switch').click();
    await heading('Type your PIN to switch it on');
    await holds(page, 'biometric-pin');
    await typePin(page, PIN);
    await page.getByText('It is not switched on', { exact: false }).waitFor();
    await holds(page, 'biometric-show');
    await session.detach();
    await press('Back');
    await press('Back');
    await press('Help');
    await heading('Help');
    await holds(page, 'help');
    await press('Back');
  });

  it('of a request, and of one that is looked for', async () => {
    const pushed = await ask(running, who.id, 'pushed', 'push');
    await page.locator('.request').click();
    await heading('Payroll asks: is this you?');
    await holds(page, 'request');
    await press('Yes, it is me');
    await page.getByRole('alert').waitFor();
    await holds(page, 'request-number-missing');
    await press('It was not me');
    await holds(page, 'report');
    await press('Back to the request');
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(pushed.number);
    await press('Yes, it is me');
    await typePin(page, '904172');
    await page.getByText('Wrong PIN. You have 4 tries left.').waitFor();
    await holds(page, 'request-pin-wrong');
    await typePin(page, PIN);
    await heading('You said yes');
    await holds(page, 'done');
    await press('Done');
    const linked = await ask(running, who.id, 'linked');
    await one.context.route('**/device/v1/open', () => undefined);
    await start(`#o1.${linked.id}`);
    await page.locator('[data-screen=find]').waitFor();
    await holds(page, 'find');
    await one.context.unroute('**/device/v1/open');
  });

  it('without a network, and where the provider cannot be reached', async () => {
    await start();
    await page.locator('.connection-live').waitFor();
    const transaction = await ask(running, who.id, 'offline');
    await showCode(one, await scanned(running, transaction));
    await one.context.setOffline(true);
    await page.reload();
    await page.locator('.connection-offline').waitFor();
    await holds(page, 'home-offline');
    await press('Scan a code');
    await heading('Are you signing in here?');
    await holds(page, 'code-ask');
    await press('Yes, it is me');
    await page.locator('.pin').waitFor();
    await holds(page, 'code-pin');
    await typePin(page, PIN);
    await heading('Type this code into your browser');
    await holds(page, 'code-show');
    await press('Done, hide the code');
    await page.evaluate(`location.hash = '#o1.${transaction.id}'`);
    await heading('No connection');
    await holds(page, 'problem-offline');
    await one.context.setOffline(false);
    await press('Try again');
    await heading('Payroll asks: is this you?');
  });

  it('of six digits for the account page', async () => {
    const house = await startHouse({ files: { 'devices.yaml': { kdf_iterations: 1000, pin: { setup: 'phone' } } } });
    const other = await phone();
    try {
      other.context.setDefaultTimeout(45_000);
      const { id: userId } = await person(house.house);
      const started = await startEnrolment(house.house.world, { userId, session: SESSION, name: 'Blue phone' });
      if (!started.ok) throw new Error(started.why);
      const theirs = await other.context.newPage();
      await followOffer(theirs, started.link);
      await press('Yes, go on', theirs);
      for (const name of ['Choose a PIN', 'Type the PIN again']) {
        await heading(name, theirs);
        await holds(theirs, name);
        await typePin(theirs, PIN);
      }
      await heading('Type this number on your account page', theirs);
      await theirs.goto('about:blank');
      await theirs.goto(`${house.issuer}/phone/`);
      await press('Finish adding this account', theirs);
      await heading('Type this number on your account page', theirs);
      await holds(theirs, 'check');
    } finally {
      await other.close();
      await house.close();
    }
  });

  it('where the browser threw the keys away', async () => {
    await page.evaluate(`new Promise((resolve) => {
      indexedDB.deleteDatabase('countersign').onsuccess = resolve;
    }).then(() => undefined)`);
    await start();
    await heading('Your browser deleted this app’s keys');
    await holds(page, 'evicted');
  });

  it('has been looked at', () => {
    const all = everyScreen();
    expect(all).to.have.length.above(15);
    expect(all.filter((name) => !seen.has(name))).to.deep.equal([]);
  });
});
