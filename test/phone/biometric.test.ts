// Face or fingerprint in real Chromium, whose virtual authenticator stands where the phone's own would: on by the PIN, a step-up, every failure, off.
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import type { Transaction } from '../../src/domain/transaction.ts';
import { removeBiometric } from '../../src/usecases/manage-biometric.ts';
import { MFA, newestMail } from '../interactions/with-phone.ts';
import { type Complaints, desktop, listenTo, phone, type TestPhone, takePictures } from '../support/browser.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { type RelyingService, startRelyingService } from '../support/relying-service.ts';
import { virtualAuthenticator } from '../support/virtual-authenticator.ts';
import { holds } from './holds.ts';
import { ask, enrolled, needsBuiltApp, offer, PIN, typePin } from './with-app.ts';

const SWITCH = 'Use face or fingerprint instead of the PIN';
const BY_FACE = 'Approve with face or fingerprint';
const EXPECTED = [/Failed to load resource/, /net::ERR_FAILED/];

describe('face or fingerprint on the phone', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let service: RelyingService;
  const phones: TestPhone[] = [];
  let complaints: Complaints[] = [];
  let turn = 0;

  before(async () => {
    needsBuiltApp();
    service = await startRelyingService();
    running = await startHouse({
      files: { 'devices.yaml': { kdf_iterations: 1000, accounts_per_device: 2 }, 'clients/desk.yaml': service.client },
    });
    await service.discover(running.issuer);
  });
  after(async () => {
    service?.close();
    await running?.close();
  });
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

  const take = async () => {
    const one = await phone();
    one.context.setDefaultTimeout(45_000);
    phones.push(one);
    complaints.push(listenTo(one.context, [running.issuer], EXPECTED));
    return one;
  };
  /** A person whose phone has the account and an authenticator. */
  const begin = async () => {
    const one = await take();
    const who = await enrolled(running, one);
    return { one, ...who, authenticator: await virtualAuthenticator(who.page) };
  };
  /** The same, and it is switched on. */
  const beginOn = async () => {
    const begun = await begin();
    await switchOn(begun.page);
    return begun;
  };
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true }).waitFor();
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const theSwitch = (page: Page, on: boolean) => page.getByRole('switch', { name: SWITCH, checked: on });
  const looksRight = async (page: Page, name: string) => {
    await holds(page, `biometric-${name}`);
    if (process.env.PICTURES) await takePictures(page, `phone-biometric-${name}`);
  };
  const deviceOf = async (userId: string) => {
    const [known] = await running.house.world.records.devices.ofUser(userId);
    if (!known) throw new Error('no phone');
    return known;
  };
  const state = async ({ id }: Transaction) => (await running.house.world.transactions.find(id))?.state;
  /** From the start of the app to the switch, on, and back. */
  const switchOn = async (page: Page) => {
    await press(page, 'Settings');
    await theSwitch(page, false).click();
    await typePin(page, PIN);
    await heading(page, 'Face or fingerprint is switched on');
    await press(page, 'Done');
    await theSwitch(page, true).waitFor();
    await press(page, 'Back');
  };
  /** A request with its number typed. */
  const requested = async (page: Page, userId: string) => {
    const transaction = await ask(running, userId, `by-face-${++turn}`, 'push');
    await page.locator('.request').first().click();
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    return transaction;
  };
  /** The PIN after the biometric did not do: it approves the same request. */
  const thePinDoes = async (page: Page, transaction: Transaction) => {
    await typePin(page, PIN);
    await heading(page, 'You said yes');
    expect(await state(transaction)).to.equal('approved');
    await press(page, 'Done');
  };

  it('is switched on with the PIN, and steps a session up with one tap: the token says what was proven', async () => {
    const { one, page, authenticator, ...who } = await begin();
    await press(page, 'Settings');
    await theSwitch(page, false).waitFor();
    await looksRight(page, 'settings-off');
    await theSwitch(page, false).click();
    await heading(page, 'Type your PIN to switch it on');
    await looksRight(page, 'pin');
    await typePin(page, PIN);
    await heading(page, 'Face or fingerprint is switched on');
    await looksRight(page, 'done');
    await press(page, 'Done');
    await theSwitch(page, true).waitFor();
    await looksRight(page, 'settings-on');
    expect(await deviceOf(who.id)).to.include({ biometric: true });
    expect(await authenticator.credentials()).to.have.length(1);
    expect(newestMail(running, `${who.login}@example.org`)).to.match(/face or fingerprint/i);
    await press(page, 'Back');

    const desk = await desktop();
    try {
      const there = await desk.newPage();
      there.setDefaultTimeout(45_000);
      const claims = async () => JSON.parse(await there.locator('#claims').innerText()) as Record<string, unknown>;
      await there.goto(service.signIn());
      await there.fill('#login', who.login);
      await there.fill('#password', PASSWORD);
      await there.click('button.main');
      expect((await claims())['amr']).to.deep.equal(['pwd']);
      await there.goto(service.signIn({ acr_values: MFA }));
      await one.camera.pointAt(there.locator('#qr'));
      await press(page, 'Scan a code');
      await page.getByText('Travel desk').first().waitFor();
      await looksRight(page, 'request');
      await press(page, BY_FACE);
      await heading(page, 'You said yes');
      const got = await claims();
      expect(got).to.include({ acr: MFA });
      expect(got['amr']).to.have.members(['pwd', 'swk', 'mca', 'user', 'mfa']);
    } finally {
      await desk.close();
    }
  });

  it('stands beside the number, which is still wanted, and says yes again and again', async () => {
    const { page, id } = await beginOn();
    for (const round of [1, 2]) {
      const transaction = await ask(running, id, `number-${++turn}`, 'push');
      await page.locator('.request').first().click();
      await press(page, BY_FACE);
      await page.getByText('The number has 6 digits.', { exact: false }).waitFor();
      if (round === 1) await looksRight(page, 'number-missing');
      await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
      await press(page, BY_FACE);
      await heading(page, 'You said yes');
      expect(await state(transaction)).to.equal('approved');
      await press(page, 'Done');
    }
  });

  it('ends a request at a wrong number', async () => {
    const { page, id } = await beginOn();
    const transaction = await requested(page, id);
    const wrong = transaction.number === '000000' ? '000001' : '000000';
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(wrong);
    await press(page, BY_FACE);
    await heading(page, 'The number was not right');
    expect(await state(transaction)).to.equal('failed');
  });

  it('needs the right PIN to be switched on', async () => {
    const { page, id, authenticator } = await begin();
    await press(page, 'Settings');
    await theSwitch(page, false).click();
    await typePin(page, '904172');
    await page.getByText('Wrong PIN. You have 4 tries left.').waitFor();
    expect(await authenticator.credentials()).to.deep.equal([]);
    expect(await deviceOf(id)).to.include({ biometric: false, pinFailures: 1 });
    await typePin(page, PIN);
    await heading(page, 'Face or fingerprint is switched on');
    expect(await deviceOf(id)).to.include({ biometric: true, pinFailures: 0 });
  });

  it('is not switched on by somebody whom the phone does not know, and is by the person at the next try', async () => {
    const { page, id, authenticator } = await begin();
    await authenticator.knows(false);
    await press(page, 'Settings');
    await theSwitch(page, false).click();
    await typePin(page, PIN);
    await page.getByText('It is not switched on', { exact: false }).waitFor();
    await looksRight(page, 'not-shown');
    expect(await deviceOf(id)).to.include({ biometric: false });
    await authenticator.knows(true);
    await press(page, 'Go on with face or fingerprint');
    await heading(page, 'Face or fingerprint is switched on');
  });

  it('asks the PIN again where the offer is over', async () => {
    const { page, id, authenticator } = await begin();
    await authenticator.knows(false);
    await press(page, 'Settings');
    await theSwitch(page, false).click();
    await typePin(page, PIN);
    await page.getByText('It is not switched on', { exact: false }).waitFor();
    await authenticator.knows(true);
    await running.house.world.scratch.delete(`webauthn:${(await deviceOf(id)).id}`);
    await press(page, 'Go on with face or fingerprint');
    await page.getByText('It could not be switched on. Type your PIN to begin again.').waitFor();
    await looksRight(page, 'not-added');
    await typePin(page, PIN);
    await heading(page, 'Face or fingerprint is switched on');
  });

  it('leads to the PIN where the phone does not know the person', async () => {
    const { page, id, authenticator } = await beginOn();
    await authenticator.knows(false);
    const transaction = await requested(page, id);
    await press(page, BY_FACE);
    await page.getByText('It was cancelled, or the phone did not know you. Use your PIN.').waitFor();
    await looksRight(page, 'cancelled');
    expect(await state(transaction)).to.equal('pending');
    expect(await deviceOf(id)).to.include({ biometric: true, pinFailures: 0 });
    await thePinDoes(page, transaction);
  });

  it('leads to the PIN where the phone has lost the credential', async () => {
    const { page, id, authenticator } = await beginOn();
    await authenticator.clear();
    const transaction = await requested(page, id);
    await press(page, BY_FACE);
    await page.getByText('It was cancelled, or the phone did not know you. Use your PIN.').waitFor();
    await thePinDoes(page, transaction);
  });

  it('leads to the PIN when the person wants it while the phone asks, and when nobody shows anything', async () => {
    const { one, page, id, authenticator } = await beginOn();
    await authenticator.shown(false);
    const first = await requested(page, id);
    await press(page, BY_FACE);
    await heading(page, 'Show your face or finger');
    await looksRight(page, 'waiting');
    await press(page, 'Use PIN instead');
    await thePinDoes(page, first);

    await one.context.clock.install();
    await page.goto('about:blank');
    await page.goto(`${running.issuer}/phone/`);
    const second = await requested(page, id);
    await press(page, BY_FACE);
    await heading(page, 'Show your face or finger');
    await one.context.clock.fastForward('01:01');
    await page.getByText('That took too long. Use your PIN.').waitFor();
    await thePinDoes(page, second);
  });

  it('takes the PIN from a person who prefers it', async () => {
    const { page, id } = await beginOn();
    const transaction = await requested(page, id);
    await press(page, 'Use PIN instead');
    await thePinDoes(page, transaction);
  });

  it('leads to the PIN where the provider has ended it, and does not offer it again', async () => {
    const { page, id } = await beginOn();
    await removeBiometric(running.house.world, await deviceOf(id));
    const transaction = await requested(page, id);
    await press(page, BY_FACE);
    await page.getByText('Face or fingerprint is not switched on any more.', { exact: false }).waitFor();
    await looksRight(page, 'gone');
    await thePinDoes(page, transaction);
    await ask(running, id, `again-${++turn}`, 'push');
    await page.locator('.request').first().click();
    await page.getByRole('button', { name: 'Yes, it is me' }).waitFor();
    expect(await page.getByRole('button', { name: BY_FACE }).count()).to.equal(0);
    await press(page, 'Back');
    await press(page, 'Settings');
    await theSwitch(page, false).waitFor();
  });

  it('leads to the PIN where the provider refuses what was shown', async () => {
    const [{ page, id, authenticator }, other] = [await beginOn(), await beginOn()];
    const [[mine], [theirs]] = [await authenticator.credentials(), await other.authenticator.credentials()];
    await authenticator.forge(mine?.credentialId ?? '', theirs?.privateKey ?? '', 'localhost');
    const transaction = await requested(page, id);
    await press(page, BY_FACE);
    await page.getByText('The provider did not accept face or fingerprint.', { exact: false }).waitFor();
    await looksRight(page, 'refused');
    expect(await state(transaction)).to.equal('pending');
    expect(await deviceOf(id)).to.include({ pinFailures: 0 });
    await thePinDoes(page, transaction);
  });

  it('leads on, and back, where the provider does not answer', async () => {
    const { one, page, id } = await beginOn();
    await one.context.route('**/device/v1/webauthn/options', (route) => route.abort());
    const transaction = await requested(page, id);
    await press(page, BY_FACE);
    await heading(page, 'No connection');
    await one.context.unroute('**/device/v1/webauthn/options');
    await press(page, 'Try again');
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    await press(page, BY_FACE);
    await heading(page, 'You said yes');
  });

  it('is switched off without a PIN, and then the PIN says yes', async () => {
    const { one, page, ...who } = await beginOn();
    await press(page, 'Settings');
    await one.context.route('**/device/v1/webauthn/remove', (route) => route.abort());
    await theSwitch(page, true).click();
    await page.getByText('The provider could not be told, so it is still on.', { exact: false }).waitFor();
    await looksRight(page, 'still-on');
    await one.context.unroute('**/device/v1/webauthn/remove');
    await theSwitch(page, true).click();
    await theSwitch(page, false).waitFor();
    expect(await deviceOf(who.id)).to.include({ biometric: false });
    expect(newestMail(running, `${who.login}@example.org`)).to.match(/off/i);
    await press(page, 'Back');
    const transaction = await requested(page, who.id);
    await press(page, 'Yes, it is me');
    await thePinDoes(page, transaction);
  });

  it('ends with a new PIN, and says so', async () => {
    const { page, id } = await beginOn();
    await press(page, 'Settings');
    await press(page, 'Change the PIN');
    await typePin(page, PIN);
    for (const name of ['Choose a new PIN', 'Type the new PIN again']) {
      await heading(page, name);
      await typePin(page, '270964');
    }
    await heading(page, 'Your PIN is changed');
    await page.getByText('Face or fingerprint ended together with the old PIN.', { exact: false }).waitFor();
    await looksRight(page, 'new-pin');
    expect(await deviceOf(id)).to.include({ biometric: false });
    await press(page, 'To the start');
    await press(page, 'Settings');
    await theSwitch(page, false).waitFor();
  });

  it('belongs to one account alone, and ends with it', async () => {
    const { page, authenticator, ...first } = await beginOn();
    const second = await person(running.house);
    const { link } = await offer(running, second.id, 'Same phone');
    // The page stays: with it would go its authenticator.
    await page.evaluate(`location.hash = ${JSON.stringify(new URL(link).hash)}`);
    await press(page, 'Yes, add it');
    await press(page, 'Yes, go on');
    await typePin(page, PIN);
    await heading(page, 'This phone is ready');
    await press(page, 'To the start');
    await press(page, 'Settings');
    await theSwitch(page, false).waitFor();
    await press(page, 'Back');
    const theirs = await requested(page, second.id);
    expect(await page.getByRole('button', { name: BY_FACE }).count()).to.equal(0);
    await press(page, 'Yes, it is me');
    await thePinDoes(page, theirs);
    await switchOn(page);
    const credentials = (await authenticator.credentials()).map(({ credentialId }) => credentialId);
    expect(new Set(credentials).size).to.equal(2);

    for (const { id } of [first, second]) {
      const transaction = await requested(page, id);
      await press(page, BY_FACE);
      await heading(page, 'You said yes');
      expect(await state(transaction)).to.equal('approved');
      await press(page, 'Done');
    }
    // The second account is in front.
    await press(page, 'Settings');
    await press(page, 'Remove this account from the phone');
    await press(page, 'Remove it');
    await page.locator('.account').filter({ hasText: first.login }).waitFor();
    expect(await running.house.world.records.devices.ofUser(second.id)).to.deep.equal([]);
    const transaction = await requested(page, first.id);
    await press(page, BY_FACE);
    await heading(page, 'You said yes');
    expect(await state(transaction)).to.equal('approved');
  });

  it('learns from the provider what an answer that was lost had said', async () => {
    const { one, page, id } = await begin();
    await one.context.route('**/device/v1/webauthn/register', async (route) => {
      await route.fetch();
      await route.abort();
    });
    await press(page, 'Settings');
    await theSwitch(page, false).click();
    await typePin(page, PIN);
    await heading(page, 'No connection');
    expect(await deviceOf(id)).to.include({ biometric: true });
    await press(page, 'To the start');
    await press(page, 'Settings');
    await theSwitch(page, true).waitFor();
  });

  it('says in plain words why it cannot be had', async () => {
    const { page } = await enrolled(running, await take());
    await press(page, 'Settings');
    await page.getByText('This phone offers your browser neither face nor fingerprint.', { exact: false }).waitFor();
    expect(await page.getByRole('switch').count()).to.equal(0);
    await looksRight(page, 'not-set-up');

    const one = await take();
    await one.context.addInitScript('delete window.PublicKeyCredential');
    const { page: other } = await enrolled(running, one);
    await press(other, 'Settings');
    await other.getByText('This browser cannot use face or fingerprint. Use your PIN.').waitFor();
    expect(await other.getByRole('switch').count()).to.equal(0);
  });
});
