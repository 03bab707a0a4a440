// Consent: asked for what is new and for nothing else, remembered until it is taken back, and nothing is told before it, over HTTP.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import pg from 'pg';
import { changeAttributes, changeGroups } from '../../src/usecases/change-groups.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, tokenRequest } from '../support/service.ts';

const API = 'https://api.example.org/payslips';
const FLOOR = { from: 'attributes.floor', description: 'The floor you sit on' };
const DEPARTMENT = { from: 'attributes.department', description: 'The department you work in' };
const SALARY = { from: 'attributes.salary', description: 'What you earn' };
const PAYSLIPS = { identifier: API, name: 'Payslips', token_format: 'jwt', scopes: { read: { description: 'Read' } } };

type Claims = { readonly [claim: string]: object };

describe('consent', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  before(async () => {
    running = await startHouse();
  });
  after(() => running?.close());

  /** A client file for each test, so that none meets another's consent. */
  const service = (client_id: string, claims: Claims = {}, more: object = {}) => ({
    [`clients/${client_id}.yaml`]: {
      ...SERVICE,
      client_id,
      client_name: client_id,
      first_party: false,
      claims,
      ...more,
    },
  });
  const resource = (claims: Claims) => ({ 'resources/payslips.yaml': { ...PAYSLIPS, claims } });

  /** Somebody of whom all is kept, signed in to a service up to its first answer. */
  async function signIn(parameters: { [name: string]: string }) {
    const { id, login } = await person(running.house);
    const { world } = running.house;
    const found = await world.records.users.byId(id);
    if (!found) throw new Error('nobody');
    await changeGroups(world, found, { set: ['staff'] });
    const set = { floor: '3', department: 'Engineering', salary: 'much' };
    await changeAttributes(world, found, { set, remove: [] });
    const browser = new HttpBrowser();
    const { url, verifier } = authorization(running.issuer, parameters);
    const answer = await logIn(browser, await browser.visit(url, atService), login);
    return { browser, answer, verifier, id, login };
  }
  /** The same person in another browser. */
  async function elsewhere(login: string, parameters: { [name: string]: string }) {
    const browser = new HttpBrowser();
    const { url, verifier } = authorization(running.issuer, parameters);
    return { browser, answer: await logIn(browser, await browser.visit(url, atService), login), verifier };
  }
  const ask = async (browser: HttpBrowser, parameters: { [name: string]: string }) => {
    const { url, verifier } = authorization(running.issuer, parameters);
    return { answer: await browser.visit(url, atService), verifier };
  };
  const answerWith = (browser: HttpBrowser, page: Answer, answer: 'allow' | 'refuse') => {
    const { url, fields } = formOf(page, '/consent');
    return browser.post(url, { ...fields, answer }, atService);
  };
  /** What the page asks for, line by line. */
  const asked = (page: Answer): string[] =>
    (page.text.split('<ul class="bullets">')[1]?.split(/<form|<ul class="links">/)[0] ?? '')
      .split(/<li[^>]*>/)
      .slice(1)
      .map((line) => line.replace(/<[^>]+>/g, '').trim());
  const tokens = async (back: Answer, verifier: string, parameters: { [name: string]: string }) => {
    const { client_id = '', resource } = parameters;
    const code = sentBack(back).get('code') ?? '';
    const { body } = await redeem(running.issuer, code, verifier, { client_id, resource });
    return { access: String(body['access_token']), refresh: String(body['refresh_token']) };
  };
  const me = async (token: string) => {
    const answer = await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()) as { [claim: string]: unknown };
  };

  it('is asked again for a claim that is new in the client’s file, and names that alone', async () => {
    const parameters = { client_id: 'wiki', scope: 'openid profile' };
    await running.reload(service('wiki', { floor: FLOOR }));
    const { browser, answer, verifier } = await signIn(parameters);
    expect(asked(answer)).to.deep.equal([
      'Know that it is you, whenever you sign in',
      'Your name and your language',
      'The floor you sit on',
    ]);
    const first = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    expect(await me(first.access)).to.include({ floor: '3' });

    expect(sentBack((await ask(browser, parameters)).answer).get('code'), 'nothing is new').to.be.a('string');
    await running.reload(service('wiki', { floor: FLOOR, department: DEPARTMENT }));
    const silent = await ask(browser, { ...parameters, prompt: 'none' });
    expect(sentBack(silent.answer).get('error')).to.equal('consent_required');
    const again = await ask(browser, parameters);
    expect(asked(again.answer)).to.deep.equal(['The department you work in']);

    const second = await tokens(await answerWith(browser, again.answer, 'allow'), again.verifier, parameters);
    expect(await me(second.access)).to.include({ floor: '3', department: 'Engineering' });
    expect(sentBack((await ask(browser, { ...parameters, prompt: 'none' })).answer).get('code')).to.be.a('string');
  });

  it('is asked for claims that come with what is asked for, and for no others', async () => {
    await running.reload(service('narrow', { floor: FLOOR }));
    const { browser, answer } = await signIn({ client_id: 'narrow', scope: 'openid profile' });
    sentBack(await answerWith(browser, answer, 'allow'));
    await running.reload(service('narrow', { floor: FLOOR, roles: { from: 'groups' } }));
    const without = await ask(browser, { client_id: 'narrow', scope: 'openid profile', prompt: 'none' });
    expect(sentBack(without.answer).get('code'), 'roles come with groups').to.be.a('string');
    const byName = { client_id: 'narrow', scope: 'openid', claims: JSON.stringify({ userinfo: { roles: null } }) };
    const named = await ask(browser, byName);
    expect(asked(named.answer)).to.deep.equal(['The groups you belong to']);
    const got = await tokens(await answerWith(browser, named.answer, 'allow'), named.verifier, byName);
    expect(await me(got.access)).to.deep.include({ roles: ['staff'] });
    const scope = await ask(browser, { client_id: 'narrow', scope: 'openid groups' });
    expect(asked(scope.answer), 'the scope is new, the claim is not').to.deep.equal(['The groups you belong to']);
  });

  it('is asked again for a name that is made of something else now', async () => {
    const parameters = { client_id: 'swap', scope: 'openid profile' };
    await running.reload(service('swap', { about: FLOOR }));
    const { browser, answer, verifier } = await signIn(parameters);
    const { access } = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    await running.reload(service('swap', { about: SALARY }));
    expect(await me(access)).to.not.have.property('about');
    expect(asked((await ask(browser, parameters)).answer)).to.deep.equal(['What you earn']);
    await running.reload(service('swap', { about: { ...FLOOR, description: 'Your floor' } }));
    expect(sentBack((await ask(browser, parameters)).answer).get('code'), 'other words alone').to.be.a('string');
  });

  it('is asked again for a claim that is new in a resource’s file, and no token has it before', async () => {
    const parameters = { client_id: 'app', scope: 'openid offline_access read', resource: API, prompt: 'consent' };
    await running.reload({ ...service('app'), ...resource({ floor: FLOOR }) });
    const { browser, answer, verifier } = await signIn(parameters);
    const first = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    expect(decodeJwt(first.access)).to.include({ floor: '3' }).and.not.have.property('department');

    await running.reload(resource({ floor: FLOOR, department: DEPARTMENT }));
    const renew = async (refresh_token: string) => {
      const fields = { grant_type: 'refresh_token', client_id: 'app', resource: API, refresh_token };
      const { body } = await tokenRequest(running.issuer, fields);
      return { claims: decodeJwt(String(body['access_token'])), refresh: String(body['refresh_token']) };
    };
    const renewed = await renew(first.refresh);
    expect(renewed.claims).to.include({ floor: '3' }).and.not.have.property('department');

    const online = { client_id: 'app', scope: 'openid read', resource: API };
    const silent = await ask(browser, { ...online, prompt: 'none' });
    expect(sentBack(silent.answer).get('error')).to.equal('consent_required');
    const again = await ask(browser, online);
    expect(asked(again.answer)).to.deep.equal(['At Payslips:', 'The department you work in']);
    const second = await tokens(await answerWith(browser, again.answer, 'allow'), again.verifier, online);
    expect(decodeJwt(second.access)).to.include({ floor: '3', department: 'Engineering' });
    // One grant for the service: what was agreed to here holds for what was given before.
    expect((await renew(renewed.refresh)).claims).to.include({ department: 'Engineering' });
  });

  it('tells nothing new where the answer is no, and asks the next time', async () => {
    const parameters = { client_id: 'no', scope: 'openid profile' };
    await running.reload(service('no', { floor: FLOOR }));
    const { browser, answer, verifier } = await signIn(parameters);
    const { access } = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    await running.reload(service('no', { floor: FLOOR, department: DEPARTMENT }));
    const again = await ask(browser, parameters);
    expect(sentBack(await answerWith(browser, again.answer, 'refuse')).get('error')).to.equal('access_denied');
    expect(await me(access))
      .to.include({ floor: '3' })
      .and.not.have.property('department');
    expect(asked((await ask(browser, parameters)).answer)).to.deep.equal(['The department you work in']);
  });

  it('never asks for a first-party service, which has each claim at once', async () => {
    const parameters = { client_id: 'ours', scope: 'openid profile read', resource: API };
    const own = (claims: Claims) => service('ours', claims, { first_party: true });
    await running.reload({ ...own({}), ...resource({}) });
    const { browser } = await signIn(parameters);
    await running.reload({ ...own({ floor: FLOOR }), ...resource({ floor: FLOOR }) });
    const { answer, verifier } = await ask(browser, { ...parameters, prompt: 'none' });
    expect(decodeJwt((await tokens(answer, verifier, parameters)).access)).to.include({ floor: '3' });
    const plain = { client_id: 'ours', scope: 'openid profile', prompt: 'none' };
    const { answer: back, verifier: key } = await ask(browser, plain);
    expect(await me((await tokens(back, key, plain)).access)).to.include({ floor: '3' });
  });

  it('holds nothing back from a service that has become first-party', async () => {
    const parameters = { client_id: 'now', scope: 'openid profile' };
    await running.reload(service('now', {}));
    const { browser, answer, verifier } = await signIn(parameters);
    const { access } = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    await running.reload(service('now', { floor: FLOOR }));
    expect(await me(access)).to.not.have.property('floor');
    await running.reload(service('now', { floor: FLOOR }, { first_party: true }));
    expect(await me(access)).to.include({ floor: '3' });
  });

  it('takes nothing from what a service was given while it was first-party, and asks from then on', async () => {
    const parameters = { client_id: 'once', scope: 'openid profile' };
    const own = (first_party: boolean) => service('once', { floor: FLOOR }, { first_party });
    await running.reload(own(true));
    const { browser, answer, verifier, id } = await signIn({ ...parameters, prompt: 'consent' });
    const { access } = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    expect(await running.house.world.records.consents.all(id), 'the operator vouches for it').to.deep.equal([]);
    await running.reload(own(false));
    expect(await me(access)).to.include({ floor: '3' });
    expect(asked((await ask(browser, parameters)).answer)).to.deep.equal(['The floor you sit on']);
  });

  it('takes nothing from a grant of an earlier release, and asks once', async () => {
    const parameters = { client_id: 'old', scope: 'openid profile' };
    await running.reload(service('old', { floor: FLOOR }));
    const { browser, answer, verifier } = await signIn(parameters);
    const { access } = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    const database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    const { rowCount } = await database.query(
      `update oidc_artefacts set payload = payload - 'ownClaims' where model = 'Grant' and payload->>'clientId' = 'old' and payload ? 'ownClaims'`,
    );
    await database.query(`delete from consents where client_id = 'old'`);
    await database.end();
    expect(rowCount).to.equal(1);
    expect(await me(access)).to.include({ floor: '3' });
    const again = await ask(browser, parameters);
    expect(asked(again.answer)).to.deep.equal(['The floor you sit on']);
    sentBack(await answerWith(browser, again.answer, 'allow'));
    expect(sentBack((await ask(browser, { ...parameters, prompt: 'none' })).answer).get('code')).to.be.a('string');
  });

  it('is remembered in every browser and after a sign-out, and asked only for what is new there', async () => {
    const parameters = { client_id: 'kept', scope: 'openid profile read', resource: API };
    await running.reload({ ...service('kept', { floor: FLOOR }), ...resource({ floor: FLOOR }) });
    const { browser, answer, login } = await signIn(parameters);
    sentBack(await answerWith(browser, answer, 'allow'));
    const out = await browser.visit(`${running.issuer}/session/end`);
    const { url, fields } = formOf(out, '/session/end/confirm');
    await browser.post(url, { ...fields, logout: 'yes' });
    expect((await ask(browser, parameters)).answer.text).to.include('name="password"');

    const other = await elsewhere(login, parameters);
    const { access } = await tokens(other.answer, other.verifier, parameters);
    expect(decodeJwt(access)).to.include({ floor: '3' });
    const wider = await ask(other.browser, { ...parameters, scope: 'openid profile read email' });
    expect(asked(wider.answer)).to.deep.equal(['Your email address']);
    sentBack(await answerWith(other.browser, wider.answer, 'allow'));
    const third = await elsewhere(login, { client_id: 'kept', scope: 'openid profile email' });
    expect(sentBack(third.answer).get('code')).to.be.a('string');

    const stranger = await signIn(parameters);
    expect(asked(stranger.answer), 'another person').to.include('Your name and your language');
  });

  it('is shared by open sign-ins: what was allowed in one is not asked in the other', async () => {
    await running.reload(service('both'));
    const { browser, answer, login } = await signIn({ client_id: 'both', scope: 'openid' });
    sentBack(await answerWith(browser, answer, 'allow'));
    const wide = { client_id: 'both', scope: 'openid email' };
    const other = await elsewhere(login, wide);
    expect(asked(other.answer)).to.deep.equal(['Your email address']);
    sentBack(await answerWith(other.browser, other.answer, 'allow'));
    expect(sentBack((await ask(browser, { ...wide, prompt: 'none' })).answer).get('code')).to.be.a('string');
  });

  it('is not remembered where the answer was no', async () => {
    const parameters = { client_id: 'never', scope: 'openid' };
    await running.reload(service('never'));
    const { browser, answer, login } = await signIn(parameters);
    await answerWith(browser, answer, 'refuse');
    expect(asked((await elsewhere(login, parameters)).answer)).to.have.length(1);
  });

  it('is taken back at the account page: what the service has ends, and it asks anew', async () => {
    const parameters = { client_id: 'photos', scope: 'openid offline_access', prompt: 'consent' };
    await running.reload(service('photos', {}, { client_name: 'Photo prints' }));
    const { browser, answer, verifier, id, login } = await signIn(parameters);
    const { access, refresh } = await tokens(await answerWith(browser, answer, 'allow'), verifier, parameters);
    const neighbour = await signIn({ client_id: 'photos', scope: 'openid' });
    await answerWith(neighbour.browser, neighbour.answer, 'allow');

    const page = await browser.visit(`${running.issuer}/account`);
    expect(page.text).to.include('Services that you have allowed').and.include('Photo prints');
    const { url, fields } = formOf(page, '/account/services/remove');
    const forged = await browser.post(url, { client_id: 'photos', csrf: 'x'.repeat(43) });
    expect(forged.status).to.equal(403);
    const done = await browser.post(url, { ...fields, client_id: 'photos' });
    expect(done.text).to.include('Removed. The service asks you again').and.not.include('Photo prints');

    expect(await me(access)).to.include({ error: 'invalid_token' });
    const renewed = await tokenRequest(running.issuer, {
      grant_type: 'refresh_token',
      client_id: 'photos',
      refresh_token: refresh,
    });
    expect(renewed.body['error']).to.equal('invalid_grant');
    const silent = await ask(browser, { client_id: 'photos', scope: 'openid', prompt: 'none' });
    expect(sentBack(silent.answer).get('error')).to.equal('consent_required');
    expect(asked((await elsewhere(login, { client_id: 'photos', scope: 'openid' })).answer)).to.have.length(1);
    expect(
      sentBack((await ask(neighbour.browser, { client_id: 'photos', scope: 'openid' })).answer).get('code'),
    ).to.be.a('string');
    const { records } = running.house.world;
    expect(await records.consents.all(id)).to.deep.equal([]);
    expect(await records.consents.all(neighbour.id)).to.have.length(1);
  });

  it('keeps its record to itself: no claim, no scope and no answer shows it', async () => {
    await running.reload(service('spy', { floor: FLOOR }));
    const claims = JSON.stringify({ userinfo: { ownClaims: null }, id_token: { ownClaims: null, client: null } });
    const parameters = { client_id: 'spy', scope: 'openid profile ownClaims', claims };
    const { browser, answer, verifier } = await signIn(parameters);
    const back = await answerWith(browser, answer, 'allow');
    const { body, claims: idToken } = await redeem(running.issuer, sentBack(back).get('code') ?? '', verifier, {
      client_id: 'spy',
    });
    const told = await fetch(`${running.issuer}/token/introspection`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'spy', token: String(body['access_token']) }),
    });
    const all = JSON.stringify([body, idToken, await me(String(body['access_token'])), await told.json()]);
    expect(all).to.not.match(/ownClaims|attributes/);
  });
});
