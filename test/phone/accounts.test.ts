// Several accounts on one phone in real Chromium: whose request it is, who is in front, a lock that is told and lifted, and new keys of the provider.
import { expect } from 'chai';
import { generateKeyPair } from 'jose';
import pg from 'pg';
import type { Page } from 'playwright-core';
import { systemRandom } from '../../src/platform/random.ts';
import { createVault } from '../../src/storage/vault.ts';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import { unlockDevice } from '../../src/usecases/unlock-device.ts';
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
  enrolled,
  followOffer,
  needsBuiltApp,
  offer,
  PIN,
  scanned,
  showCode,
  typePin,
} from './with-app.ts';

const EXPECTED = [/Failed to load resource/, /net::ERR_/];
const OTHER_PIN = '270964';

describe('accounts on one phone', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let one: TestPhone;
  let complaints: Complaints;

  const begin = async (accounts?: number) => {
    needsBuiltApp();
    running = await startHouse({
      files: {
        'devices.yaml': { kdf_iterations: 1000, ...(accounts !== undefined && { accounts_per_device: accounts }) },
      },
    });
    one = await phone();
    one.context.setDefaultTimeout(45_000);
    complaints = listenTo(one.context, [running.issuer], EXPECTED);
  };
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      for (const page of one.context.pages())
        await page.screenshot({ path: `test-results/${this.currentTest.title}.png` });
    await one?.close();
    await running?.close();
    expect([...complaints.errors, ...complaints.foreign]).to.deep.equal([]);
  });
  const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true }).waitFor();
  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();
  const looksRight = async (page: Page, name: string) => {
    expect(await accessibilityFaults(page), name).to.deep.equal([]);
    if (process.env.PICTURES) await takePictures(page, `phone-${name}`);
  };
  /** Adds a second account to the phone that holds one. */
  const addSecond = async (page: Page) => {
    const who = await person(running.house);
    const { link } = await offer(running, who.id, 'Same phone');
    await page.goto('about:blank');
    await page.goto(link);
    await press(page, 'Yes, add it');
    return who;
  };
  const deviceOf = async (userId: string) => {
    const [known] = await running.house.world.records.devices.ofUser(userId);
    if (!known) throw new Error('no phone');
    return known;
  };

  it('is one account where nobody has configured more', async () => {
    await begin();
    expect((await (await fetch(`${running.issuer}/device/v1/metadata`)).json()).accounts_per_device).to.equal(1);
    const { page } = await enrolled(running, one);
    expect(await page.getByRole('button', { name: 'Add another account' }).count()).to.equal(0);
    const second = await addSecond(page);
    await heading(page, 'This phone already has an account');
    await looksRight(page, 'second-account-refused');
    expect(await running.house.world.records.devices.ofUser(second.id)).to.deep.equal([]);
  });

  it('shows requests of both, finds whose a link is, and names the account over the code to type', async () => {
    await begin(3);
    const { page, ...first } = await enrolled(running, one);
    await page.getByRole('button', { name: 'Add another account' }).waitFor();
    const second = await addSecond(page);
    await press(page, 'Yes, go on');
    await typePin(page, PIN);
    await heading(page, 'This phone is ready');
    await page.getByText('Your browser may delete this app’s keys', { exact: false }).waitFor();
    await press(page, 'To the start');
    await page.locator('.connection-live').waitFor();

    const asked = await ask(running, first.id, 'behind', 'push');
    await ask(running, second.id, 'in front', 'push');
    for (const { login } of [first, second]) await page.locator('.request').filter({ hasText: login }).waitFor();
    await looksRight(page, 'two-accounts');
    await page.locator('.request').filter({ hasText: first.login }).click();
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(asked.number);
    await press(page, 'Yes, it is me');
    await typePin(page, PIN);
    await heading(page, 'You said yes');
    expect((await running.house.world.transactions.find(asked.id))?.state).to.equal('approved');
    await press(page, 'Done');
    // Its account is polled: the answered request is off the list before the provider says so.
    await page.locator('.request').filter({ hasText: second.login }).waitFor();
    expect(await page.locator('.request').filter({ hasText: first.login }).count()).to.equal(0);

    const linked = await ask(running, first.id, 'linked');
    await page.goto(`${running.issuer}/phone/#o1.${linked.id}`);
    await page.locator('.fact').filter({ hasText: first.login }).waitFor();
    await press(page, 'No');
    await heading(page, 'You said no');
    await press(page, 'Done');

    const offline = await ask(running, first.id, 'no network');
    await showCode(one, await scanned(running, offline));
    await one.context.setOffline(true);
    await press(page, 'Scan a code');
    await page.getByLabel('Whose sign-in is it?').selectOption({ label: first.login });
    await press(page, 'Yes, it is me');
    await typePin(page, PIN);
    await page.getByText(`For ${first.login}`).waitFor();
    const code = (await page.locator('.digits-shown').innerText()).replace(/\D/g, '');
    await one.context.setOffline(false);
    expect((await enterOfflineCode(running.house.world, { ...askedNow(offline), code })).ok).to.equal(true);
    await press(page, 'Done, hide the code');

    await page.getByRole('button', { name: 'Account in front' }).click();
    await page.locator('.account').first().filter({ hasText: first.login }).waitFor();
    await page.locator('.connection-live').waitFor();
    await press(page, 'Settings');
    await press(page, 'Remove this account from the phone');
    await press(page, 'Remove it');
    await page.locator('.account').filter({ hasText: second.login }).waitFor();
    expect(await page.locator('.account').count()).to.equal(1);
    expect(await running.house.world.records.devices.ofUser(first.id)).to.deep.equal([]);
    expect(await running.house.world.records.devices.ofUser(second.id)).to.have.length(1);
  });

  it('tells a lock on the start, and by itself that the account page has lifted it', async () => {
    await begin();
    const { page, ...who } = await enrolled(running, one);
    const other = await phone();
    try {
      // A second phone of the same person, which speaks for the first.
      const { link } = await offer(running, who.id, 'Other phone');
      const theirs = await other.context.newPage();
      await followOffer(theirs, link);
      await press(theirs, 'Yes, go on');
      await typePin(theirs, PIN);
      await heading(theirs, 'This phone is ready');
    } finally {
      await other.close();
    }
    const { world } = running.house;
    const device = (await world.records.devices.ofUser(who.id)).find(({ name }) => name === 'Blue phone');
    if (!device) throw new Error('no phone');
    // The count as five wrong tries leave it: typed ones would wait for minutes between each other.
    const database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    await database.query('update devices set pin_failures = 5 where id = $1', [device.id]);
    await database.end();
    expect(await world.records.devices.lockAfterWrongPin(device.id)).to.equal(true);
    await world.transactions.touchUser(who.id);
    await heading(page, 'This phone is locked');
    await page.getByText(`For ${who.login}`).waitFor();
    await page.getByRole('button', { name: 'Remove this account from the phone' }).waitFor();
    await looksRight(page, 'locked');
    await press(page, 'To the start');
    await page.getByRole('button', { name: 'Locked' }).waitFor();
    await looksRight(page, 'home-locked');
    expect(await unlockDevice(world, { userId: who.id, deviceId: device.id })).to.deep.equal({ ok: true });
    await page.getByText('This phone is unlocked.').waitFor({ state: 'attached' });
    await page.locator('.connection-live').waitFor();
    expect(await page.getByRole('button', { name: 'Locked' }).count()).to.equal(0);
  });

  it('takes a copied account off the phone', async () => {
    await begin();
    const { page, ...who } = await enrolled(running, one);
    await running.house.world.records.devices.lockCloned((await deviceOf(who.id)).id);
    await running.house.world.transactions.touchUser(who.id);
    await heading(page, 'There may be a copy of this phone');
    await press(page, 'Remove this account from the phone');
    await press(page, 'Remove it');
    await heading(page, 'Your phone shows that it is you');
  });

  it('changes its PIN all the same where the provider has a new encryption key', async () => {
    await begin();
    const { page } = await enrolled(running, one);
    const { kek, peppers } = running.settings.keys;
    const { privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
    const jwk = { ...(await crypto.subtle.exportKey('jwk', privateKey)), kid: 'the-next', use: 'enc' };
    const known = running.house.world.vault.encryptionJwk().kid;
    Object.assign(
      running.house.world.vault,
      createVault({ kek, peppers, encryption: { keys: [jwk] }, random: systemRandom }),
    );
    expect(running.house.world.vault.encryptionJwk().kid).to.equal('the-next').and.not.equal(known);
    const refused = page.waitForResponse(
      (response) => response.url().endsWith('/device/v1/pin') && response.status() === 400,
    );
    await press(page, 'Settings');
    await press(page, 'Change the PIN');
    await typePin(page, PIN);
    await heading(page, 'Choose a new PIN');
    await typePin(page, OTHER_PIN);
    await heading(page, 'Type the new PIN again');
    await typePin(page, OTHER_PIN);
    await heading(page, 'Your PIN is changed');
    expect(await (await refused).text()).to.contain('unknown_key');
  });
});
