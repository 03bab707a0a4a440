// The whole story in Chromium: a desktop and a phone with a camera, from the first password to a stepped-up token, with every mistake on the way.
import { expect } from 'chai';
import pg from 'pg';
import type { BrowserContext, Page } from 'playwright-core';
import { codeIn, MFA, newestMail } from '../interactions/with-phone.ts';
import { needsBuiltApp, PIN, typePin } from '../phone/with-app.ts';
import { type Complaints, desktop, listenTo, phone, type TestPhone } from '../support/browser.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { type RelyingService, startRelyingService } from '../support/relying-service.ts';

const LEVEL = { acr_values: MFA };
/** What a phone's Chromium says of itself; the one under test runs on a desktop. */
const ANDROID =
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36';
/** The browser's own lines about refusals, and about a network that is off. */
const EXPECTED = [/Failed to load resource/, /net::ERR_INTERNET_DISCONNECTED/];

describe('a desktop and a phone', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let service: RelyingService;
  let who: { id: string; login: string };
  let desk: BrowserContext;
  let page: Page;
  let device: TestPhone;
  let app: Page;
  let database: pg.Client;
  const complaints: Complaints[] = [];

  before(async () => {
    needsBuiltApp();
    service = await startRelyingService();
    running = await startHouse({ backend: 'servers', files: { 'clients/desk.yaml': service.client } });
    await service.discover(running.issuer);
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    who = await person(running.house);
    desk = await desktop({}, 'whole');
    device = await phone({ browser: 'whole', context: { userAgent: ANDROID } });
    const origins = [running.issuer, service.origin];
    complaints.push(listenTo(desk, origins, EXPECTED), listenTo(device.context, origins, EXPECTED));
    page = await desk.newPage();
    app = await device.context.newPage();
    for (const one of [page, app]) one.setDefaultTimeout(45_000);
  });
  after(async () => {
    await database?.end();
    await desk?.close();
    await device?.close();
    service?.close();
    await running?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await pictures(this.currentTest.title, page, app);
    for (const { errors, foreign } of complaints) expect([...errors, ...foreign]).to.deep.equal([]);
  });

  const pictures = async (title: string, ...pages: Page[]) => {
    for (const [index, one] of pages.entries()) {
      await one.screenshot({ path: `test-results/${title}-${index}.png` });
    }
  };
  const heading = (on: Page, name: string | RegExp) => on.getByRole('heading', { name }).first().waitFor();
  const button = (on: Page, name: string) => on.getByRole('button', { name, exact: true }).first();
  const signInByPassword = async (on = page) => {
    await on.fill('#login', who.login);
    await on.fill('#password', PASSWORD);
    await on.click('button.main');
  };
  /** Holds the phone before the code on the desktop and lets the app read it. */
  const scan = async () => {
    await device.camera.pointAt(page.locator('#qr'));
    await button(app, 'Scan a code').click();
  };
  const claims = async () => JSON.parse(await page.locator('#claims').innerText()) as Record<string, unknown>;
  const approveIn = async () => {
    await button(app, 'Yes, it is me').click();
    await typePin(app, PIN);
    await heading(app, 'You said yes');
    await button(app, 'Done').click();
  };
  /** The PIN screen again, where waiting has closed it. */
  const reopenPin = async () => {
    await button(app, 'Back').click();
    await button(app, 'Yes, it is me').click();
  };
  const startOver = async () => {
    await desk.clearCookies();
    await page.goto(service.signIn(LEVEL));
    await signInByPassword();
  };

  it('adds the phone on the account page', async () => {
    await page.goto(`${running.issuer}/account`);
    await signInByPassword();
    await page.getByRole('link', { name: /Add a mobile device/ }).click();
    await page.click('button.main');
    await page.fill('#code', codeIn(newestMail(running, `${who.login}@example.org`)));
    await page.click('button.main');
    await page.fill('#name', 'Blue phone');
    await page.fill('#pin', PIN);
    await page.fill('#pin_again', PIN);
    await page.click('button.main');
    await app.goto(`${running.issuer}/phone/`);
    await device.camera.pointAt(page.locator('.qr').first());
    await button(app, 'Scan the code of my account').click();
    await heading(app, 'Is this your account?');
    expect(await app.locator('main').innerText()).to.include(who.login);
    await heading(page, 'Go on with your phone');
    await button(app, 'Yes, go on').click();
    await typePin(app, PIN);
    await heading(app, 'This phone is ready');
    await button(app, 'To the start').click();
    await heading(page, 'Your phone is added');
    expect(newestMail(running, `${who.login}@example.org`)).to.include('Blue phone');
  });

  it('steps an old session up by the moving code', async () => {
    await app.goto(`${running.issuer}/phone/`);
    await page.goto(service.signIn());
    expect(await claims()).to.include({ acr: 'urn:countersign:acr:basic' });
    await page.goto(service.signIn(LEVEL));
    await heading(page, 'Scan with your phone');
    expect(await page.locator('main').innerText()).to.include('Travel desk');
    await scan();
    await app.getByText('Travel desk').first().waitFor();
    await approveIn();
    const got = await claims();
    expect(got).to.include({ acr: MFA });
    expect(got['amr']).to.have.members(['pwd', 'swk', 'pin', 'mca', 'user', 'mfa']);
  });

  it('signs in by a number on a browser that is known', async () => {
    const kept = (await desk.cookies()).filter(({ name }) => name === 'known');
    await desk.clearCookies();
    await desk.addCookies(kept);
    await page.goto(service.signIn(LEVEL));
    await signInByPassword();
    await page.locator('.number').first().waitFor();
    const number = (await page.locator('.number').first().innerText()).replace(/\D/g, '');
    expect(number).to.match(/^\d{6}$/);
    const field = app.getByLabel('The number that your browser shows', { exact: false });
    await app.getByText('Travel desk').first().click();
    await field.fill(number);
    await approveIn();
    expect(await claims()).to.include({ acr: MFA });
  });

  it('signs in on the phone itself: from the page to the app, and the page goes on by itself', async () => {
    const tab = await device.context.newPage();
    await tab.goto(service.signIn(LEVEL));
    await signInByPassword(tab);
    await tab.locator('.number').first().waitFor();
    const number = (await tab.locator('.number').first().innerText()).replace(/\D/g, '');
    const opened = device.context.waitForEvent('page');
    await tab.getByRole('link', { name: 'Continue in the app' }).click();
    const there = await opened;
    await there.getByLabel('The number that your browser shows', { exact: false }).fill(number);
    await button(there, 'Yes, it is me').click();
    await typePin(there, PIN);
    await heading(there, 'You said yes');
    expect(JSON.parse(await tab.locator('#claims').innerText())).to.include({ acr: MFA });
    await there.close();
    await tab.close();
  });

  it('signs in with the phone’s network off, by the code that it shows', async () => {
    await startOver();
    await heading(page, 'Scan with your phone');
    await device.context.setOffline(true);
    try {
      await app.reload();
      await scan();
      await button(app, 'Yes, it is me').click();
      await typePin(app, PIN);
      await heading(app, 'Type this code into your browser');
      const code = (await app.locator('.digits-shown').innerText()).replace(/\D/g, '');
      await page.fill('#code', code);
      await button(page, 'Continue').click();
      expect((await claims())['amr']).to.have.members(['pwd', 'swk', 'pin', 'otp', 'user', 'mfa']);
      await button(app, 'Done, hide the code').click();
    } finally {
      await device.context.setOffline(false);
    }
    await app.locator('.connection-live').waitFor();
  });

  it('tells the desktop of a no, and goes back to the service when the person gives up', async () => {
    await startOver();
    await heading(page, 'Scan with your phone');
    await scan();
    await button(app, 'No').click();
    await heading(app, 'You said no');
    await button(app, 'Done').click();
    await heading(page, /no/i);
    await page
      .getByRole('button', { name: /go back/i })
      .first()
      .click();
    expect(await page.locator('#error').innerText()).to.equal('access_denied');
  });

  it('ends a sign-in at a wrong number, and says what to do next', async () => {
    await startOver();
    await heading(page, 'Scan with your phone');
    await button(page, 'My phone cannot scan').click();
    await page.locator('.number').first().waitFor();
    const shown = (await page.locator('.number').first().innerText()).replace(/\D/g, '');
    await app.getByText('Travel desk').first().click();
    const wrong = shown === '000000' ? '000001' : '000000';
    await app.getByLabel('The number that your browser shows', { exact: false }).fill(wrong);
    await button(app, 'Yes, it is me').click();
    await typePin(app, PIN);
    await heading(app, 'The number was not right');
    await button(app, 'To the start').click();
    await page
      .getByText(/number/i)
      .first()
      .waitFor();
    await page.getByRole('button', { name: /again/i }).first().waitFor();
  });

  it('locks the phone at the fifth wrong PIN, and says so', async () => {
    await startOver();
    await heading(page, 'Scan with your phone');
    await scan();
    await button(app, 'Yes, it is me').click();
    const wrongPins = ['904172', '904173', '904174', '904175', '904176'];
    for (const [index, tried] of wrongPins.entries()) {
      await typePin(app, tried);
      if (index < 2) await app.getByText(`You have ${4 - index} tries left`, { exact: false }).waitFor();
      else if (index < 4) await app.getByText(/wait/i).first().waitFor();
      // After the third the phone waits for minutes: the test moves the row, not the clock.
      await database.query(`update devices set pin_blocked_until = '-infinity'`);
      if (index >= 2 && index < 4) await reopenPin();
    }
    await heading(app, /locked/i);
    const [known] = await running.house.world.records.devices.ofUser(who.id);
    expect(known).to.include({ state: 'locked', lockReason: 'pin' });
    expect(newestMail(running, `${who.login}@example.org`)).to.match(/locked/i);
    await button(app, 'To the start')
      .click()
      .catch(() => undefined);
  });

  it('removes the phone after a fresh proof, and the app deletes its keys', async () => {
    await database.query(
      `update devices set state = 'active', lock_reason = null, pin_failures = 0, pin_blocked_until = '-infinity'`,
    );
    await app.goto('about:blank');
    await app.goto(`${running.issuer}/phone/`);
    await page.goto(`${running.issuer}/account`);
    await page
      .getByRole('link', { name: /Remove/ })
      .first()
      .click();
    await heading(page, 'Scan with your phone');
    await scan();
    await approveIn();
    await page
      .getByRole('button', { name: /Remove/ })
      .first()
      .click();
    await heading(app, 'This phone was removed');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.deep.equal([]);
  });

  it('gives an enrolment that two phones scanned to neither', async () => {
    await desk.clearCookies();
    await page.goto(`${running.issuer}/account`);
    await signInByPassword();
    await page.getByRole('link', { name: /Add a mobile device/ }).click();
    await page.click('button.main');
    await page.fill('#code', codeIn(newestMail(running, `${who.login}@example.org`)));
    await page.click('button.main');
    await page.fill('#name', 'Second phone');
    await page.fill('#pin', PIN);
    await page.fill('#pin_again', PIN);
    await page.click('button.main');
    await page.locator('.qr').first().waitFor();
    const thief = await phone({ browser: 'whole' });
    try {
      const stolen = await thief.context.newPage();
      stolen.setDefaultTimeout(45_000);
      for (const one of [device, thief]) await one.camera.pointAt(page.locator('.qr').first());
      for (const [one, on] of [
        [device, app],
        [thief, stolen],
      ] as const) {
        await on.goto('about:blank');
        await on.goto(`${running.issuer}/phone/`);
        await button(on, 'Scan the code of my account').click();
        if (one === device) {
          await heading(on, 'Is this your account?');
          await heading(page, 'Go on with your phone');
        }
      }
      await stolen
        .getByText(/another phone/i)
        .first()
        .waitFor();
      await page
        .getByText(/another phone|two phones/i)
        .first()
        .waitFor();
      expect(await running.house.world.records.devices.ofUser(who.id)).to.deep.equal([]);
    } finally {
      await thief.close();
    }
  });
});
