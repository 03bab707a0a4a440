// What goes wrong on a phone, in real Chromium: no camera, a wrong clock, a stranger's request, a contested code, a copy, a wait, a blocked line, lost keys.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { fromBase64url } from '../../src/protocol/bytes.ts';
import { frameMac, signInLink } from '../../src/protocol/links.ts';
import { browserTransaction } from '../../src/usecases/browser-transaction.ts';
import { cancelEnrolment } from '../../src/usecases/cancel-enrolment.ts';
import { confirmEnrolment } from '../../src/usecases/confirm-enrolment.ts';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import {
  accessibilityFaults,
  type Complaints,
  listenTo,
  phone,
  type TestPhone,
  takePictures,
} from '../support/browser.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import {
  ask,
  askedNow,
  BIND,
  enrolled,
  followOffer,
  needsBuiltApp,
  offer,
  PIN,
  SESSION,
  showCode,
  typePin,
} from './with-app.ts';

/** The browser's own lines about refusals, and about a line that the test cuts. */
const EXPECTED = [/Failed to load resource/, /net::ERR_FAILED/];

describe('trouble on the phone', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  const phones: TestPhone[] = [];
  let complaints: Complaints[] = [];

  before(async () => {
    needsBuiltApp();
    running = await startHouse();
  });
  after(async () => running?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      for (const { context } of phones)
        for (const page of context.pages())
          await page.screenshot({ path: `test-results/${this.currentTest.title}.png` });
    for (const one of phones.splice(0)) await one.close();
    const heard = complaints.flatMap(({ errors, foreign }) => [...errors, ...foreign]);
    complaints = [];
    expect(heard).to.deep.equal([]);
  });

  const take = async (options: Parameters<typeof phone>[0] = {}, house = running): Promise<TestPhone> => {
    const one = await phone(options);
    one.context.setDefaultTimeout(45_000);
    phones.push(one);
    complaints.push(listenTo(one.context, [house.issuer], EXPECTED));
    return one;
  };
  const open = async (one: TestPhone, house = running): Promise<Page> => {
    const page = await one.context.newPage();
    await page.goto(`${house.issuer}/phone/`);
    return page;
  };
  const withAccount = async (options: Parameters<typeof phone>[0] = {}) => {
    const one = await take(options);
    return { one, ...(await enrolled(running, one)) };
  };
  const looksRight = async (page: Page, name: string) => {
    expect(await accessibilityFaults(page), name).to.deep.equal([]);
    if (process.env.PICTURES) await takePictures(page, `phone-${name}`);
  };
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true }).waitFor();
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const typeCode = async (page: Page, login: string, code: string) => {
    await press(page, 'Type a code instead');
    await page.getByLabel('Your sign-in name').fill(login);
    await page.getByLabel('The code', { exact: false }).last().fill(code);
    await press(page, 'Continue');
  };
  const openRequest = async (page: Page) => {
    await page.locator('.request').first().click();
    await page.getByLabel('The number that your browser shows', { exact: false }).waitFor();
  };
  const deviceOf = async (userId: string) => {
    const [known] = await running.house.world.records.devices.ofUser(userId);
    if (!known) throw new Error('no phone');
    return known;
  };

  for (const [camera, words] of [
    ['refused', 'The app may not use the camera'],
    ['none', 'This device has no camera'],
  ] as const) {
    it(`adds an account by typing where the camera is ${camera}`, async () => {
      const one = await take({ camera });
      const who = await person(running.house);
      const { code } = await offer(running, who.id);
      const page = await open(one);
      await press(page, 'Scan the code of my account');
      await page.getByText(words).waitFor();
      await page.getByRole('button', { name: 'Try again' }).waitFor();
      await looksRight(page, `camera-${camera}`);
      await typeCode(page, who.login, code);
      await press(page, 'Yes, go on');
      await typePin(page, PIN);
      await heading(page, 'This phone is ready');
      await press(page, 'To the start');
      await press(page, 'Scan a code');
      await page.getByText('choose “My phone cannot scan”', { exact: false }).waitFor();
    });
  }

  for (const minutes of [10, -10]) {
    it(`works with a clock that is ${minutes} minutes off, and says so`, async () => {
      const one = await take();
      await one.context.clock.install({ time: Date.now() + minutes * 60_000 });
      const { page, ...who } = await enrolled(running, one);
      await page.getByText('The clock of this phone is 10 minutes off. Please set it to automatic.').waitFor();
      await looksRight(page, 'clock-off');
      const transaction = await ask(running, who.id, `clock ${minutes}`, 'push');
      await openRequest(page);
      // Two minutes as the provider counts them, whatever the phone's own clock says.
      await page.getByText(/about 2 minutes left|1[01]\d seconds left/).waitFor();
      await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
      await press(page, 'Yes, it is me');
      await typePin(page, PIN);
      await heading(page, 'You said yes');
      expect((await running.house.world.transactions.find(transaction.id))?.state).to.equal('approved');
    });
  }

  it('says yes though its counter was kept by a clock a day ahead', async () => {
    const { page, ...who } = await withAccount();
    await page.evaluate(`new Promise((resolve) => {
      const opening = indexedDB.open('countersign');
      opening.onsuccess = () => {
        const accounts = opening.result.transaction('accounts', 'readwrite').objectStore('accounts');
        accounts.openCursor().onsuccess = ({ target: { result: at } }) => {
          at.update({ ...at.value, ctr: Date.now() + 86400000 }).onsuccess = resolve;
        };
      };
    })`);
    const transaction = await ask(running, who.id, 'counter', 'push');
    await openRequest(page);
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    await press(page, 'Yes, it is me');
    await typePin(page, PIN);
    await heading(page, 'You said yes');
  });

  it('announces a request that arrives while the start is shown, and one that goes', async () => {
    const { page, ...who } = await withAccount();
    const announced = page.locator('p[aria-live=assertive]');
    expect(await announced.innerText()).to.equal('');
    const transaction = await ask(running, who.id, 'live', 'push');
    await page.getByText('New request: Payroll asks.').waitFor({ state: 'attached' });
    expect(await announced.innerText()).to.equal('New request: Payroll asks.');
    expect(await page.title()).to.equal('(1) Requests – Countersign');
    await looksRight(page, 'home-request');
    await running.house.world.transactions.end(transaction.id);
    await running.house.world.transactions.touchUser(who.id);
    await page.getByText('The request is over.').waitFor({ state: 'attached' });
    await page.getByText('No requests').waitFor();
    expect(await page.title()).to.equal('Requests – Countersign');
    await press(page, 'Scan a code');
    await heading(page, 'Scan a code');
    expect(await page.title()).to.equal('Scan a code – Countersign');
    // Said once, and not there for whoever goes through a later screen.
    await page.waitForFunction(() => document.querySelector('p[aria-live=assertive]')?.textContent === '');
  });

  it('stops and reports a request of somebody else, and the browser there is told so', async () => {
    const { page, ...who } = await withAccount();
    const transaction = await ask(running, who.id, 'stranger', 'push');
    await openRequest(page);
    await press(page, 'It was not me');
    await heading(page, 'Somebody else is trying?');
    await looksRight(page, 'report');
    await press(page, 'Back to the request');
    await press(page, 'It was not me');
    expect((await running.house.world.transactions.find(transaction.id))?.state).to.equal('pending');
    await press(page, 'Yes, stop it');
    await heading(page, 'Stopped and reported');
    await looksRight(page, 'reported');
    const seen = await browserTransaction(running.house.world, { txn: transaction.id, bind: BIND });
    expect(seen?.state).to.equal('reported');
    expect((await running.house.world.records.users.byId(who.id))?.pushPaused).to.equal(true);
  });

  describe('where the PIN is chosen on the phone', () => {
    let house: RunningHouse;
    before(async () => {
      house = await startHouse({ files: { 'devices.yaml': { kdf_iterations: 1000, pin: { setup: 'phone' } } } });
    });
    after(async () => house?.close());

    const waiting = async (one: TestPhone) => {
      const who = await person(house.house);
      const started = await startEnrolment(house.house.world, { userId: who.id, session: SESSION, name: 'Blue phone' });
      if (!started.ok) throw new Error(started.why);
      const page = await one.context.newPage();
      await followOffer(page, started.link);
      await press(page, 'Yes, go on');
      return { page, who, enrolmentId: started.enrolmentId };
    };
    const choosePin = async (page: Page) => {
      await heading(page, 'Choose a PIN');
      await typePin(page, PIN);
      await heading(page, 'Type the PIN again');
      await typePin(page, PIN);
      await heading(page, 'Type this number on your account page');
    };

    it('takes six check digits on the account page', async () => {
      const one = await take({}, house);
      const { page, who, enrolmentId } = await waiting(one);
      await heading(page, 'Choose a PIN');
      await typePin(page, '111111');
      await page.getByText('This PIN is easy to guess', { exact: false }).waitFor();
      await typePin(page, PIN);
      await heading(page, 'Type the PIN again');
      await typePin(page, '911473');
      await page.getByText('The two PINs were not the same. Please choose again.').waitFor();
      await looksRight(page, 'choose-pin');
      await choosePin(page);
      await looksRight(page, 'check-digits');
      const check = (await page.locator('.digits-shown').innerText()).replace(/\D/g, '');
      expect(check).to.match(/^\d{6}$/);
      expect(await house.house.world.records.devices.ofUser(who.id)).to.deep.equal([]);
      const confirmed = await confirmEnrolment(house.house.world, {
        enrolmentId,
        session: SESSION,
        userId: who.id,
        check,
      });
      expect(confirmed.ok).to.equal(true);
      await page.locator('.connection-live').waitFor();
      await heading(page, 'Requests');
    });

    it('goes on after the app was closed, and says so where the account page stopped it', async () => {
      const one = await take({}, house);
      await one.context.clock.install();
      const { page, enrolmentId } = await waiting(one);
      await choosePin(page);
      await page.goto('about:blank');
      await page.goto(`${house.issuer}/phone/`);
      await press(page, 'Finish adding this account');
      await heading(page, 'Type this number on your account page');
      await cancelEnrolment(house.house.world, { enrolmentId, session: SESSION });
      await one.context.clock.fastForward('05:01');
      await heading(page, 'Adding the phone was stopped');
      await press(page, 'To the start');
      await heading(page, 'Your phone shows that it is you');
    });
  });

  it('tells the second phone that the code is taken, and the first that nobody gets it', async () => {
    const [first, second] = [await take(), await take()];
    const who = await person(running.house);
    const { code, link } = await offer(running, who.id);
    const [mine, theirs] = [await first.context.newPage(), await open(second)];
    await followOffer(mine, link);
    await typeCode(theirs, who.login, code);
    await heading(theirs, 'Another phone used this code');
    await looksRight(theirs, 'contested');
    await press(mine, 'Yes, go on');
    await typePin(mine, PIN);
    await heading(mine, 'Another phone used this code');
    await press(mine, 'To the start');
    await heading(mine, 'Your phone shows that it is you');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.deep.equal([]);
  });

  it('says that a typed code is not valid, and that adding was stopped', async () => {
    const one = await take();
    const who = await person(running.house);
    const { code, enrolmentId } = await offer(running, who.id);
    const page = await open(one);
    await typeCode(page, who.login, 'ZZZZZ-ZZZZZ');
    await heading(page, 'This code is not valid');
    await press(page, 'To the start');
    await typeCode(page, who.login, code);
    await heading(page, 'Is this your account?');
    await cancelEnrolment(running.house.world, { enrolmentId, session: SESSION });
    await press(page, 'Yes, go on');
    await typePin(page, PIN);
    await heading(page, 'Adding the phone was stopped');
    await looksRight(page, 'enrolment-stopped');
  });

  it('says that there may be a copy of this phone, at once and at the next start', async () => {
    const { page, ...who } = await withAccount();
    await running.house.world.records.devices.lockCloned((await deviceOf(who.id)).id);
    await running.house.world.transactions.touchUser(who.id);
    await heading(page, 'There may be a copy of this phone');
    await looksRight(page, 'copied');
    await page.reload();
    await heading(page, 'There may be a copy of this phone');
  });

  it('finds out a phone that was really copied, keys and all: the copy gets nothing, and both are told', async () => {
    const [mine, copy] = [mkdtempSync(join(tmpdir(), 'phone-')), mkdtempSync(join(tmpdir(), 'phone-'))];
    try {
      const before = await take({ profile: mine });
      const who = await enrolled(running, before);
      await before.context.close();
      cpSync(mine, copy, { recursive: true, filter: (path) => !path.includes('Singleton') });
      const [own, theirs] = [await take({ profile: mine }), await take({ profile: copy })];
      const [page, thief] = [await open(own), await open(theirs)];
      for (const one of [page, thief]) await one.locator('.connection-live').waitFor();
      const sayYes = async (on: Page, name: string) => {
        const transaction = await ask(running, who.id, name, 'push');
        await openRequest(on);
        await on.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
        await press(on, 'Yes, it is me');
        await typePin(on, PIN);
        return transaction;
      };
      for (const name of ['first', 'second']) {
        await sayYes(page, name);
        await heading(page, 'You said yes');
        await press(page, 'Done');
      }
      const asked = await sayYes(thief, 'stolen');
      for (const one of [thief, page]) await heading(one, 'There may be a copy of this phone');
      await looksRight(page, 'really-copied');
      expect((await running.house.world.transactions.find(asked.id))?.state).to.equal('pending');
      expect(await deviceOf(who.id)).to.include({ state: 'locked', lockReason: 'cloned' });
    } finally {
      for (const one of phones.splice(0)) await one.close();
      for (const folder of [mine, copy]) rmSync(folder, { recursive: true, force: true });
    }
  });

  it('leads a person who forgot the PIN to a new enrolment, from the request on', async () => {
    const { page, ...who } = await withAccount();
    const transaction = await ask(running, who.id, 'forgotten', 'push');
    await openRequest(page);
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    await press(page, 'Yes, it is me');
    await press(page, 'I do not know my PIN');
    await heading(page, 'A new PIN without the old one');
    await press(page, 'Remove this account from the phone');
    await press(page, 'Remove it');
    await heading(page, 'Your phone shows that it is you');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.deep.equal([]);
    const pin = '270964';
    const started = await startEnrolment(running.house.world, {
      userId: who.id,
      session: SESSION,
      name: 'Blue phone again',
      pin,
      pinAgain: pin,
    });
    if (!started.ok) throw new Error(started.why);
    await page.goto('about:blank');
    await followOffer(page, started.link);
    await press(page, 'Yes, go on');
    await typePin(page, pin);
    await heading(page, 'This phone is ready');
    await press(page, 'To the start');
    await openRequest(page);
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    await press(page, 'Yes, it is me');
    await typePin(page, pin);
    await heading(page, 'You said yes');
  });

  it('shows the wait after three wrong PINs, and its end', async () => {
    const { one, page, ...who } = await withAccount();
    await one.context.clock.install();
    await page.goto('about:blank');
    await page.goto(`${running.issuer}/phone/`);
    const transaction = await ask(running, who.id, 'wait', 'push');
    await openRequest(page);
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    await press(page, 'Yes, it is me');
    for (const [index, wrong] of ['904172', '904173', '904174'].entries()) {
      await typePin(page, wrong);
      await page.getByText(`Wrong PIN. You have ${4 - index} tries left.`).waitFor();
    }
    await page.getByText(/Please wait (60|5\d) seconds before the next try\./).waitFor();
    expect(await page.getByRole('button', { name: '5', exact: true }).isDisabled()).to.equal(true);
    await looksRight(page, 'pin-wait');
    await one.context.clock.fastForward('01:01');
    await page.getByText('Please wait', { exact: false }).waitFor({ state: 'detached' });
    expect(await page.getByRole('button', { name: '5', exact: true }).isEnabled()).to.equal(true);
  });

  it('polls where the stream is cut', async () => {
    const one = await take();
    await one.context.route('**/device/v1/stream', (route) => route.abort());
    const who = await person(running.house);
    await polledAccount(one, who);
  });

  it('polls where something in between swallows the stream', async () => {
    const one = await take();
    await one.context.clock.install();
    // Never answered: a proxy that collects the whole answer before it passes anything on.
    await one.context.route('**/device/v1/stream', () => undefined);
    const who = await person(running.house);
    await polledAccount(one, who, () => one.context.clock.fastForward('00:11'));
  });

  /** Adds the account, waits until the app has given the stream up, and sees a request all the same. */
  async function polledAccount(one: TestPhone, who: { id: string; login: string }, meanwhile = async () => {}) {
    const { link } = await offer(running, who.id);
    const page = await one.context.newPage();
    await followOffer(page, link);
    await press(page, 'Yes, go on');
    // The line opens as soon as the account is there, before anybody has pressed anything more.
    const tried = one.context.waitForEvent('request', (request) => request.url().endsWith('/device/v1/stream'));
    await typePin(page, PIN);
    await heading(page, 'This phone is ready');
    await press(page, 'To the start');
    await tried;
    await meanwhile();
    await page.locator('.connection-polling').waitFor();
    await ask(running, who.id, 'polled', 'push');
    await page.locator('.request').first().waitFor();
    await looksRight(page, 'polling');
  }

  it('removes the account after a question', async () => {
    const { page, ...who } = await withAccount();
    await press(page, 'Settings');
    await press(page, 'Remove this account from the phone');
    await heading(page, `Remove ${who.login} from this phone?`);
    await looksRight(page, 'unlink');
    await press(page, 'Keep it');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.have.length(1);
    await press(page, 'Remove this account from the phone');
    await press(page, 'Remove it');
    await heading(page, 'Your phone shows that it is you');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.deep.equal([]);
    await page.reload();
    await heading(page, 'Your phone shows that it is you');
  });

  it('deletes at least its own keys where the provider does not answer', async () => {
    const { one, page, ...who } = await withAccount();
    await one.context.route('**/device/v1/unlink', (route) => route.abort());
    await press(page, 'Settings');
    await press(page, 'Remove this account from the phone');
    await press(page, 'Remove it');
    await heading(page, 'The provider did not answer');
    await looksRight(page, 'unlink-unreached');
    await press(page, 'Delete the keys here');
    await heading(page, 'Your phone shows that it is you');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.have.length(1);
  });

  it('knows that the browser threw its keys away', async () => {
    const { page } = await withAccount();
    await page.evaluate(`new Promise((resolve, reject) => {
      const deleting = indexedDB.deleteDatabase('countersign');
      deleting.onsuccess = () => resolve();
      deleting.onerror = () => reject(deleting.error);
    })`);
    await page.reload();
    await heading(page, 'Your browser deleted this app’s keys');
    await page.getByText('An account was on this phone.', { exact: false }).waitFor();
    await looksRight(page, 'evicted');
    await press(page, 'Add my account again');
    await heading(page, 'Your phone shows that it is you');
    await page.reload();
    await heading(page, 'Your phone shows that it is you');
  });

  it('makes a code to type where the code on the page is of another second', async () => {
    const { one, page, ...who } = await withAccount();
    const transaction = await ask(running, who.id, 'stale');
    const secret = fromBase64url(transaction.qrSecret);
    if (!secret) throw new Error('no secret');
    // A page without scripts shows one code that stands still; it is as far from this second as this one.
    const link = signInLink(
      running.issuer,
      transaction.id,
      { i: 60, mac: await frameMac(secret, 60) },
      transaction.context,
    );
    await showCode(one, link);
    await press(page, 'Scan a code');
    await heading(page, 'Are you signing in here?');
    await page.getByText('The provider could not be asked in time.', { exact: false }).waitFor();
    await looksRight(page, 'stale-ask');
    await press(page, 'Yes, it is me');
    await typePin(page, PIN);
    await heading(page, 'Type this code into your browser');
    const code = (await page.locator('.digits-shown').innerText()).replace(/\D/g, '');
    const entered = await enterOfflineCode(running.house.world, { ...askedNow(transaction), code });
    expect(entered.ok).to.equal(true);
  });
});
