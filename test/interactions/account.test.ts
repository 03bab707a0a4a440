// The account page: a relying service of ours that asks for the highest level, fresh, before anything changes.
import { expect } from 'chai';
import { Client } from 'pg';
import { fingerprint } from '../../src/platform/hashes.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, HttpBrowser } from '../support/http-browser.ts';
import { authorization, CALLBACK, logIn, redeem, sentBack, signedIn } from '../support/service.ts';
import { addPhone, approveByScan, MFA, PIN, proveMailbox, submit } from './with-phone.ts';

describe('the account page', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse();
  });
  after(() => running?.close());

  const at = (path: string) => `${running.issuer}${path}`;

  /** A person at their account page after the password. */
  async function atHome() {
    const who = await person(running.house);
    const browser = new HttpBrowser();
    const home = await logIn(browser, await browser.visit(at('/account')), who.login);
    return { ...who, browser, home };
  }

  /** The same with a phone that was added there. */
  async function withPhone() {
    const start = await atHome();
    const { browser, login } = start;
    const first = await browser.visit(at('/account/devices/add'));
    const form = await proveMailbox(running, browser, first, `${login}@example.org`);
    const { phone, done } = await addPhone(running, browser, form);
    const home = await submit(browser, done, '/continue');
    return { ...start, phone, home };
  }

  /** The newest phone of a person. */
  async function phoneId(userId: string): Promise<string> {
    const [device] = await running.house.world.records.devices.ofUser(userId);
    if (!device) throw new Error('no phone');
    return device.id;
  }

  /** Moves the proofs of the account session into the past, as time would. */
  async function age(browser: HttpBrowser, seconds: number) {
    const { findSession, saveSession } = await import('../../interactions/account/session.ts');
    const cookie = browser.cookie('account') ?? '';
    const session = await findSession(running.house.world, cookie);
    if (!session) throw new Error('no account session');
    await saveSession(running.house.world, cookie, { ...session, authTime: session.authTime - seconds });
  }

  it('signs in through the provider and shows who is there', async () => {
    const { home, login, browser } = await atHome();
    expect(new URL(home.url).pathname).to.equal('/account');
    expect(home.text).to.include(login).and.include('You have no phone yet').and.include('Manage my mobile devices');
    expect(browser.cookie('account')).to.have.length(43);
  });

  it('refuses a callback that it did not ask for, or that another browser asked for', async () => {
    const { browser } = await atHome();
    const forged = await browser.request(
      at(`/account/callback?code=x&state=y&iss=${encodeURIComponent(running.issuer)}`),
    );
    expect(forged.status).to.equal(403);
    const who = await person(running.house);
    const thief = new HttpBrowser();
    const page = await thief.visit(at('/account'));
    const stopped = await (async () => {
      const { formOf } = await import('../support/http-browser.ts');
      const form = formOf(page, '/login');
      return thief.visit(form.url, (url) => url.includes('/account/callback'), {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: running.issuer,
          'sec-fetch-site': 'same-origin',
        },
        body: new URLSearchParams({ ...form.fields, login: who.login, password: PASSWORD }).toString(),
      });
    })();
    const victim = new HttpBrowser();
    const planted = await victim.request(stopped.location ?? '');
    expect(planted.status).to.equal(403);
    expect(victim.cookie('account')).to.equal(undefined);
  });

  it('adds the first phone only after a second proof, then lists it', async () => {
    const { home, id } = await withPhone();
    expect(home.text).to.include('Your phone is added.').and.include('Blue phone').and.include('Not used yet');
    const again = await running.house.world.records.devices.ofUser(id);
    expect(again).to.have.length(1);
  });

  it('asks for the phone before a change, shows what was typed again, and sends nothing by itself', async () => {
    const { browser, phone, id } = await withPhone();
    const device = await phoneId(id);
    const path = `/account/devices/${device}/rename`;
    // The session of the enrolment is a password's: the account's highest level is the phone's by now.
    const asked = await browser.visit(at(path));
    expect(asked.text).to.include('Scan with your phone');
    const form = await approveByScan(browser, phone, asked);
    expect(form.text).to.include('Rename “Blue phone”');
    await age(browser, 400);
    const late = await submit(browser, form, '/rename', { name: 'Green phone' });
    // The provider's own record is fresh still, so that it sends the person straight back: the form is there, nothing has changed.
    expect(late.text).to.include('value="Green phone"').and.include('send it once more');
    const named = async () => (await running.house.world.records.devices.ofUser(id))[0]?.name;
    expect(await named()).to.equal('Blue phone');
    const home = await submit(browser, late, '/rename', { name: 'Green phone' });
    expect(home.text).to.include('The new name is saved');
    expect(await named()).to.equal('Green phone');
  });

  it('removes the last phone with clear words', async () => {
    const { browser, phone, id } = await withPhone();
    const page = await approveByScan(
      browser,
      phone,
      await browser.visit(at(`/account/devices/${await phoneId(id)}/remove`)),
    );
    expect(page.text).to.include('It is your last phone');
    const home = await submit(browser, page, '/remove');
    expect(home.text).to.include('The phone is removed').and.include('You have no phone yet');
    expect(await running.house.world.records.devices.ofUser(id)).to.have.length(0);
  });

  it('changes nothing for a password alone (A03) and nothing by GET (A39)', async () => {
    const { browser, id, home } = await withPhone();
    const device = await phoneId(id);
    const csrf = /name="csrf" value="([^"]+)"/.exec(home.text)?.[1] ?? '';
    for (const path of [
      `/account/devices/${device}/remove`,
      `/account/devices/${device}/rename`,
      '/account/second-factor',
      '/account/devices/add/start',
    ]) {
      const answer = await browser.post(at(path), { csrf, name: 'Thief', always: 'on', pin: PIN, pin_again: PIN });
      expect(answer.text, path).to.include('Scan with your phone');
    }
    await browser.visit(at(`/account/devices/${device}/remove`));
    const user = await running.house.world.records.users.byId(id);
    expect(user?.alwaysSecondFactor).to.equal(false);
    expect((await running.house.world.records.devices.ofUser(id)).map((one) => one.name)).to.deep.equal(['Blue phone']);
    expect(await running.house.world.enrolments.openOf(id)).to.have.length(0);
  });

  it("answers another person's phone like one that never was (A43)", async () => {
    const owner = await withPhone();
    const { browser, home } = await atHome();
    const theirs = await phoneId(owner.id);
    const csrf = /name="csrf" value="([^"]+)"/.exec(home.text)?.[1] ?? '';
    const body = (answer: Answer) =>
      answer.text
        .replaceAll(/nonce="[^"]*"/g, '')
        .replaceAll(/[\w-]{12}(?=[<.\s])/g, '')
        .replaceAll(/d_[\w-]+/g, '');
    for (const action of ['rename', 'remove', 'unlock']) {
      const [taken, missing] = await Promise.all(
        [theirs, 'd_AAAAAAAAAAAAAAAAAAAAAA'].map((one) => browser.visit(at(`/account/devices/${one}/${action}`))),
      );
      expect(taken?.status).to.equal(404);
      expect(missing?.status).to.equal(404);
      expect(body(taken as Answer)).to.equal(body(missing as Answer));
      const posted = await browser.post(at(`/account/devices/${theirs}/${action}`), { csrf, name: 'x' });
      expect(posted.status).to.equal(404);
    }
    expect(await running.house.world.records.devices.ofUser(owner.id)).to.have.length(1);
  });

  it("refuses a form without this session's token, and from another site", async () => {
    const { browser, home } = await atHome();
    const without = await browser.post(at('/account/language'), { locale: 'fr' });
    expect(without.status).to.equal(403);
    const csrf = /name="csrf" value="([^"]+)"/.exec(home.text)?.[1] ?? '';
    const foreign = await browser.request(at('/account/language'), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      },
      body: new URLSearchParams({ csrf, locale: 'fr' }).toString(),
    });
    expect(foreign.status).to.equal(403);
    const changed = await submit(browser, home, '/account/language', { locale: 'fr' });
    expect(changed.text).to.include('La langue est enregistrée');
  });

  it('turns "always ask for my second factor" on, after a fresh approval', async () => {
    const { browser, phone, id, home } = await withPhone();
    const asked = await submit(browser, home, '/second-factor', { always: 'on' });
    const again = await approveByScan(browser, phone, asked);
    expect(again.text).to.include('send it once more');
    const on = await submit(browser, again, '/second-factor', { always: 'on' });
    expect(on.text).to.include('From now on every service asks');
    expect((await running.house.world.records.users.byId(id))?.alwaysSecondFactor).to.equal(true);
  });

  it('changes the password and signs out everywhere', async () => {
    const { browser, login } = await atHome();
    const page = await browser.visit(at('/account/password'));
    const wrong = await submit(browser, page, '/password', {
      current: 'not it',
      password: 'a brand new pass phrase',
      again: 'a brand new pass phrase',
    });
    expect(wrong.status).to.equal(422);
    const differs = await submit(browser, page, '/password', {
      current: PASSWORD,
      password: 'a brand new pass phrase',
      again: 'another',
    });
    expect(differs.status).to.equal(422);
    expect(differs.text).to.not.include('a brand new pass phrase');
    const done = await submit(browser, page, '/password', {
      current: PASSWORD,
      password: 'a brand new pass phrase',
      again: 'a brand new pass phrase',
    });
    expect(done.text).to.include('Your password is changed');
    const next = await browser.visit(at('/account'));
    expect(next.text).to.include('name="password"');
    const home = await logIn(browser, next, login, 'a brand new pass phrase');
    expect(new URL(home.url).pathname).to.equal('/account');
  });

  it('signs out everywhere: other browsers, what services hold, and what waits for the phone', async () => {
    const { browser, home, login, id, phone } = await withPhone();
    const thief = await signedIn(running.issuer, login, { acr_values: MFA });
    const back = await approveByScan(thief.browser, phone, thief.answer);
    const code = sentBack(back).get('code') ?? '';
    await thief.browser.visit(at('/account'));
    const { body } = await redeem(running.issuer, code, thief.request.verifier);
    const me = async () =>
      (await fetch(at('/me'), { headers: { authorization: `Bearer ${body['access_token']}` } })).status;
    const waits = await signedIn(running.issuer, login, { acr_values: MFA });
    expect(waits.answer.text).to.include('Payroll');
    const silent = () =>
      thief.browser.visit(authorization(running.issuer, { prompt: 'none' }).url, (url) => url.startsWith(CALLBACK));
    expect([await me(), sentBack(await silent()).get('error')]).to.deep.equal([200, null]);
    const { world } = running.house;
    const known = fingerprint(thief.browser.cookie('known') ?? '');
    expect((await world.records.knownBrowsers.find(known))?.userId).to.equal(id);
    expect(await world.transactions.pendingOf(id)).to.have.length(1);

    const forged = await browser.post(at('/account/sign-out-everywhere'), { csrf: 'x' });
    expect([forged.status, await me()]).to.deep.equal([403, 200]);
    const done = await submit(browser, home, '/sign-out-everywhere');
    expect(done.text).to.include('You are signed out everywhere');
    expect([await me(), sentBack(await silent()).get('error')]).to.deep.equal([401, 'login_required']);
    for (const one of [browser, thief.browser])
      expect((await one.visit(at('/account'))).text).to.include('name="password"');
    expect(await world.records.knownBrowsers.find(known)).to.equal(undefined);
    expect(await world.transactions.pendingOf(id)).to.deep.equal([]);
    expect(await world.records.devices.ofUser(id)).to.have.length(1);
  });

  it('dies with the sessions of the person, and signs out', async () => {
    const { browser, id, home } = await atHome();
    const out = await submit(browser, home, '/sign-out');
    expect(new URL(out.url).pathname).to.equal('/session/end');
    expect(out.text).to.include('You will be signed out of').and.not.include('asks us');
    expect(browser.cookie('account')).to.equal(undefined);
    const second = await atHome();
    await running.house.world.records.users.endSessions(second.id);
    const gone = await second.browser.visit(at('/account'));
    expect(gone.text).to.include('name="password"');
    const third = await atHome();
    await running.house.world.records.users.setState(third.id, 'disabled');
    const refused = await third.browser.visit(at('/account'));
    expect(refused.text).to.not.include('Manage my mobile devices');
    expect(id).to.be.a('string');
  });
});

