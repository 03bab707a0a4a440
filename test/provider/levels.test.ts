// Levels over HTTP: what is asked is reached or refused, and no door leads below a minimum (attack cases A01, A02, A13).
import { expect } from 'chai';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import {
  atService,
  authorization,
  logIn,
  type Parameters,
  redeem,
  sentBack,
  signedIn,
  tokenRequest,
} from '../support/service.ts';

const MFA = 'urn:countersign:acr:mfa';
const essential = (...values: string[]) => JSON.stringify({ id_token: { acr: { essential: true, values } } });

describe('levels in requests', () => {
  let running: RunningHouse;
  let login: string;
  let browser: HttpBrowser;
  before(async function () {
    this.timeout(120_000);
    const strict = { ...SERVICE, client_id: 'strict', client_name: 'Strict', minimum_level: 'mfa' };
    const defaults = {
      ...SERVICE,
      client_id: 'defaults',
      client_name: 'Defaults',
      default_acr_values: ['urn:countersign:acr:basic'],
      minimum_level: 'mfa',
    };
    running = await startHouse({ files: { 'clients/strict.yaml': strict, 'clients/defaults.yaml': defaults } });
    ({ login } = await person(running.house));
    ({ browser } = await signedIn(running.issuer, login));
  });
  after(() => running?.close());

  const visit = (parameters: Parameters) => browser.visit(authorization(running.issuer, parameters).url, atService);
  const errorOf = async (parameters: Parameters) => sentBack(await visit(parameters)).get('error');
  const asksForPhone = async (parameters: Parameters) => {
    const answer = await visit(parameters);
    expect(answer.location, answer.location).to.equal(undefined);
    expect(new URL(answer.url).pathname).to.match(/^\/interaction\/[^/]+\/(approve|enrol)/);
  };

  it('asks for the second factor whatever way the level is asked for', async () => {
    await asksForPhone({ acr_values: MFA });
    await asksForPhone({ acr_values: 'https://refeds.org/profile/mfa' });
    await asksForPhone({ acr_values: `urn:countersign:acr:basic ${MFA}` });
    await asksForPhone({ claims: essential(MFA) });
    await asksForPhone({ claims: JSON.stringify({ id_token: { acr: { essential: true, value: MFA } } }) });
    await asksForPhone({ claims: JSON.stringify({ id_token: { acr: { values: [MFA] } } }) });
    await asksForPhone({ claims: essential(MFA), acr_values: 'urn:countersign:acr:basic' });
  });

  it('answers prompt=none with unmet_authentication_requirements', async () => {
    for (const parameters of [
      { acr_values: MFA },
      { claims: essential(MFA) },
      { client_id: 'strict' },
      { client_id: 'strict', acr_values: 'urn:countersign:acr:basic' },
    ]) {
      expect(await errorOf({ ...parameters, prompt: 'none' }), JSON.stringify(parameters)).to.equal(
        'unmet_authentication_requirements',
      );
    }
  });

  it('refuses essential values that nobody knows, and what this configuration cannot reach', async () => {
    expect(await errorOf({ claims: essential('urn:nobody') })).to.equal('unmet_authentication_requirements');
    expect(await errorOf({ claims: essential('urn:nobody'), acr_values: 'urn:countersign:acr:basic' })).to.equal(
      'unmet_authentication_requirements',
    );
    // Nobody knows what is no text either: it is no reason to ask for less.
    for (const value of [2, { name: 'mfa', toString: 1, valueOf: 1 }, true]) {
      const claims = JSON.stringify({ id_token: { acr: { essential: true, value } } });
      expect(await errorOf({ claims }), claims).to.equal('unmet_authentication_requirements');
    }
    expect(await errorOf({ claims: essential('phr') })).to.equal('unmet_authentication_requirements');
    expect(await errorOf({ acr_values: 'phr' })).to.equal('unmet_authentication_requirements');
    expect(await errorOf({ claims: essential('phr'), prompt: 'none' })).to.equal('unmet_authentication_requirements');
  });

  it('ignores voluntary values that nobody knows', async () => {
    const request = authorization(running.issuer, { acr_values: 'urn:nobody' });
    const code = sentBack(await browser.visit(request.url, atService)).get('code') ?? '';
    expect((await redeem(running.issuer, code, request.verifier)).claims['acr']).to.equal('urn:countersign:acr:basic');
  });

  it('never goes below the client’s minimum by editing, dropping or doubling acr_values', async () => {
    for (const acr_values of [undefined, 'urn:countersign:acr:basic', 'urn:nobody', '']) {
      await asksForPhone({ client_id: 'strict', acr_values });
      await asksForPhone({ client_id: 'defaults', acr_values });
    }
    await asksForPhone({ client_id: 'strict', claims: essential('urn:countersign:acr:basic') });
    const doubled = `${authorization(running.issuer, { client_id: 'strict', acr_values: 'urn:countersign:acr:basic' }).url}&acr_values=${MFA}`;
    expect(sentBack(await browser.visit(doubled, atService)).get('error')).to.equal('invalid_request');
  });

  it('holds the minimum for pushed requests, and for what is added to their address', async () => {
    const request = new URL(
      authorization(running.issuer, { client_id: 'strict', acr_values: 'urn:countersign:acr:basic' }).url,
    );
    const response = await fetch(`${running.issuer}/request`, { method: 'POST', body: request.searchParams });
    const { request_uri } = (await response.json()) as { request_uri: string };
    expect(response.status).to.equal(201);
    const query = new URLSearchParams({
      client_id: 'strict',
      request_uri,
      acr_values: 'urn:countersign:acr:basic',
      prompt: 'none',
    });
    const answer = await browser.visit(`${running.issuer}/auth?${query}`, atService);
    expect(new URL(answer.url).pathname).to.match(/^\/interaction\/[^/]+\/(approve|enrol)/);
  });

  it('asks for the password again by max_age and prompt=login, and moves auth_time only then', async () => {
    const fresh = new HttpBrowser();
    const first = authorization(running.issuer);
    const one = sentBack(await logIn(fresh, await fresh.visit(first.url), login));
    const before = (await redeem(running.issuer, one.get('code') ?? '', first.verifier)).claims['auth_time'] as number;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    for (const parameters of [{ prompt: 'login' }, { max_age: '0' }, { max_age: '1' }]) {
      if ('max_age' in parameters && parameters.max_age === '1')
        await new Promise((resolve) => setTimeout(resolve, 2000));
      const request = authorization(running.issuer, parameters);
      const page = await fresh.visit(request.url, atService);
      expect(page.text, JSON.stringify(parameters)).to.include('current-password');
      const code = sentBack(await logIn(fresh, page, login)).get('code') ?? '';
      expect((await redeem(running.issuer, code, request.verifier)).claims['auth_time']).to.be.greaterThan(before);
    }
  });

  it('refuses to renew tokens below a minimum that was raised afterwards', async () => {
    const request = authorization(running.issuer, { scope: 'openid offline_access', prompt: 'consent' });
    const page = await browser.visit(request.url, atService);
    const answer = page.location === undefined ? await consent(browser, page) : page;
    expect(sentBack(answer).get('error_description')).to.equal(null);
    const tokens = await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    const refresh_token = String(tokens.body['refresh_token']);
    const renewed = await tokenRequest(running.issuer, {
      grant_type: 'refresh_token',
      client_id: 'payroll',
      refresh_token,
    });
    expect(renewed.status, JSON.stringify(renewed.body)).to.equal(200);
    await running.reload({ 'clients/payroll.yaml': { ...SERVICE, minimum_level: 'mfa' } });
    try {
      const refused = await tokenRequest(running.issuer, {
        grant_type: 'refresh_token',
        client_id: 'payroll',
        refresh_token: String(renewed.body['refresh_token']),
      });
      expect([refused.status, refused.body['error']]).to.deep.equal([400, 'invalid_grant']);
      // It is what a service reads in its log at three in the morning.
      expect(refused.body['error_description']).to.equal(
        'the sign-in did not reach the level mfa that is required here: ask for authorization again',
      );
    } finally {
      await running.reload({ 'clients/payroll.yaml': SERVICE });
    }
  });
});

async function consent(browser: HttpBrowser, page: Awaited<ReturnType<HttpBrowser['visit']>>) {
  const { formOf } = await import('../support/http-browser.ts');
  const { url, fields } = formOf(page, '/consent');
  return browser.post(url, { ...fields, answer: 'allow' }, atService);
}
