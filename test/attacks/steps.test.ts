// Steps out of their order (A05, A06, A09), borrowed marks of a browser (A11), what outlives a password (A32, A42), and many faces of one address (A20).
import { expect } from 'chai';
import { fingerprint } from '../../src/platform/hashes.ts';
import { changePassword } from '../../src/usecases/change-password.ts';
import { inviteUser } from '../../src/usecases/manage-users.ts';
import { requestPasswordReset } from '../../src/usecases/request-password-reset.ts';
import { approveByScan, MFA, PIN, submit } from '../interactions/with-phone.ts';
import { PASSWORD, person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';

const NEW = 'seven quiet herons over the bay';

/** Every form of every step of a sign-in. */
const STEPS = [
  'login',
  'consent',
  'approve/ask',
  'approve/extend',
  'approve/code',
  'approve/finish',
  'enrol/send',
  'enrol/check',
  'enrol/start',
  'enrol/confirm',
  'enrol/again',
  'enrol/continue',
];

describe('steps of a sign-in', () => {
  let running: RunningHouse;
  let issuer: string;
  before(async () => {
    running = await startHouse({
      files: (port) => ({
        'server.yaml': {
          issuer: `http://localhost:${port}`,
          demo: true,
          data_folder: './data',
          log_level: 'silent',
          trusted_proxies: ['127.0.0.1', '::1'],
        },
        'clients/strict.yaml': { ...SERVICE, client_id: 'strict', client_name: 'Strict', minimum_level: 'mfa' },
      }),
    });
    ({ issuer } = running);
  });
  after(() => running?.close());

  const interactionOf = ({ url }: Answer) => /^\/interaction\/[^/]+/.exec(new URL(url).pathname)?.[0] ?? '';

  /** Posts each form of each step, empty and filled in, and answers what let the browser out to the service. */
  async function everyForm(browser: HttpBrowser, page: Answer, fields: Record<string, string>): Promise<string[]> {
    const out: string[] = [];
    for (const step of STEPS) {
      for (const filled of [{}, fields]) {
        const answer = await browser.post(`${issuer}${interactionOf(page)}/${step}`, filled, atService);
        expect(answer.status, `${step} ${JSON.stringify(filled)}`).to.be.below(500);
        if (answer.location !== undefined) out.push(`${step} ${answer.location}`);
      }
    }
    return out;
  }

  it('are taken in their order alone, whatever is posted before its time, and the right way stays open (A05, A09)', async () => {
    const owner = await personWithPhone(running);
    const stranger = await personWithPhone(running);
    const browser = new HttpBrowser();
    const request = authorization(issuer, { acr_values: MFA });
    const page = await browser.visit(request.url);
    const filled = {
      answer: 'allow',
      code: '12345678',
      check: '123456',
      name: 'Mine',
      pin: PIN,
      pin_again: PIN,
      way: 'qr',
      login: owner.login,
    };
    // Nobody has typed a password: there is nobody whose phone could be asked.
    expect(await everyForm(browser, page, filled)).to.deep.equal([]);
    expect(await running.house.world.transactions.pendingOf(owner.id)).to.deep.equal([]);
    const resume = `${issuer}${interactionOf(page).replace('/interaction/', '/auth/')}`;
    expect((await browser.visit(resume, atService)).location).to.equal(undefined);

    const step = await logIn(browser, await browser.visit(request.url), owner.login);
    expect(new URL(step.url).pathname).to.match(/\/approve$/);
    // The password of somebody else, and every other form: the person of this sign-in and what is missing stay the same.
    expect(await everyForm(browser, step, { ...filled, login: stranger.login, password: PASSWORD })).to.deep.equal([]);
    expect(await running.house.world.transactions.pendingOf(stranger.id)).to.deep.equal([]);
    expect(await running.house.world.records.devices.ofUser(owner.id)).to.have.length(1);
    const asked = await browser.visit(authorization(issuer, { acr_values: MFA, prompt: 'none' }).url, atService);
    expect(sentBack(asked).get('error')).to.equal('unmet_authentication_requirements');

    const again = await browser.visit(request.url);
    const back = await approveByScan(browser, owner.phone, again);
    const { claims } = await redeem(issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect([claims.sub, claims['acr']]).to.deep.equal([owner.id, MFA]);
  });

  it('are chosen anew by each request: no second tab, way back or weaker wish leads around one (A06)', async () => {
    const owner = await personWithPhone(running);
    const { browser, answer } = await signedIn(issuer, owner.login, { client_id: 'strict' });
    expect(new URL(answer.url).pathname).to.match(/\/approve$/);
    const start = `${issuer}${interactionOf(answer)}`;
    for (const url of [
      start,
      `${start}/login`,
      `${start}/consent`,
      `${start.replace('/interaction/', '/auth/')}`,
      authorization(issuer, { client_id: 'strict' }).url,
      authorization(issuer, { client_id: 'strict', acr_values: 'urn:countersign:acr:basic' }).url,
      authorization(issuer, { client_id: 'strict', prompt: 'consent' }).url,
    ]) {
      const page = await browser.visit(url, atService);
      expect(page.location, url).to.equal(undefined);
      expect(new URL(page.url).pathname, url).to.match(/\/approve$|^\/auth\//);
    }
    // A weaker service in the next tab gets what it asked for, and the strict one no more than before.
    expect(sentBack(await browser.visit(authorization(issuer).url, atService)).get('code')).to.be.a('string');
    const strict = await browser.visit(authorization(issuer, { client_id: 'strict', prompt: 'none' }).url, atService);
    expect(sentBack(strict).get('error')).to.equal('unmet_authentication_requirements');
  });

  it('know a browser for its own person alone: neither a number nor tries of their own (A11)', async () => {
    const owner = await personWithPhone(running);
    const { browser, answer } = await signedIn(issuer, owner.login, { acr_values: MFA });
    await approveByScan(browser, owner.phone, answer);
    const known = browser.cookie('known') ?? '';
    expect(known).to.match(/^[\w-]{43}$/);
    const pushed = async (login: string, cookie: string) => {
      const other = new HttpBrowser();
      other.setCookie('known', cookie);
      const request = authorization(issuer, { acr_values: MFA });
      return (await logIn(other, await other.visit(request.url), login)).text.includes('a request is waiting');
    };
    expect(await pushed(owner.login, known)).to.equal(true);
    const victim = await personWithPhone(running);
    expect(await pushed(victim.login, known), 'another person’s').to.equal(false);
    for (const forged of [`${known.slice(0, -1)}${known.endsWith('A') ? 'B' : 'A'}`, fingerprint(known), victim.id])
      expect(await pushed(victim.login, forged), 'made up').to.equal(false);

    // Tries under a borrowed cookie are counted where everybody's are.
    const thief = new HttpBrowser();
    thief.setCookie('known', known);
    const page = await thief.visit(authorization(issuer).url);
    for (let n = 0; n < 5; n += 1) await logIn(thief, page, victim.login, 'not the password');
    const fresh = new HttpBrowser();
    expect((await logIn(fresh, await fresh.visit(authorization(issuer).url), victim.login)).status).to.equal(429);
  });

  it('count one address, however it is written and whatever is written before it (A07, A20)', async () => {
    const ask = async (forwarded: string) =>
      (
        await new HttpBrowser().request(`${issuer}/recover`, {
          method: 'POST',
          headers: { 'sec-fetch-site': 'same-origin', 'x-forwarded-for': forwarded },
          body: new URLSearchParams({ login: 'nobody' }),
        })
      ).status;
    const faces: { [what: string]: ((n: number) => string)[] } = {
      'an IPv4 address': [
        () => '203.0.113.7',
        () => '::ffff:203.0.113.7',
        () => '[::ffff:203.0.113.7]:4711',
        () => '203.0.113.7:99',
      ],
      'a network of IPv6': [
        (n) => `2001:db8:7:7::${n}`,
        (n) => `2001:DB8:7:7:${n}:0:0:1`,
        (n) => `[2001:db8:7:7::${n}]:1`,
      ],
      'an address behind made-up ones': [(n) => `10.0.0.${n}, 198.51.100.9`, (n) => `::${n}, 198.51.100.9`],
    };
    for (const [what, written] of Object.entries(faces)) {
      const answers: number[] = [];
      for (let n = 1; n <= 5; n += 1) answers.push(await ask(written[n % written.length]?.(n) ?? ''));
      expect(answers, what).to.deep.equal([200, 200, 200, 429, 429]);
    }
  });

  it('lead from a link to what it was made for, and for whom (A32)', async () => {
    const { world } = running.house;
    const { id, login } = await person(running.house);
    const user = await world.records.users.byId(id);
    if (!user) throw new Error('nobody');
    let reset = '';
    const address = '192.0.2.44';
    const asked = await requestPasswordReset(world, { typed: login, address }, (_user, token) => {
      reset = token;
      return { subject: 'Link', text: 'x' };
    });
    if (asked.ok) await asked.delivered;
    const set = async (path: string, token: string) => {
      const browser = new HttpBrowser();
      const page = await browser.visit(`${issuer}${path}`);
      const { url, fields } = formOf(page, path);
      return (await browser.post(url, { ...fields, token, password: NEW, repeat: NEW })).status;
    };
    expect(await set('/invitation', reset), 'a reset is no invitation').to.equal(410);
    const { token: invitation } = await inviteUser(world, user);
    expect(await set('/recover/new', invitation), 'an invitation is no reset').to.equal(410);
    expect(await set('/recover/new', reset), 'the invitation took its place').to.equal(410);
    expect(await set('/invitation', invitation)).to.equal(200);
    expect(await set('/invitation', invitation), 'spent').to.equal(410);
  });

  it('end with the password that they rest on: code, access, renewal and device (A42)', async () => {
    const { id, login } = await person(running.house);
    const scope = { scope: 'openid offline_access', prompt: 'consent' };
    const { browser, request, answer } = await signedIn(issuer, login, scope);
    const first = sentBack(await submit(browser, answer, '/consent', { answer: 'allow' }));
    const tokens = await redeem(issuer, first.get('code') ?? '', request.verifier);
    const next = authorization(issuer);
    const code = sentBack(await browser.visit(next.url, atService)).get('code') ?? '';
    const me = async () =>
      (await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${tokens.body['access_token']}` } })).status;
    expect(await me()).to.equal(200);
    const changed = await changePassword(running.house.world, {
      userId: id,
      current: PASSWORD,
      password: NEW,
      minLength: 8,
      context: [],
      address: '192.0.2.45',
    });
    expect(changed).to.deep.equal({ ok: true });
    expect(await me(), 'the access token').to.equal(401);
    const late = await tokenRequest(issuer, {
      grant_type: 'authorization_code',
      client_id: 'payroll',
      redirect_uri: SERVICE.redirect_uris[0] ?? '',
      code,
      code_verifier: next.verifier,
    });
    expect(late.body['error'], 'the code').to.equal('invalid_grant');
    const renewed = await tokenRequest(issuer, {
      grant_type: 'refresh_token',
      client_id: 'payroll',
      refresh_token: String(tokens.body['refresh_token']),
    });
    expect(renewed.body['error'], 'the refresh token').to.equal('invalid_grant');
    expect(
      sentBack(await browser.visit(authorization(issuer, { prompt: 'none' }).url, atService)).get('error'),
    ).to.equal('login_required');
  });
});
