// The pages' scripts in Chromium: the enrolment page moves on by itself, the code changes each second, and the approval goes on without a click.
import { expect } from 'chai';
import { desktop } from '../support/browser.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { atService, authorization } from '../support/service.ts';
import { codeIn, MFA, newestMail, newPhone, PIN } from './with-phone.ts';

describe('the waiting pages in a browser', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse();
  });
  after(() => running?.close());

  it('goes from the password over a new phone to the service without a needless click', async function () {
    this.timeout(180_000);
    const { login } = await person(running.house);
    const context = await desktop();
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(authorization(running.issuer, { acr_values: MFA }).url);
    await page.fill('#login', login);
    await page.fill('#password', PASSWORD);
    await page.click('button.main');
    await page.click('button.main');
    await page.fill('#code', codeIn(newestMail(running, `${login}@example.org`)));
    await page.click('button.main');
    await page.fill('#name', 'Blue phone');
    await page.fill('#pin', PIN);
    await page.fill('#pin_again', PIN);
    await page.click('button.main');
    const code = (await page.textContent('.typed-code')) ?? '';
    const phone = newPhone(running);
    await phone.begin({ code, login });
    await page.getByRole('heading', { name: 'Go on with your phone' }).waitFor();
    await phone.complete(PIN);
    await page.getByRole('heading', { name: 'Your phone is added' }).waitFor();
    await page.click('button.main');
    await page.getByRole('heading', { name: 'Scan with your phone' }).waitFor();
    const drawn = () => page.locator('#qr path').last().getAttribute('d');
    const first = await drawn();
    await page.waitForFunction(
      (old) => document.querySelector('#qr path:last-child')?.getAttribute('d') !== old,
      first,
    );
    const base = `${page.url()}/state`;
    const { frame } = (await page.evaluate(async (url) => (await fetch(url)).json(), base)) as {
      frame: { i: number; mac: string };
    };
    const part = async (name: string) => (await page.locator('[data-approve]').getAttribute(`data-${name}`)) ?? '';
    const link = `${await part('before')}${frame.i}.${frame.mac}${await part('after')}`;
    const leaving = page.waitForRequest((request) => atService(request.url()), { timeout: 10_000 });
    await phone.approve(await phone.claim(link), { pin: PIN });
    expect(new URL((await leaving).url()).searchParams.get('code')).to.be.a('string');
    expect(complaints.filter((text) => text.includes('Content Security Policy'))).to.deep.equal([]);
    await context.close();
  });
});
