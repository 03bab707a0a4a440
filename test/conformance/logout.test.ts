// The RP-initiated logout plan of the OpenID Foundation's suite, module by module, over raw HTTP.
import { expect } from 'chai';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, type HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, redeem, sentBack, signedIn } from '../support/service.ts';

const BYE = 'http://localhost:9/bye';

describe('conformance: RP-initiated logout', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let issuer: string;
  let login: string;
  before(async () => {
    running = await startHouse({ files: { 'clients/payroll.yaml': { ...SERVICE, post_logout_redirect_uris: [BYE] } } });
    ({ issuer } = running);
    ({ login } = await person(running.house));
  });
  after(() => running?.close());

  const begin = async () => {
    const { browser, request, answer } = await signedIn(issuer, login);
    const { body } = await redeem(issuer, sentBack(answer).get('code') ?? '', request.verifier);
    return { browser, hint: String(body['id_token']) };
  };
  const ask = (browser: HttpBrowser, fields: Record<string, string>) =>
    browser.visit(`${issuer}/session/end?${new URLSearchParams(fields)}`);
  /** Says yes on the page, and gives where that leads. */
  const leave = async (browser: HttpBrowser, fields: Record<string, string>) => {
    const confirm = formOf(await ask(browser, fields), '/session/end/confirm');
    return browser.post(confirm.url, { ...confirm.fields, logout: 'yes' }, (next) => next.startsWith(BYE));
  };
  const signedOut = async (browser: HttpBrowser) =>
    sentBack(await browser.visit(authorization(issuer, { prompt: 'none' }).url, atService)).get('error') ===
    'login_required';

  it('goes back with the state, or without one, and the session is over', async () => {
    for (const state of [{ state: 'abc' }, {}]) {
      const { browser, hint } = await begin();
      expect(await signedOut(browser)).to.equal(false);
      const left = await leave(browser, { id_token_hint: hint, post_logout_redirect_uri: BYE, ...state });
      const to = new URL(left.location ?? '');
      expect([to.origin + to.pathname, to.searchParams.get('state')]).to.deep.equal([BYE, state.state ?? null]);
      expect(await signedOut(browser)).to.equal(true);
    }
  });

  it('without an address, with a state alone, and with nothing at all, it ends on a page of ours', async () => {
    const { hint } = await begin();
    for (const fields of [{ id_token_hint: hint }, { state: 'abc' }, {}]) {
      const { browser } = await begin();
      const left = await leave(browser, fields);
      expect([left.status, left.location], JSON.stringify(fields)).to.deep.equal([200, undefined]);
      expect(new URL(left.url).origin).to.equal(issuer);
      expect(await signedOut(browser)).to.equal(true);
    }
  });

  it('never goes to an address that is not registered, or not tied to a service', async () => {
    const { browser, hint } = await begin();
    const payload = hint.split('.');
    const forged = [payload[0], payload[1], `${(payload[2] ?? '').slice(0, -6)}AAAAAA`].join('.');
    for (const fields of [
      { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.example/bye' },
      { id_token_hint: hint, post_logout_redirect_uri: `${BYE}?added=1` },
      { id_token_hint: forged, post_logout_redirect_uri: BYE },
      { id_token_hint: 'not a token', post_logout_redirect_uri: BYE },
    ]) {
      const answer = await ask(browser, fields);
      expect([answer.status, answer.location], JSON.stringify(fields)).to.deep.equal([400, undefined]);
      expect(answer.text).to.include('invalid_request');
    }
    const untied = await ask(browser, { post_logout_redirect_uri: BYE });
    expect(untied.location).to.equal(undefined);
    if (untied.status === 200) {
      const confirm = formOf(untied, '/session/end/confirm');
      const left = await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' }, (next) =>
        next.startsWith(BYE),
      );
      expect(left.location).to.equal(undefined);
    } else expect(untied.status).to.equal(400);
  });
});
