// The app under a name of its own, in Chromium: what it may reach, and whose its face and fingerprint are.
import { expect } from 'chai';
import { type Complaints, listenTo, phone, type TestPhone } from '../support/browser.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { virtualAuthenticator } from '../support/virtual-authenticator.ts';
import { ask, enrolled, needsBuiltApp, PIN, typePin } from './with-app.ts';

describe('the phone app under a name of its own', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let app: string;
  let one: TestPhone;
  let heard: Complaints;

  before(async () => {
    needsBuiltApp();
    running = await startHouse({
      // Chromium takes every name under localhost for this machine, and http there for safe.
      files: (port) => ({ 'devices.yaml': { kdf_iterations: 1000, app_origin: `http://app.localhost:${port}` } }),
    });
    app = running.settings.devices.appOrigin;
    one = await phone();
    one.context.setDefaultTimeout(45_000);
    // Neither a complaint of the policy nor a word to the issuer: the app speaks to its own origin alone.
    heard = listenTo(one.context, [app], []);
  });
  after(async () => {
    await one?.close();
    await running?.close();
  });

  it('adds the account, hears of a request, and approves it by face under its own name', async () => {
    const { id, page } = await enrolled(running, one);
    expect(new URL(page.url()).origin).to.equal(app);
    const authenticator = await virtualAuthenticator(page);
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    await press('Settings');
    await page.getByRole('switch', { name: 'Use face or fingerprint instead of the PIN' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'Face or fingerprint is switched on' }).waitFor();
    await press('Done');
    await press('Back');
    const [credential] = await authenticator.credentials();
    expect(credential?.rpId).to.equal('app.localhost');

    const transaction = await ask(running, id, 'own origin', 'push');
    await page.locator('.request').first().click();
    await page.getByLabel('The number that your browser shows', { exact: false }).fill(transaction.number);
    await press('Approve with face or fingerprint');
    await page.getByRole('heading', { name: 'You said yes' }).waitFor();
    expect((await running.house.world.transactions.find(transaction.id))?.state).to.equal('approved');
    expect([...heard.errors, ...heard.foreign]).to.deep.equal([]);
  });
});
