// `npm start` as a newcomer meets it: the table, the demo service, a first phone, step-up for the API, and both ways out.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import type { HeadlessPhone } from '../../src/cli/phone.ts';
import { codeIn, newestMail, newPhone, PIN } from '../interactions/with-phone.ts';
import { type Complaints, desktop, listenTo } from '../support/browser.ts';
import { freePort } from '../support/services.ts';

/** Building and starting for the first time, in milliseconds. */
const FIRST_START = 90_000;

describe('the demo of npm start', function () {
  this.timeout(180_000);
  let folder: string;
  let start: ChildProcess;
  let said = '';
  let issuer: string;
  let demo: string;
  let password: string;
  let desk: BrowserContext;
  let page: Page;
  let phone: HeadlessPhone;
  let complaints: Complaints;

  before(async function () {
    this.timeout(FIRST_START);
    folder = mkdtempSync(join(tmpdir(), 'countersign-demo-'));
    cpSync('config', join(folder, 'config'), { recursive: true });
    const [port, demoPort] = [await freePort(), await freePort()];
    [issuer, demo] = [`http://localhost:${port}`, `http://localhost:${demoPort}`];
    const { DATABASE_URL: _d, REDIS_URL: _r, HOST: _h, COUNTERSIGN_CONFIG: _c, ...rest } = process.env;
    const env = { ...rest, PORT: String(port), DEMO_PORT: String(demoPort) };
    start = spawn(process.execPath, ['scripts/start.mjs', '--config', join(folder, 'config')], { env });
    for (const stream of [start.stdout, start.stderr])
      stream?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    process.once('exit', () => start.kill('SIGKILL'));
    while (!said.includes('Countersign is ready.') || !said.includes('Try: ')) {
      if (start.exitCode !== null) throw new Error(`npm start has ended:\n${said}`);
      await wait(50);
    }
    password = /Sign in as\s+maria\s+password\s+(\S+)/.exec(said)?.[1] ?? '';
    desk = await desktop();
    complaints = listenTo(desk, [issuer, demo]);
    page = await newPage(desk);
  });
  after(async () => {
    await desk?.close();
    if (start && start.exitCode === null) {
      const ended = new Promise<number | null>((resolve) => start.once('exit', resolve));
      start.kill('SIGTERM');
      const code = await ended;
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
      expect(code).to.equal(0);
    }
  });
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(page?.url(), said.slice(-1500));
    expect(complaints).to.deep.equal({ errors: [], foreign: [] });
  });

  async function newPage(context: BrowserContext): Promise<Page> {
    const made = await context.newPage();
    made.setDefaultTimeout(45_000);
    return made;
  }
  const heading = (on: Page, name: string | RegExp) => on.getByRole('heading', { name }).first().waitFor();
  const signIn = async (on: Page) => {
    await on.fill('#login', 'maria');
    await on.fill('#password', password);
    await on.click('button.main');
  };
  /** What the demo service shows of the ID token. */
  const claim = (on: Page, name: string) => on.locator('tr', { has: on.getByText(name, { exact: true }) }).innerText();
  /** The phone scans what the waiting page shows now, and says yes. */
  const approve = async (on: Page) => {
    await heading(on, 'Scan with your phone');
    const { frame } = (await on.evaluate(async (url) => (await fetch(url)).json(), `${on.url()}/state`)) as {
      frame: { i: number; mac: string };
    };
    const part = async (name: string) => (await on.locator('[data-approve]').getAttribute(`data-${name}`)) ?? '';
    const link = `${await part('before')}${frame.i}.${frame.mac}${await part('after')}`;
    await phone.approve(await phone.claim(link), { pin: PIN });
  };

  it('prints a table of what to open, with the ports that were asked for', () => {
    expect(said).to.match(new RegExp(`Provider\\s+${issuer}\\n`));
    expect(said).to.match(new RegExp(`Account page\\s+${issuer}/account\\n`));
    expect(said).to.match(new RegExp(`Phone app\\s+${issuer}/phone/\\n`));
    expect(said).to.match(new RegExp(`Demo service\\s+${demo}/\\n`));
    expect(said).to.match(/Sign in as\s+maria\s+password\s+\S{19}\n/);
    expect(said).to.contain('Embedded: ').and.contain('Try: ');
    expect(said).to.not.contain('localhost:3001/\n');
  });

  it('signs in to the demo service without a consent page, and shows the claims', async () => {
    await page.goto(demo);
    await page.getByRole('link', { name: /My desk/ }).click();
    await signIn(page);
    await heading(page, 'My desk');
    expect(await claim(page, 'acr'))
      .to.contain('urn:countersign:acr:basic')
      .and.contain('your password');
    expect(await claim(page, 'amr')).to.contain('pwd');
    expect(await claim(page, 'name')).to.contain('Maria Demo');
    expect(await claim(page, 'iss')).to.contain(issuer);
  });

  it('is told by the API what is missing, adds a phone, and comes back to the payslips', async () => {
    const bare = await fetch(`${demo}/api/payslips`);
    expect(bare.status).to.equal(401);
    expect(bare.headers.get('www-authenticate')).to.contain('Bearer');
    await page.goto(`${demo}/payslips`);
    // The API answered insufficient_user_authentication, and Maria has no phone yet: the mail proves that it is she.
    await page.waitForURL(/\/interaction\/.*\/enrol$/);
    await page.click('button.main');
    await page.fill('#code', codeIn(newestMail({ issuer, folder }, 'maria@example.org')));
    await page.click('button.main');
    await page.fill('#name', 'Blue phone');
    await page.fill('#pin', PIN);
    await page.fill('#pin_again', PIN);
    await page.click('button.main');
    const code = (await page.textContent('.typed-code')) ?? '';
    phone = newPhone({ issuer, folder });
    await phone.enrol({ code, login: 'maria' }, PIN);
    await heading(page, 'Your phone is added');
    await page.click('button.main');
    await approve(page);
    await heading(page, 'My payslips');
    expect(await page.locator('main').innerText())
      .to.contain('November 2026')
      .and.contain('strong and fresh enough');
    await page.goto(`${demo}/bank-account`);
    await heading(page, 'My bank account');
    expect(await claim(page, 'acr'))
      .to.contain('urn:countersign:acr:mfa')
      .and.contain('your password and your phone');
    expect(await claim(page, 'amr'))
      .to.contain('mfa')
      .and.contain('pin');
  });

  it('says plainly that the person went back, and lets them try again', async () => {
    const other = await desktop();
    const second = await newPage(other);
    await second.goto(`${demo}/desk`);
    await signIn(second);
    await heading(second, 'My desk');
    await second.goto(`${demo}/bank-account`);
    await heading(second, 'Scan with your phone');
    await second.getByRole('button', { name: /Cancel and go back/ }).click();
    await heading(second, 'You came back without signing in');
    expect(await second.locator('main').innerText()).to.not.contain('access_denied');
    await second.getByRole('link', { name: 'Try again' }).click();
    await approve(second);
    await heading(second, 'My bank account');
    await other.close();
  });

  it('signs out of both at once', async () => {
    await page.goto(demo);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await heading(page, 'Your pay, in calm waters');
    expect(page.url()).to.equal(`${demo}/`);
    await page.goto(`${demo}/desk`);
    await page.locator('#password').waitFor();
  });

  it('hears of a sign-out that began elsewhere', async () => {
    await signIn(page);
    await heading(page, 'My desk');
    await page.goto(`${issuer}/account`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await page.waitForURL(/session\/end\/success/);
    // The provider tells the service over its back channel, from an outbox: a moment after the page says it. Then its own session is gone.
    const signedOut = page.getByRole('link', { name: 'Sign in' });
    do await page.goto(demo);
    while (!(await signedOut.isVisible()));
    await heading(page, 'Your pay, in calm waters');
  });
});
