// The built app in real Chromium against the real device API: add an account, say yes, say no, mistakes, and without a network.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { Page } from 'playwright-core';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import {
  accessibilityFaults,
  type Complaints,
  listenTo,
  phone,
  type TestPhone,
  takePictures,
} from '../support/browser.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { ask, askedNow, enrolled, needsBuiltApp, offer, PIN, scanned, showCode, typePin } from './with-app.ts';

/** The browser's own lines about refusals and about a network that is off. */
const EXPECTED = [/Failed to load resource/, /net::ERR_INTERNET_DISCONNECTED/, /net::ERR_CONNECTION_RESET/];

const CIBA = 'urn:openid:params:grant-type:ciba';
const MFA = 'urn:countersign:acr:mfa';
/** A service that asks by itself, without a browser. */
const DESK = {
  client_id: 'desk',
  client_name: 'Order desk',
  client_secret: 'Zq8vT2mX9rLw4KpY7sNd1HcJ5bGf3-of-the-desk',
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: [CIBA],
  first_party: true,
};

describe('phone app', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let device: TestPhone;
  let complaints: Complaints;
  let page: Page;
  let who: { id: string; login: string };
  let turn = 0;
  const state = async (id: string) => (await running.house.world.transactions.find(id))?.state;
  const looksRight = async (name: string) => {
    expect(await accessibilityFaults(page), name).to.deep.equal([]);
    if (process.env.PICTURES) await takePictures(page, `phone-${name}`);
  };
  const openLink = async (id: string) => {
    await page.getByRole('button', { name: 'Scan a code' }).waitFor();
    await page.goto('about:blank');
    await page.goto(`${running.issuer}/phone/#o1.${id}`);
  };
  const asked = () => ask(running, who.id, `interaction-${++turn}`);

  before(async () => {
    needsBuiltApp();
    running = await startHouse({
      backend: 'embedded',
      files: { 'clients/desk.yaml': DESK, 'lifetimes.yaml': { poll_interval: '1s' } },
    });
    device = await phone();
    complaints = listenTo(device.context, [running.issuer], EXPECTED);
    ({ page, ...who } = await enrolled(running, device));
  });
  after(async () => {
    await device?.close();
    await running?.close();
  });
  // Every test begins at the start of the app, whatever became of the one before it.
  beforeEach(async () => {
    await device.context.setOffline(false);
    const start = page.getByRole('button', { name: /^Scan (a code|the code of my account)$/ });
    const there = await start.waitFor({ timeout: 3000 }).then(
      () => true,
      () => false,
    );
    if (there) return;
    await page.goto('about:blank');
    await page.goto(`${running.issuer}/phone/`);
    await start.waitFor();
  });
  afterEach(async () => {
    expect(complaints.errors).to.deep.equal([]);
    expect(complaints.foreign).to.deep.equal([]);
  });

  it('keeps keys that nobody can read out, and no PIN', async () => {
    const kept = await page.evaluate(`new Promise((resolve) => {
      const opening = indexedDB.open('countersign');
      opening.onsuccess = () => {
        const all = opening.result.transaction('accounts').objectStore('accounts').getAll();
        all.onsuccess = () => resolve(all.result.map((a) => ({ sign: a.signingKey.extractable, mac: a.deviceKey.extractable, text: JSON.stringify(a) })));
      };
    })`);
    const [account] = kept as { sign: boolean; mac: boolean; text: string }[];
    expect(account).to.include({ sign: false, mac: false });
    expect(account?.text).not.to.contain(PIN);
    await looksRight('home-empty');
  });

  it('says yes to a request by its number and the PIN', async () => {
    const transaction = await asked();
    await page.goto(`${running.issuer}/phone/#o1.${transaction.id}`);
    const field = page.getByLabel('The number that your browser shows', { exact: false });
    await field.waitFor();
    expect(page.url()).to.equal(`${running.issuer}/phone/`);
    await looksRight('request-number');
    await field.fill(transaction.number);
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await page.locator('.pin').waitFor();
    await looksRight('pin');
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'You said yes' }).waitFor();
    expect(await state(transaction.id)).to.equal('approved');
    await looksRight('approved');
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('says yes to a code that the camera read, without a number', async () => {
    const transaction = await asked();
    await showCode(device, await scanned(running, transaction));
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByRole('button', { name: 'Yes, it is me' }).waitFor();
    await looksRight('request-scanned');
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'You said yes' }).waitFor();
    expect(await state(transaction.id)).to.equal('approved');
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('says no with one tap', async () => {
    const transaction = await asked();
    await showCode(device, await scanned(running, transaction));
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByRole('button', { name: 'No', exact: true }).click();
    await page.getByRole('heading', { name: 'You said no' }).waitFor();
    expect(await state(transaction.id)).to.equal('denied');
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('tells a wrong PIN with the tries that are left, and takes the right one after it', async () => {
    const transaction = await asked();
    await showCode(device, await scanned(running, transaction));
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await typePin(page, '111222');
    await page.getByText('Wrong PIN. You have 4 tries left.').waitFor();
    await looksRight('wrong-pin');
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'You said yes' }).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('ends a request at a wrong number', async () => {
    const transaction = await asked();
    await openLink(transaction.id);
    const wrong = transaction.number === '000000' ? '000001' : '000000';
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(wrong);
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'The number was not right' }).waitFor();
    expect(await state(transaction.id)).to.equal('failed');
    await looksRight('wrong-number');
    await page.getByRole('button', { name: 'To the start' }).click();
  });

  /** What the desk hears at one of our endpoints. */
  const atDesk = async (path: string, fields: Record<string, string>) => {
    const { client_id, client_secret } = DESK;
    const body = new URLSearchParams({ client_id, client_secret, ...fields });
    const answer = await fetch(`${running.issuer}${path}`, { method: 'POST', body });
    return (await answer.json()) as Record<string, string>;
  };
  /** A request of the desk, as it stands on the phone. */
  const byDesk = async (more: Record<string, string>) => {
    const asked = await atDesk('/backchannel', { scope: 'openid', login_hint: who.login, ...more });
    expect(asked['auth_req_id'], JSON.stringify(asked)).to.be.a('string');
    await page.getByRole('button', { name: 'Order desk' }).click();
    await page.getByRole('heading', { name: 'Order desk asks: is this you?' }).waitFor();
    return { answer: () => atDesk('/token', { grant_type: CIBA, auth_req_id: asked['auth_req_id'] ?? '' }) };
  };

  it('shows what a service without a browser asks to confirm and for which level, and says yes by its number', async () => {
    const request = await byDesk({ acr_values: MFA, binding_message: 'Order 77, code 482913' });
    const facts = await page.locator('dl.facts').innerText();
    expect(facts).to.include('What you confirm\nOrder 77, code ******').and.not.include('482913');
    expect(facts).to.include('A sign-in with your phone as second proof').and.not.include('Browser');
    await page.getByText('Say yes only if you are dealing with it right now.').waitFor();
    await looksRight('request-service');
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    // Without the number it goes no further.
    await page.locator('[role=alert]').getByText('The number that the service shows or tells you').waitFor();
    await page.getByRole('textbox').fill('482913');
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'You said yes' }).waitFor();
    const claims = decodeJwt((await request.answer())['id_token'] ?? '');
    expect(claims).to.deep.include({ sub: who.id, aud: 'desk', acr: MFA, amr: ['swk', 'pin', 'mca', 'user', 'mfa'] });
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('says no to a service without a browser, which hears so', async () => {
    const request = await byDesk({ binding_message: 'A call from you?' });
    const facts = await page.locator('dl.facts').innerText();
    expect(facts).to.include('What you confirm\nA call from you?').and.include('A plain sign-in');
    expect(await page.getByRole('textbox').count()).to.equal(0);
    await page.getByRole('button', { name: 'No', exact: true }).click();
    await page.getByRole('heading', { name: 'You said no' }).waitFor();
    expect((await request.answer())['error']).to.equal('access_denied');
    await page.getByRole('button', { name: 'Done' }).click();
  });

  it('refuses the code of another server and says whose it is', async () => {
    await showCode(device, 'https://evil.example/phone/#e1.AAAAAAAAAAAAAAAAAAAAAA');
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByText('This code belongs to evil.example.', { exact: false }).waitFor();
    await looksRight('scan-other-server');
    await page.getByRole('button', { name: 'Back' }).click();
  });

  it('starts without a network and gives the code that the provider takes', async () => {
    const transaction = await asked();
    await showCode(device, await scanned(running, transaction));
    await device.context.setOffline(true);
    await page.reload();
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByRole('heading', { name: 'Are you signing in here?' }).waitFor();
    await looksRight('offline-ask');
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'Type this code into your browser' }).waitFor();
    const code = ((await page.locator('.digits-shown').textContent()) ?? '').replace(/\s/g, '');
    expect(code).to.match(/^\d{8}$/);
    await looksRight('offline-code');
    await page.getByRole('button', { name: 'Done, hide the code' }).click();
    await device.context.setOffline(false);
    const entered = await enterOfflineCode(running.house.world, { ...askedNow(transaction), code });
    expect(entered.ok).to.equal(true);
  });

  it('tells in the settings what the provider knows, and changes name and PIN', async () => {
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByText('In use').waitFor();
    await looksRight('settings');
    await page.getByRole('button', { name: 'Change the name' }).click();
    await page.getByLabel('New name of this phone', { exact: false }).fill('Green phone');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Green phone').first().waitFor();
    await page.getByRole('button', { name: 'Change the PIN' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'Choose a new PIN' }).waitFor();
    await typePin(page, '123456');
    await page.getByText('This PIN is easy to guess', { exact: false }).waitFor();
    await typePin(page, '740913');
    await page.getByRole('heading', { name: 'Type the new PIN again' }).waitFor();
    await typePin(page, '740913');
    await page.getByRole('heading', { name: 'Your PIN is changed' }).waitFor();
    await page.getByRole('button', { name: 'To the start' }).click();
  });

  it('deletes its keys when the phone is removed on the account page', async () => {
    const [known] = await running.house.world.records.devices.ofUser(who.id);
    await running.house.world.records.devices.remove(known?.id ?? '', who.id);
    await running.house.world.transactions.touchUser(who.id);
    await page.getByRole('heading', { name: 'This phone was removed' }).waitFor();
    await looksRight('removed');
    await page.getByRole('button', { name: 'To the start' }).click();
    await page.getByRole('heading', { name: 'Your phone shows that it is you' }).waitFor();
    await looksRight('welcome');
  });

  it('finishes an enrolment whose answer was lost on the way', async () => {
    const other = await person(running.house);
    const { code } = await offer(running, other.id, 'Train phone');
    let lost = 0;
    await page.route('**/device/v1/enrol/complete', async (route) => {
      if (lost > 0) return route.continue();
      lost += 1;
      await route.fetch();
      await route.abort('connectionreset');
    });
    await page.getByRole('button', { name: 'Type a code instead' }).click();
    await page.getByLabel('Your sign-in name').fill(other.login);
    await page.getByLabel('The code', { exact: false }).last().fill(code);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Yes, go on' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'This phone is ready' }).waitFor();
    expect(lost).to.equal(1);
    await page.unroute('**/device/v1/enrol/complete');
    await page.getByRole('button', { name: 'To the start' }).click();
    await page.locator('.connection-live').waitFor();
    const [kept] = await running.house.world.records.devices.ofUser(other.id);
    await running.house.world.records.devices.remove(kept?.id ?? '', other.id);
    await running.house.world.transactions.touchUser(other.id);
    await page.getByRole('heading', { name: 'This phone was removed' }).waitFor();
    await page.getByRole('button', { name: 'To the start' }).click();
    await page.getByRole('heading', { name: 'Your phone shows that it is you' }).waitFor();
  });

  it('explains an enrolment link in a tab without a key, and sends nothing until the person says so', async () => {
    const other = await person(running.house);
    const { link } = await offer(running, other.id);
    const sent: string[] = [];
    page.on('request', (request) => request.url().includes('/device/') && sent.push(request.url()));
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByRole('heading', { name: 'Add your account in the app' }).waitFor();
    expect(page.url()).to.equal(`${running.issuer}/phone/`);
    expect(sent).to.deep.equal([]);
    await looksRight('arrived-enrol');
    await page.getByRole('button', { name: 'Add it here, in this browser' }).click();
    await page.getByRole('heading', { name: 'Is this your account?' }).waitFor();
    await looksRight('whose-account');
    await page.getByRole('button', { name: 'Yes, go on' }).click();
    await typePin(page, '111222');
    await page.getByText('You have 2 tries left.', { exact: false }).waitFor();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'This phone is ready' }).waitFor();
  });
});
