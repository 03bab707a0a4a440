// A node ends in the middle of things: with PostgreSQL and Redis nothing is lost, embedded loses what is pending and says so, and a killed node's browsers go on at the other.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import type { HeadlessPhone } from '../../src/cli/phone.ts';
import {
  addPhone,
  approveByScan,
  MFA,
  newPhone,
  offeredLink,
  PIN,
  proveMailbox,
  scannedLink,
  submit,
} from '../interactions/with-phone.ts';
import { desktop } from '../support/browser.ts';
import { PASSWORD } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

const onlyNode = (world: RunningWorld): Node => {
  const [node] = world.nodes;
  if (!node) throw new Error('a node was asked for');
  return node;
};

/** Ends the node in good order and starts it again. */
async function restart(world: RunningWorld): Promise<void> {
  const node = onlyNode(world);
  expect(await node.stop()).to.equal(0);
  await node.start();
}

/** A person's first phone, added in a sign-in of theirs. */
async function withPhone(world: RunningWorld, login: string): Promise<HeadlessPhone> {
  const { browser, answer } = await signedIn(world.issuer, login, { acr_values: MFA });
  const ready = await proveMailbox(world, browser, answer, `${login}@example.org`);
  return (await addPhone(world, browser, ready)).phone;
}

describe('a restart on PostgreSQL and Redis', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let phone: HeadlessPhone;

  before(async () => {
    world = await startWorld({ backend: 'servers', people: ['ada', 'bob'] });
    phone = await withPhone(world, 'ada');
  });
  after(() => world?.close());

  it('keeps the password page: it is filled in afterwards', async () => {
    const browser = new HttpBrowser();
    const request = authorization(world.issuer);
    const page = await browser.visit(request.url, atService);
    await restart(world);
    const answer = await logIn(browser, page, 'ada');
    const { claims } = await redeem(world.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    expect(claims.acr).to.equal('urn:countersign:acr:basic');
  });

  it('keeps an approval that was given before, and a request that is approved afterwards', async () => {
    const { browser, request, answer } = await signedIn(world.issuer, 'ada', { acr_values: MFA });
    const pending = await phone.claim(await scannedLink(browser, answer));
    await phone.approve(pending, { pin: PIN });
    const later = await signedIn(world.issuer, 'ada', { acr_values: MFA });
    await restart(world);
    const back = await submit(browser, answer, '/finish');
    const { claims } = await redeem(world.issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect(claims.acr).to.equal(MFA);
    const second = await approveByScan(later.browser, phone, later.answer);
    expect(sentBack(second).get('code')).to.be.a('string');
  });

  it('goes on with an enrolment: begun before, completed after', async () => {
    const { browser, request, answer } = await signedIn(world.issuer, 'bob', { acr_values: MFA });
    const ready = await proveMailbox(world, browser, answer, 'bob@example.org');
    const offer = await submit(browser, ready, '/start', { name: 'Red phone', pin: PIN, pin_again: PIN });
    const bobs = newPhone(world);
    await bobs.begin({ link: await offeredLink(browser, offer) });
    await restart(world);
    expect((await bobs.complete(PIN)).state).to.equal('active');
    const done = await browser.visit(offer.url);
    expect(done.text).to.contain('Your phone is added');
    await restart(world);
    const back = await approveByScan(browser, bobs, await submit(browser, done, '/continue'));
    const { claims } = await redeem(world.issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect(claims.acr).to.equal(MFA);
  });

  it('keeps a session, and a code that was not yet redeemed', async () => {
    const { browser, request, answer } = await signedIn(world.issuer, 'bob');
    await restart(world);
    await redeem(world.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    const again = authorization(world.issuer, { prompt: 'none' });
    expect(sentBack(await browser.visit(again.url, atService)).get('code')).to.be.a('string');
  });
});

describe('a restart of the embedded default', function () {
  this.timeout(180_000);
  let world: RunningWorld;

  before(async () => {
    world = await startWorld({ people: ['ada'] });
  });
  after(() => world?.close());

  it('says at the start what lives in this process only', async () => {
    const said = /sessions and what is pending live in this one process and end with it/;
    const deadline = performance.now() + 5000;
    // The port listens a moment before the words of welcome.
    while (!said.test(onlyNode(world).output()) && performance.now() < deadline) await wait(20);
    expect(onlyNode(world).output()).to.match(said);
  });

  it('loses what is pending, in plain words, and keeps people and phones', async () => {
    const phone = await withPhone(world, 'ada');
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(world.issuer, { acr_values: MFA }).url, atService);
    await restart(world);
    const lost = await logIn(browser, page, 'ada');
    expect(lost.status).to.be.oneOf([400, 404, 410]);
    expect(lost.text)
      .to.match(/start again/i)
      .and.not.match(/\bat \S+:\d+/);
    const { browser: next, request, answer } = await signedIn(world.issuer, 'ada', { acr_values: MFA });
    const back = await approveByScan(next, phone, answer);
    const { claims } = await redeem(world.issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect(claims.acr).to.equal(MFA);
  });
});

describe('a node that is killed while a browser waits on it', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let phone: HeadlessPhone;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    world = await startWorld({ backend: 'servers', nodes: 2, balanced: true, people: ['ada'] });
    phone = await withPhone(world, 'ada');
    context = await desktop();
    page = await context.newPage();
    page.setDefaultTimeout(45_000);
  });
  after(async () => {
    await context?.close();
    await world?.close();
  });

  it('is not missed: the page goes on at the other node by itself', async () => {
    await page.goto(authorization(world.issuer, { acr_values: MFA }).url);
    await page.fill('#login', 'ada');
    await page.fill('#password', PASSWORD);
    await page.click('button.main');
    await page.getByRole('heading', { name: 'Scan with your phone' }).waitFor();
    const { frame } = (await page.evaluate(async (url) => (await fetch(url)).json(), `${page.url()}/state`)) as {
      frame: { i: number; mac: string };
    };
    const part = async (name: string) => (await page.locator('[data-approve]').getAttribute(`data-${name}`)) ?? '';
    const link = `${await part('before')}${frame.i}.${frame.mac}${await part('after')}`;
    const [first, second] = world.nodes;
    const before = second?.output().length ?? 0;
    await first?.kill();
    const leaving = page.waitForRequest((request) => atService(request.url()), { timeout: 30_000 });
    await phone.approve(await phone.claim(link), { pin: PIN });
    const told = performance.now();
    expect(new URL((await leaving).url()).searchParams.get('code')).to.be.a('string');
    expect(performance.now() - told).to.be.below(10_000);
    expect(second?.output().slice(before)).to.contain('/finish');
  });
});
