// Adding a phone in the middle of a sign-in: the second proof first, then name and PIN, the phone, and the same request goes on.
import { expect } from 'chai';
import { inviteUser } from '../../src/usecases/manage-users.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';
import {
  addPhone,
  approveByScan,
  codeIn,
  MFA,
  newestMail,
  newPhone,
  PIN,
  proveMailbox,
  submit,
  typedCodeIn,
} from './with-phone.ts';

const mailOf = (login: string) => `${login}@example.org`;

describe('add a phone in a sign-in', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse();
  });
  after(() => running?.close());

  async function begin() {
    const { id, login } = await person(running.house);
    const signed = await signedIn(running.issuer, login, { acr_values: MFA });
    return { id, login, ...signed };
  }
  const ready = async () => {
    const begun = await begin();
    const page = await proveMailbox(running, begun.browser, begun.answer, mailOf(begun.login));
    return { ...begun, page };
  };

  it('goes from the password to the token of the level that was asked', async () => {
    const { browser, login, request, answer } = await begin();
    expect(answer.text).to.include('Payroll asks for a second proof').and.include('Send me a code');
    const page = await proveMailbox(running, browser, answer, mailOf(login));
    expect(page.text).to.include('Name of your phone');
    const { phone, done } = await addPhone(running, browser, page);
    expect(done.text).to.include('From now on “Blue phone” approves your sign-ins');
    const approve = await submit(browser, done, '/continue');
    expect(approve.text).to.include('Scan with your phone');
    const back = await approveByScan(browser, phone, approve);
    const { claims } = await redeem(running.issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect(claims['acr']).to.equal(MFA);
    expect(newestMail(running, mailOf(login))).to.include('Blue phone');
  });

  it('opens nothing to a password alone, whatever is posted (A04, A05)', async () => {
    const { browser, answer, id } = await begin();
    const form = { name: 'Mine', pin: PIN, pin_again: PIN };
    const started = await browser.post(`${answer.url}/start`, form, atService);
    expect(started.text).to.include('Send me a code').and.not.include('typed-code');
    for (const step of ['confirm', 'continue', 'again', 'check'])
      await browser.post(`${answer.url}/${step}`, { code: '' }, atService);
    expect(await running.house.world.enrolments.openOf(id)).to.have.length(0);
    const finished = await browser.post(answer.url.replace(/enrol$/, 'approve/finish'), {}, atService);
    expect(finished.location ?? '').to.not.include('code=');
  });

  it('counts a wrong code before it looks, five times', async () => {
    const { browser, answer, login } = await begin();
    let page = await submit(browser, answer, '/send');
    const code = codeIn(newestMail(running, mailOf(login))).replace(' ', '');
    const wrong = code === '00000000' ? '11111111' : '00000000';
    for (let left = 4; left >= 0; left -= 1) {
      page = await submit(browser, page, '/check', { code: wrong });
      expect(page.status).to.equal(422);
    }
    const late = await submit(browser, page, '/check', { code });
    expect(late.text).to.not.include('Name of your phone');
    expect(late.status).to.be.oneOf([422, 429]);
  });

  it('takes a code once, and in the browser that asked for it only', async () => {
    const { browser, answer, login } = await begin();
    const asked = await submit(browser, answer, '/send');
    const code = codeIn(newestMail(running, mailOf(login)));
    const other = await signedIn(running.issuer, login, { acr_values: MFA });
    const stolen = await other.browser.post(`${other.answer.url}/check`, { code }, atService);
    expect(stolen.text).to.not.include('Name of your phone');
    const page = await submit(browser, asked, '/check', { code });
    expect(page.text).to.include('Name of your phone');
    // Once it stands here, another sign-in of the same browser still has to give its own.
    const second = await browser.visit(authorization(running.issuer, { acr_values: MFA }).url, atService);
    expect(second.text).to.include('Send me a code');
  });

  it('says in plain words what is wrong with a PIN or a name', async () => {
    const { browser, page } = await ready();
    const tries: [Record<string, string>, string][] = [
      [{ name: 'Mine', pin: '123456', pin_again: '123456' }, 'easy to guess'],
      [{ name: 'Mine', pin: '12', pin_again: '12' }, 'too short'],
      [{ name: 'Mine', pin: '12a456', pin_again: '12a456' }, 'digits only'],
      [{ name: 'Mine', pin: PIN, pin_again: '805130' }, 'not the same'],
      [{ name: ' ', pin: PIN, pin_again: PIN }, 'Give your phone a name'],
      [{ name: 'x'.repeat(41), pin: PIN, pin_again: PIN }, 'at most 40'],
    ];
    for (const [fields, words] of tries) {
      const again = await submit(browser, page, '/start', fields);
      expect(again.status).to.equal(422);
      expect(again.text).to.include(words);
      expect(again.text).to.not.include(`value="${fields['pin']}"`);
      expect(again.text).to.include('6 to 8 digits');
      // The person goes on where the mistake is, with a screen reader too.
      const focused = again.text.match(/<input[^>]* autofocus[^>]*>/g) ?? [];
      expect(focused).to.have.length(1);
      expect(focused[0]).to.include('aria-invalid="true"');
    }
  });

  it('tells progress, and gives a contested code to nobody (A55)', async () => {
    const { browser, page, login, id } = await ready();
    const offer = await submit(browser, page, '/start', { name: 'Mine', pin: PIN, pin_again: PIN });
    const state = async () => {
      const said = await browser.request(`${offer.url}/state`, { headers: { accept: 'application/json' } });
      expect(Object.keys(JSON.parse(said.text) as object).sort()).to.deep.equal(['left', 'state']);
      return (JSON.parse(said.text) as { state: string }).state;
    };
    expect(await state()).to.equal('shown');
    const code = typedCodeIn(offer);
    await newPhone(running).begin({ code, login });
    expect(await state()).to.equal('scanned');
    const scanned = await browser.visit(offer.url);
    expect(scanned.text).to.include('type your PIN on the phone').and.not.include(code);
    await newPhone(running)
      .begin({ code, login })
      .catch(() => undefined);
    const ended = await browser.visit(offer.url);
    expect(ended.text).to.include('Two phones scanned this code');
    expect(await running.house.world.records.devices.ofUser(id)).to.have.length(0);
    const again = await submit(browser, ended, '/again');
    expect(again.text).to.include('Name of your phone');
  });

  it('stops when the person stops', async () => {
    const { browser, page, login } = await ready();
    const offer = await submit(browser, page, '/start', { name: 'Mine', pin: PIN, pin_again: PIN });
    const code = typedCodeIn(offer);
    const ended = await submit(browser, offer, '/enrol/cancel');
    expect(ended.text).to.include('No phone was added');
    let refused = false;
    await newPhone(running)
      .enrol({ code, login }, PIN)
      .catch(() => {
        refused = true;
      });
    expect(refused).to.equal(true);
  });

  it('shows an offer to nobody else', async () => {
    const { browser, page } = await ready();
    const offer = await submit(browser, page, '/start', { name: 'Mine', pin: PIN, pin_again: PIN });
    const stranger = await new HttpBrowser().request(offer.url);
    expect(stranger.text).to.not.include('typed-code');
    const state = await new HttpBrowser().request(`${offer.url}/state`);
    expect(state.text).to.not.include('shown');
  });

  it('never adds a phone beside another one by a password alone (A04)', async () => {
    const { browser, page, login } = await ready();
    await addPhone(running, browser, page);
    const thief = await signedIn(running.issuer, login, { acr_values: MFA });
    expect(thief.answer.text).to.include('Scan with your phone');
    const enrol = await thief.browser.visit(thief.answer.url.replace(/approve$/, 'enrol'));
    expect(new URL(enrol.url).pathname).to.match(/approve$/);
    const base = thief.answer.url.replace(/approve$/, 'enrol');
    const posted = await thief.browser.post(`${base}/send`, {}, atService);
    expect(new URL(posted.url).pathname).to.match(/approve$/);
  });

  it('adds a second phone for a service that asks, after the first has approved', async () => {
    const { browser, page, login, id } = await ready();
    const { phone, done } = await addPhone(running, browser, page);
    await approveByScan(browser, phone, await submit(browser, done, '/continue'));
    const request = authorization(running.issuer, { prompt: 'enrol' });
    let now: Answer = await browser.visit(request.url, atService);
    // The approval of a moment ago is fresh enough: the form comes at once.
    expect(now.text).to.include('Payroll asks you to add a phone').and.include('Name of your phone');
    const second = await addPhone(running, browser, now, 'Red phone');
    now = await submit(browser, second.done, '/continue');
    expect(sentBack(now).get('code')).to.be.a('string');
    expect(await running.house.world.records.devices.ofUser(id)).to.have.length(2);
    // From another browser the phone approves first, and that alone does not answer the service.
    const other = new HttpBrowser();
    const login2 = await logIn(
      other,
      await other.visit(authorization(running.issuer, { prompt: 'enrol' }).url, atService),
      login,
    );
    expect(login2.text).to.include('approve with one that you have');
    const opened = await approveByScan(other, phone, login2);
    expect(opened.text).to.include('Name of your phone');
  });
});

describe('add a phone with an invitation, or by the operator', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse({
      files: { 'methods.yaml': { password: { memory_kib: 1024 }, first_device: 'invitation' } },
    });
  });
  after(() => running?.close());

  it('takes the invitation of this very person, once', async () => {
    const { id, login } = await person(running.house);
    const stranger = await person(running.house);
    const users = running.house.world.records.users;
    const [user, other] = [await users.byId(id), await users.byId(stranger.id)];
    if (!user || !other) throw new Error('nobody');
    const mine = await inviteUser(running.house.world, user);
    const theirs = await inviteUser(running.house.world, other);
    const { browser, answer } = await signedIn(running.issuer, login, { acr_values: MFA });
    expect(answer.text).to.include('First, your invitation');
    const wrong = await submit(browser, answer, '/check', { code: theirs.token });
    expect(wrong.text).to.include('This invitation is not good');
    const page = await submit(browser, wrong, '/check', { code: `${running.issuer}/invitation#${mine.token}` });
    expect(page.text).to.include('Name of your phone');
    const again = await signedIn(running.issuer, login, { acr_values: MFA });
    const used = await submit(again.browser, again.answer, '/check', { code: mine.token });
    expect(used.text).to.include('This invitation is not good');
  });
});
