// The step-up page over HTTP with a headless phone: each way to approve, each way it ends, and what another browser cannot do.
import { expect } from 'chai';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { setUserState } from '../../src/usecases/manage-users.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';
import {
  addPhone,
  approveByNumber,
  approveByScan,
  MFA,
  numberIn,
  PIN,
  proveMailbox,
  scannedLink,
  submit,
} from './with-phone.ts';

describe('approve on the phone', () => {
  let running: RunningHouse;
  let login: string;
  let phone: HeadlessPhone;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse();
    ({ login } = await person(running.house));
    const { browser, answer } = await signedIn(running.issuer, login, { acr_values: MFA });
    const ready = await proveMailbox(running, browser, answer, `${login}@example.org`);
    ({ phone } = await addPhone(running, browser, ready));
  });
  after(() => running?.close());

  /** The waiting page of a new browser after the password. */
  const waiting = () => signedIn(running.issuer, login, { acr_values: MFA });

  async function claimsOf(answer: Answer, verifier: string) {
    const code = sentBack(answer).get('code') ?? '';
    return (await redeem(running.issuer, code, verifier)).claims;
  }

  it('says who asks, why, for what, and the way out', async () => {
    const { answer } = await waiting();
    expect(answer.status).to.equal(200);
    expect(answer.text)
      .to.include('Payroll also asks for your phone')
      .and.include('your password and your phone (level “mfa”)');
    expect(answer.text).to.include('Cancel and go back to Payroll').and.include('My phone cannot scan');
    expect(answer.headers.get('content-security-policy')).to.include("frame-ancestors 'none'");
  });

  it('takes a scan, once, and the token says how', async () => {
    const { browser, request, answer } = await waiting();
    const back = await approveByScan(browser, phone, answer);
    const claims = await claimsOf(back, request.verifier);
    expect(claims['acr']).to.equal(MFA);
    expect(claims['amr']).to.have.members(['pwd', 'swk', 'pin', 'mca', 'user', 'mfa']);
    // The same form again: the interaction is over.
    const again = await submit(browser, answer, '/finish');
    expect(again.status).to.be.oneOf([400, 410]);
  });

  it('counts for no sign-in once the phone was removed or copied, nor does the sign-in that it was half through (A42)', async () => {
    const end: { [how: string]: (userId: string, deviceId: string) => Promise<unknown> } = {
      removed: (userId, deviceId) => removeDevice(running.house.world, { userId, deviceId }),
      copied: (_userId, deviceId) => running.house.world.records.devices.lockCloned(deviceId),
    };
    for (const [how, ended] of Object.entries(end)) {
      const owner = await personWithPhone(running);
      const thief = await signedIn(running.issuer, owner.login, { acr_values: MFA });
      await approveByScan(thief.browser, owner.phone, thief.answer);
      const silent = () =>
        thief.browser.visit(authorization(running.issuer, { acr_values: MFA, prompt: 'none' }).url, atService);
      expect(sentBack(await silent()).get('code'), how).to.be.a('string');
      const half = await signedIn(running.issuer, owner.login, { acr_values: MFA });
      await owner.phone.approve(await owner.phone.claim(await scannedLink(half.browser, half.answer)), { pin: PIN });
      const form = formOf(half.answer, '/finish');
      const paused = await half.browser.post(form.url, form.fields, (url) =>
        new URL(url).pathname.startsWith('/auth/'),
      );
      await ended(owner.id, (await owner.phone.account()).deviceId);
      expect(sentBack(await silent()).get('error'), how).to.equal('unmet_authentication_requirements');
      const basic = await thief.browser.visit(authorization(running.issuer, { prompt: 'none' }).url, atService);
      expect(sentBack(basic).get('code'), how).to.be.a('string');
      const asked = await half.browser.visit(paused.location ?? '', atService);
      expect(new URL(asked.url).pathname, how).to.match(/^\/interaction\/[^/]+\/enrol$/);
    }
  });

  it('leads a person who was disabled meanwhile out, not round in circles', async () => {
    const owner = await personWithPhone(running);
    const { world } = running.house;
    const { browser, answer } = await signedIn(running.issuer, owner.login, { acr_values: MFA });
    const user = await world.records.users.byId(owner.id);
    if (!user) throw new Error('nobody');
    await setUserState(world, user, 'disabled');
    const out = await submit(browser, await browser.visit(answer.url), '/ask');
    expect([out.status, out.location]).to.deep.equal([403, undefined]);
    expect(sentBack(await submit(browser, out, '/unreachable')).get('error')).to.equal(
      'unmet_authentication_requirements',
    );
  });

  it('sends a number to a known browser, and explains a step-up from an old session', async () => {
    const { browser, answer } = await waiting();
    await approveByScan(browser, phone, answer);
    const request = authorization(running.issuer, { acr_values: MFA, prompt: 'login' });
    const page = await logIn(browser, await browser.visit(request.url, atService), login);
    expect(page.text).to.include('a request is waiting');
    const back = await approveByNumber(browser, phone, page);
    expect((await claimsOf(back, request.verifier))['acr']).to.equal(MFA);
  });

  it('takes the typed code of an offline phone, and counts wrong ones', async () => {
    const { browser, request, answer } = await waiting();
    const { code } = await phone.offlineCode(await scannedLink(browser, answer), PIN);
    const short = await submit(browser, answer, '/code', { code: '123' });
    expect(short.status).to.equal(422);
    expect(short.text).to.include('The code has 8 digits');
    const wrong = await submit(browser, short, '/code', { code: code === '00000000' ? '11111111' : '00000000' });
    expect(wrong.status).to.equal(422);
    expect(wrong.text).to.include('You have 2 more tries');
    const back = await submit(browser, wrong, '/code', { code });
    expect((await claimsOf(back, request.verifier))['amr']).to.include('otp');
  });

  it('works without scripts by a code that stands still', async () => {
    const { browser, request, answer } = await waiting();
    expect(answer.text).to.include('<noscript>');
    const form = await browser.post(`${answer.url}/ask`, { way: 'code' }, atService);
    expect(form.text).to.include('Type the code from your phone').and.include('<svg');
    const { code } = await phone.offlineCode(await scannedLink(browser, form), PIN);
    const back = await submit(browser, form, '/code', { code });
    expect((await claimsOf(back, request.verifier))['acr']).to.equal(MFA);
  });

  it('says what a no on the phone means, and lets the person try again', async () => {
    const { browser, answer } = await waiting();
    const request = await phone.claim(await scannedLink(browser, answer));
    await phone.deny(request);
    const ended = await browser.visit(answer.url);
    expect(ended.text).to.include('You said no on your phone');
    const again = await submit(browser, ended, '/ask');
    expect(again.text).to.include('Scan with your phone');
    const back = await approveByScan(browser, phone, again);
    expect(sentBack(back).get('code')).to.be.a('string');
  });

  it('ends this sign-in for good after "it was not me"', async () => {
    const { browser, answer } = await waiting();
    await phone.report(await phone.claim(await scannedLink(browser, answer)));
    const ended = await browser.visit(answer.url);
    expect(ended.text).to.include('This sign-in was stopped').and.not.include('Try again');
    // Posting the form that is not there opens nothing.
    const forced = await browser.post(`${answer.url}/ask`, { way: 'qr' }, atService);
    expect(forced.text).to.include('This sign-in was stopped');
    expect((await phone.pending()).transactions).to.have.length(0);
    const back = await submit(browser, ended, '/cancel');
    expect(sentBack(back).get('error')).to.equal('access_denied');
    // A plain no while pushes are still paused is told as a no, not as a report.
    const other = await waiting();
    await phone.deny(await phone.claim(await scannedLink(other.browser, other.answer)));
    expect((await other.browser.visit(other.answer.url)).text).to.include('You said no on your phone');
    // The owner succeeds elsewhere, so that the pause ends for the tests that follow.
    const owner = await waiting();
    await approveByScan(owner.browser, phone, owner.answer);
  });

  it('says that a wrong number ended the request', async () => {
    const { browser, answer } = await waiting();
    const page = await browser.post(`${answer.url}/ask`, { way: 'push' }, atService);
    const [request] = (await phone.pending()).transactions;
    const number = numberIn(page) === '000000' ? '000001' : '000000';
    if (!request) throw new Error('nothing is pending');
    await phone.approve(request, { pin: PIN, number }).catch(() => undefined);
    const ended = await browser.visit(page.url);
    expect(ended.text).to.include('was not the one on this page');
  });

  it('prolongs a request, and says when it cannot be longer', async () => {
    const { browser, answer } = await waiting();
    const json = { accept: 'application/json', origin: running.issuer, 'sec-fetch-site': 'same-origin' };
    const lefts: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const said = await browser.request(`${answer.url}/extend`, { method: 'POST', headers: json });
      const { extended, left } = JSON.parse(said.text) as { extended: boolean; left: number };
      lefts.push(left);
      if (!extended) break;
    }
    expect(lefts[0]).to.be.greaterThan(180);
    expect(Math.max(...lefts)).to.be.at.most(600);
    const page = await submit(browser, answer, '/extend');
    expect(page.text).to.include('as long as one request can last');
  });

  it('does not go on before the phone has', async () => {
    const { browser, answer } = await waiting();
    const early = await submit(browser, answer, '/finish');
    expect(early.text).to.include('Your phone has not approved yet');
    expect(new URL(early.url).pathname).to.match(/^\/interaction\//);
  });

  it('tells states and frames to this browser only', async () => {
    const { browser, answer } = await waiting();
    const state = await browser.request(`${answer.url}/state`, { headers: { accept: 'application/json' } });
    expect(Object.keys(JSON.parse(state.text) as object).sort()).to.deep.equal(['frame', 'left', 'state']);
    // Another browser that got hold of the interaction's cookies, but not of the binding cookie.
    const thief = new HttpBrowser();
    const path = new URL(answer.url).pathname;
    for (const pair of browser.cookiesFor(path).split('; ')) {
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      if (name !== 'txb')
        thief.setCookie(name, value, name.startsWith('interaction') ? path.replace(/\/approve$/, '') : '/');
    }
    const stolen = await thief.request(`${answer.url}/state`, { headers: { accept: 'application/json' } });
    expect(stolen.status).to.equal(404);
    await phone.approve(await phone.claim(await scannedLink(browser, answer)), { pin: PIN });
    const finished = await thief.post(`${answer.url}/finish`, {}, atService);
    expect(finished.location ?? '').to.not.include('code=');
    expect(sentBack(await submit(browser, answer, '/finish')).get('code')).to.be.a('string');
  });

  it('streams the state and ends at the end', async () => {
    const { browser, answer } = await waiting();
    const stop = new AbortController();
    const cookie = browser.cookiesFor(new URL(answer.url).pathname);
    const stream = await fetch(`${answer.url}/events`, { headers: { cookie }, signal: stop.signal });
    expect(stream.headers.get('content-type')).to.include('text/event-stream');
    const reading = stream.text();
    await phone.approve(await phone.claim(await scannedLink(browser, answer)), { pin: PIN });
    const text = await reading;
    const words = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '{}') as { state: string });
    expect(words[0]).to.include({ state: 'pending' });
    expect(words.at(-1)).to.include({ state: 'approved' });
    for (const word of words) expect(Object.keys(word)).to.not.include.members(['user', 'ctx', 'device', 'userId']);
    stop.abort();
  });

  it('cancels back to the service, and refuses posts from other sites', async () => {
    const { browser, answer } = await waiting();
    const foreign = await browser.request(`${answer.url}/cancel`, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    });
    expect(foreign.status).to.equal(403);
    const back = await submit(browser, answer, '/cancel');
    expect(sentBack(back).get('error')).to.equal('access_denied');
    expect(sentBack(back).get('state')).to.equal('s');
  });

  it('offers the app on the same phone to a phone browser', async () => {
    const { browser, answer } = await waiting();
    const mobile = await browser.request(answer.url, {
      headers: { 'user-agent': 'Mozilla/5.0 (Linux; Android 15) Mobile' },
    });
    expect(mobile.text)
      .to.include('Continue in the app')
      .and.match(/\/phone\/#o1\.[\w-]{22}"/);
  });
});
