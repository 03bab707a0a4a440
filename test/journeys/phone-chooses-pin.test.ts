// Adding phones where each chooses its own PIN, in Chromium on both sides: six digits go from the phone to the account page; and a sixth phone is too many.
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { confirmEnrolment } from '../../src/usecases/confirm-enrolment.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { codeIn, newestMail, newPhone } from '../interactions/with-phone.ts';
import { needsBuiltApp, PIN, SESSION, typePin } from '../phone/with-app.ts';
import {
  accessibilityFaults,
  type Complaints,
  desktop,
  listenTo,
  phone,
  type TestPhone,
  takePictures,
} from '../support/browser.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';

describe('a phone that chooses its PIN', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let who: { id: string; login: string };
  let desk: BrowserContext;
  let page: Page;
  let device: TestPhone;
  let app: Page;
  const complaints: Complaints[] = [];

  before(async () => {
    needsBuiltApp();
    running = await startHouse({ files: { 'devices.yaml': { kdf_iterations: 1000, pin: { setup: 'phone' } } } });
    who = await person(running.house);
    desk = await desktop();
    device = await phone();
    const expected = [/Failed to load resource/];
    complaints.push(listenTo(desk, [running.issuer], expected), listenTo(device.context, [running.issuer], expected));
    page = await desk.newPage();
    app = await device.context.newPage();
    for (const one of [page, app]) one.setDefaultTimeout(45_000);
  });
  after(async () => {
    await desk?.close();
    await device?.close();
    await running?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      for (const [index, one] of [page, app].entries())
        await one.screenshot({ path: `test-results/${this.currentTest.title}-${index}.png` });
    for (const { errors, foreign } of complaints) expect([...errors, ...foreign]).to.deep.equal([]);
  });

  const heading = (on: Page, name: string) => on.getByRole('heading', { name, exact: true }).waitFor();
  const press = (on: Page, name: string) => on.getByRole('button', { name, exact: true }).first().click();
  const looksRight = async (on: Page, name: string) => {
    expect(await accessibilityFaults(on), name).to.deep.equal([]);
    if (process.env.PICTURES) await takePictures(on, name);
  };
  const phones = () => running.house.world.records.devices.ofUser(who.id);

  it('shows six digits that only the right phone got, and is added when they stand on the account page', async () => {
    await page.goto(`${running.issuer}/account`);
    await page.fill('#login', who.login);
    await page.fill('#password', PASSWORD);
    await page.click('button.main');
    await page.getByRole('link', { name: /Add a mobile device/ }).click();
    await page.click('button.main');
    await page.fill('#code', codeIn(newestMail(running, `${who.login}@example.org`)));
    await page.click('button.main');
    await page.fill('#name', 'Blue phone');
    expect(await page.locator('#pin').count(), 'the page never learns the PIN').to.equal(0);
    await page.click('button.main');
    await app.goto(`${running.issuer}/phone/`);
    await device.camera.pointAt(page.locator('.qr').first());
    await press(app, 'Scan the code of my account');
    await heading(app, 'Is this your account?');
    await press(app, 'Yes, go on');
    for (const name of ['Choose a PIN', 'Type the PIN again']) {
      await heading(app, name);
      await typePin(app, PIN);
    }
    await heading(app, 'Type this number on your account page');
    await heading(page, 'Type the digits from your phone');
    await looksRight(page, 'check-on-the-page');
    const digits = (await app.locator('.digits-shown').innerText()).replace(/\D/g, '');
    expect(digits).to.match(/^\d{6}$/);
    expect(await phones()).to.deep.equal([]);

    await page.fill('#check', digits === '000000' ? '000001' : '000000');
    await press(page, 'This is my phone');
    await page.getByText('You have 2 more tries.', { exact: false }).waitFor();
    expect(await phones()).to.deep.equal([]);
    await page.fill('#check', digits);
    await press(page, 'This is my phone');
    await heading(page, 'Your phone is added');
    await press(page, 'Continue');
    await app.locator('.connection-live').waitFor();
    await heading(app, 'Requests');
    expect(await phones()).to.have.length(1);
    expect(newestMail(running, `${who.login}@example.org`)).to.include('Blue phone');
  });

  it('is told on the page that a sixth is too many, and which way there is', async () => {
    const { world } = running.house;
    for (const name of ['Second', 'Third', 'Fourth', 'Fifth']) {
      const started = await startEnrolment(world, { userId: who.id, session: SESSION, name });
      if (!started.ok) throw new Error(started.why);
      const added = await newPhone(running).enrol({ link: started.link }, PIN);
      if (added.state !== 'confirm') throw new Error(added.state);
      const { check } = added;
      const { enrolmentId } = started;
      expect(
        (await confirmEnrolment(world, { enrolmentId, session: SESSION, userId: who.id, check })).ok,
        name,
      ).to.equal(true);
    }
    expect(await phones()).to.have.length(5);
    await page.goto(`${running.issuer}/account`);
    await heading(page, 'Manage my mobile devices');
    await looksRight(page, 'five-phones');
    await page.getByRole('link', { name: /Add a mobile device/ }).click();
    // The account has a phone now: a change of factors asks for it.
    await device.camera.pointAt(page.locator('#qr'));
    await press(app, 'Scan a code');
    await press(app, 'Yes, it is me');
    await typePin(app, PIN);
    await heading(app, 'You said yes');
    await page.fill('#name', 'Sixth');
    await page.click('button.main');
    await page.getByText('Your account has as many phones as it can have. Remove one first.').waitFor();
    await looksRight(page, 'sixth-phone');
    expect(await phones()).to.have.length(5);
  });
});
