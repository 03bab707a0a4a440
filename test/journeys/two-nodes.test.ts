// Two nodes on one Redis and PostgreSQL: the browser waits at one, `countersign phone` answers at the other, and what is taken away is gone at both.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { fileStore, HeadlessPhone } from '../../src/cli/phone.ts';
import {
  approveByScan,
  MFA,
  numberIn,
  PIN,
  proveMailbox,
  scannedLink,
  submit,
  typedCodeIn,
} from '../interactions/with-phone.ts';
import { SERVICE, writeFiles } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';
import { type Node, type Ran, type RunningWorld, startWorld } from '../support/world.ts';

/** Longest time from a word at one node to its effect at the other, in milliseconds: unheard, a stream ends after ten minutes. */
const HEARS_WITHIN = 10_000;

describe('two nodes', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let state: string;
  let browserNode: Node;
  let phoneNode: Node;

  before(async () => {
    world = await startWorld({ backend: 'servers', nodes: 2, balanced: true, people: ['ada', 'bob'] });
    const [first, second] = world.nodes;
    if (!first || !second) throw new Error('two nodes were asked for');
    [browserNode, phoneNode] = [first, second];
    world.balancer?.route((path) => (path.startsWith('/device/') ? 1 : 0));
    state = join(world.folder, 'phone.json');
  });
  after(() => world?.close());

  /** One run of the phone's command line. */
  const phone = (...args: string[]): Promise<Ran> => world.cli(['phone', ...args, '--state', state]);
  const waiting = () => signedIn(world.issuer, 'ada', { acr_values: MFA });

  /** What a waiting page hears until its stream ends, and how long after `heard` was begun the last word came. */
  async function listen(browser: HttpBrowser, url: string): Promise<() => Promise<{ state: string; at: number }>> {
    const headers = { cookie: browser.cookiesFor(new URL(url).pathname) };
    const stream = await fetch(`${url}/events`, { headers });
    expect(stream.status).to.equal(200);
    const reading = stream.text().then((text) => ({ text, at: performance.now() }));
    return async () => {
      const { text, at } = await reading;
      const words = [...text.matchAll(/^data: (.*)$/gm)].map(
        ([, data]) => JSON.parse(data ?? '{}') as { state: string },
      );
      return { state: words.at(-1)?.state ?? '', at };
    };
  }

  async function tokenOf(answer: Answer, verifier: string) {
    return (await redeem(world.issuer, sentBack(answer).get('code') ?? '', verifier)).claims;
  }

  it('adds a phone by the typed code at the other node', async () => {
    const { browser, request, answer } = await waiting();
    const ready = await proveMailbox(world, browser, answer, 'ada@example.org');
    const offer = await submit(browser, ready, '/start', { name: 'Blue phone', pin: PIN, pin_again: PIN });
    const heard = await listen(browser, offer.url);
    const code = ['--code', typedCodeIn(offer), '--login', 'ada', '--server', world.issuer];
    const ran = await phone('enrol', ...code, '--pin', PIN);
    const told = performance.now();
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stdout).to.contain('Adding this phone as "Blue phone"').and.contain('This phone is ready.');
    expect((await heard()).at - told).to.be.below(HEARS_WITHIN);
    const done = await browser.visit(offer.url);
    expect(done.text).to.contain('Your phone is added');
    // The same sign-in goes on, with the phone's code scanned at the other node.
    const page = await submit(browser, done, '/continue');
    const claimed = await phone('claim', await scannedLink(browser, page), '--pin', PIN);
    expect(claimed.code, claimed.stderr).to.equal(0);
    const claims = await tokenOf(await submit(browser, page, '/finish'), request.verifier);
    expect(claims['acr']).to.equal(MFA);
    expect(phoneNode.output()).to.contain('/device/').and.not.contain('/interaction/');
    expect(browserNode.output()).to.contain('/interaction/').and.not.contain('/device/');
  });

  it('lists and approves with PIN and number, and the browser hears it', async () => {
    const { browser, request, answer } = await waiting();
    const page = await browser.post(`${answer.url}/ask`, { way: 'push' }, atService);
    const heard = await listen(browser, answer.url);
    const listed = await phone('list');
    expect(listed.stdout).to.contain('Payroll').and.contain('--number');
    const ran = await phone('approve', '--pin', PIN, '--number', numberIn(page));
    const told = performance.now();
    expect(ran.code, ran.stderr).to.equal(0);
    const { state: said, at } = await heard();
    expect(said).to.equal('approved');
    expect(at - told).to.be.below(HEARS_WITHIN);
    const claims = await tokenOf(await submit(browser, page, '/finish'), request.verifier);
    expect(claims['acr']).to.equal(MFA);
    expect(claims['amr']).to.include.members(['pwd', 'pin', 'mfa']);
  });

  it('denies, and the browser hears it', async () => {
    const { browser, answer } = await waiting();
    await browser.post(`${answer.url}/ask`, { way: 'push' }, atService);
    const heard = await listen(browser, answer.url);
    const ran = await phone('deny');
    const told = performance.now();
    expect(ran.stdout).to.contain('Denied.');
    const { state: said, at } = await heard();
    expect(said).to.equal('denied');
    expect(at - told).to.be.below(HEARS_WITHIN);
    expect((await browser.visit(answer.url)).text).to.contain('You said no on your phone');
  });

  it('takes the code that the phone made offline', async () => {
    const { browser, request, answer } = await waiting();
    const ran = await phone('code', await scannedLink(browser, answer), '--pin', PIN);
    expect(ran.stdout).to.contain('Payroll');
    const code = /^(\d{4}) (\d{4})$/m.exec(ran.stdout)?.slice(1).join('') ?? '';
    const back = await submit(browser, answer, '/code', { code });
    expect((await tokenOf(back, request.verifier))['amr']).to.include('otp');
  });

  it('ends the stream of a phone at one node as soon as it is removed at the other', async () => {
    const browser = new HttpBrowser();
    const home = await logIn(browser, await browser.visit(`${world.issuer}/account`), 'ada');
    const path = /\/account\/devices\/[\w-]+\/remove/.exec(home.text)?.[0] ?? '';
    const held = new HeadlessPhone({ state: fileStore(state) });
    const page = await approveByScan(browser, held, await browser.visit(`${world.issuer}${path}`));
    let lists = 0;
    const count = () => {
      lists += 1;
    };
    const stop = new AbortController();
    const ended = held.watch(count, stop.signal).then(() => performance.now());
    while (lists === 0) await wait(10);
    const gone = await submit(browser, page, '/remove');
    const removed = performance.now();
    expect(gone.text).to.contain('The phone is removed');
    const at = await Promise.race([ended, wait(HEARS_WITHIN).then(() => Number.POSITIVE_INFINITY)]);
    stop.abort();
    expect(at - removed).to.be.below(HEARS_WITHIN);
    const ran = await phone('list');
    expect(ran.code).to.equal(5);
    expect(ran.stderr).to.contain('removed from the account');
  });

  it('ends everything of a session at the other node with the sign-out; offline access was promised to stay', async () => {
    const { browser, request, answer } = await signedIn(world.issuer, 'bob');
    const here = await redeem(world.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    const more = authorization(world.issuer, { scope: 'openid offline_access', prompt: 'consent' });
    const consent = await browser.visit(more.url, atService);
    expect(consent.text).to.contain('Keep its access while you are away');
    const allowed = await submit(browser, consent, '/consent', { answer: 'allow' });
    const away = await redeem(world.issuer, sentBack(allowed).get('code') ?? '', more.verifier);
    const me = async (node: Node, { body }: typeof here) => {
      const headers = { authorization: `Bearer ${String(body['access_token'])}` };
      return (await fetch(`${node.origin}/me`, { headers })).status;
    };
    const everywhere = (tokens: typeof here) => Promise.all(world.nodes.map((node) => me(node, tokens)));
    expect(await everywhere(here)).to.deep.equal([200, 200]);
    const question = await browser.visit(`${world.issuer}/session/end?client_id=payroll`);
    const confirm = formOf(question, '/session/end/confirm');
    expect((await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' })).status).to.equal(200);
    expect(await everywhere(here)).to.deep.equal([401, 401]);
    expect(await everywhere(away)).to.deep.equal([200, 200]);
    world.balancer?.route(() => 1);
    const none = await browser.visit(authorization(world.issuer, { prompt: 'none' }).url, atService);
    expect(sentBack(none).get('error')).to.equal('login_required');
    world.balancer?.route((path) => (path.startsWith('/device/') ? 1 : 0));
  });

  it('ends the sessions and tokens of a disabled person at both nodes at once', async () => {
    const { browser, request, answer } = await signedIn(world.issuer, 'bob');
    const { body } = await redeem(world.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    const me = (node: Node) =>
      fetch(`${node.origin}/me`, { headers: { authorization: `Bearer ${String(body['access_token'])}` } });
    for (const node of world.nodes) expect((await me(node)).status).to.equal(200);
    expect((await world.cli(['user', 'disable', 'bob'])).stdout).to.contain('disabled bob');
    const statuses = await Promise.all(world.nodes.map(async (node) => (await me(node)).status));
    expect(statuses).to.deep.equal([401, 401]);
    for (const place of [0, 1]) {
      world.balancer?.route(() => place);
      const none = await browser.visit(authorization(world.issuer, { prompt: 'none' }).url, atService);
      expect(sentBack(none).get('error')).to.equal('login_required');
      const other = new HttpBrowser();
      const page = await other.visit(authorization(world.issuer).url, atService);
      expect((await logIn(other, page, 'bob')).text).to.contain('name="password"');
    }
    world.balancer?.route((path) => (path.startsWith('/device/') ? 1 : 0));
  });

  it('takes a new client over at SIGHUP, and keeps the old files where a new one is broken', async () => {
    const asks = async (node: Node, id: string) => {
      const url = authorization(node.origin, { client_id: id, prompt: 'none' }).url;
      return (await fetch(url, { redirect: 'manual' })).status;
    };
    expect(await asks(phoneNode, 'desk')).to.equal(400);
    writeFiles(phoneNode.folder, { 'clients/desk.yaml': { ...SERVICE, client_id: 'desk', client_name: 'Desk' } });
    phoneNode.hangUp();
    await until(() => phoneNode.output().includes('configuration reloaded'));
    expect(await asks(phoneNode, 'desk')).to.equal(303);
    expect(await asks(browserNode, 'desk')).to.equal(400);
    writeFileSync(
      join(phoneNode.folder, 'clients', 'desk.yaml'),
      'client_id: desk\nclient_name: Desk\nredirect_urls: [x\n',
    );
    phoneNode.hangUp();
    await until(() => phoneNode.output().includes('configuration refused'));
    expect(phoneNode.output()).to.match(/clients\/desk\.yaml:\d+/);
    expect(await asks(phoneNode, 'desk')).to.equal(303);
    expect(await asks(phoneNode, 'payroll')).to.equal(303);
  });
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it never came');
    await wait(20);
  }
}