describe('the account page on PostgreSQL and Redis', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse();
  });
  after(() => running?.close());

  const at = (path: string) => `${running.issuer}${path}`;

  /** Five wrong PINs take minutes: the row is moved instead. */
  async function lockByPin(device: string) {
    const database = new Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    await database.query("update devices set state = 'locked', lock_reason = 'pin', pin_failures = 5 where id = $1", [
      device,
    ]);
    await database.end();
  }

  it('unlocks a phone only after another one has approved, and a copied one never', async () => {
    const { id, login } = await person(running.house);
    const browser = new HttpBrowser();
    await logIn(browser, await browser.visit(at('/account')), login);
    const proof = await browser.visit(at('/account/devices/add'));
    const form = await proveMailbox(running, browser, proof, `${login}@example.org`);
    const first = await addPhone(running, browser, form);
    await submit(browser, first.done, '/continue');
    const more = await approveByScan(browser, first.phone, await browser.visit(at('/account/devices/add')));
    const second = await addPhone(running, browser, more, 'Red phone');
    await submit(browser, second.done, '/continue');
    const { devices } = running.house.world.records;
    const red = (await devices.ofUser(id)).find((one) => one.name === 'Red phone');
    if (!red) throw new Error('no red phone');
    await lockByPin(red.id);
    const home = await browser.visit(at('/account'));
    expect(home.text).to.include('Locked: the PIN was wrong five times').and.include('Unlock');
    const page = await browser.visit(at(`/account/devices/${red.id}/unlock`));
    expect(page.text).to.include('Unlock “Red phone”?');
    const unlocked = await submit(browser, page, '/unlock');
    expect(unlocked.text).to.include('The phone is unlocked');
    await devices.lockCloned(red.id);
    const cloned = await browser.visit(at(`/account/devices/${red.id}/unlock`));
    expect(cloned.text).to.include('A copy of this phone may exist'.slice(2));
    expect((await devices.byId(red.id))?.state).to.equal('locked');
  });

  it('leads a person whose only phone is locked to a second proof, never to a password alone', async () => {
    const { id, login } = await person(running.house);
    const { browser, answer } = await signedIn(running.issuer, login, { acr_values: MFA });
    const form = await proveMailbox(running, browser, answer, `${login}@example.org`);
    await addPhone(running, browser, form);
    const [device] = await running.house.world.records.devices.ofUser(id);
    if (!device) throw new Error('no phone');
    await lockByPin(device.id);
    const again = await signedIn(running.issuer, login, { acr_values: MFA });
    expect(again.answer.text).to.include('Your phone is locked').and.include('Send me a code');
  });
});
