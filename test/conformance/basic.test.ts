// The basic and form-post plans of the OpenID Foundation's suite, module by module, over raw HTTP.
import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, jwtVerify, UnsecuredJWT } from 'jose';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import {
  atService,
  authorization,
  CALLBACK,
  logIn,
  type Parameters,
  redeem,
  sentBack,
  signedIn,
  tokenRequest,
} from '../support/service.ts';

const SECRET = 'a secret of the posting service 31';

describe('conformance: basic and form-post', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let issuer: string;
  let login: string;
  let other: string;
  before(async () => {
    const posting = {
      ...SERVICE,
      client_id: 'posting',
      client_name: 'Posting',
      token_endpoint_auth_method: 'client_secret_post',
      client_secret: SECRET,
    };
    running = await startHouse({
      files: {
        // A used refresh token is refused at once here; refresh-grace.test.ts shows the grace.
        'lifetimes.yaml': { refresh_grace: '0s' },
        'clients/posting.yaml': posting,
        'clients/guest.yaml': { ...SERVICE, client_id: 'guest', client_name: 'Guest', first_party: false },
      },
    });
    ({ issuer } = running);
    ({ login } = await person(running.house));
    other = (await person(running.house)).login;
  });
  after(() => running?.close());

  const codeOf = async (browser: HttpBrowser, parameters: Parameters = {}) => {
    const request = authorization(issuer, parameters);
    const back = sentBack(await browser.visit(request.url, atService));
    return { request, code: back.get('code') ?? '', error: back.get('error') };
  };
  /** Signs somebody in, and gives browser and tokens of the first request. */
  const tokensOf = async (name: string, parameters: Parameters = {}) => {
    const { browser, request, answer } = await signedIn(issuer, name, parameters);
    const tokens = await redeem(issuer, sentBack(answer).get('code') ?? '', request.verifier);
    return { browser, tokens };
  };

  it('signs ID tokens that verify, with nonce, aud, iat and exp', async () => {
    const { tokens } = await tokensOf(login);
    const idToken = String(tokens.body['id_token']);
    const { payload } = await jwtVerify(idToken, createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
      issuer,
      audience: 'payroll',
    });
    expect(payload['nonce']).to.equal('n');
    expect(payload.exp).to.be.above(payload.iat ?? Number.POSITIVE_INFINITY);
    expect(tokens.body['token_type']).to.equal('Bearer');
  });

  it('answers userinfo by GET, by POST with a header and with the token in the body, for the same person', async () => {
    const { tokens } = await tokensOf(login, { scope: 'openid profile email' });
    const token = String(tokens.body['access_token']);
    const headers = { authorization: `Bearer ${token}` };
    const answers = await Promise.all([
      fetch(`${issuer}/me`, { headers }),
      fetch(`${issuer}/me`, { method: 'POST', headers }),
      fetch(`${issuer}/me`, { method: 'POST', body: new URLSearchParams({ access_token: token }) }),
    ]);
    for (const answer of answers) {
      expect(answer.status).to.equal(200);
      const claims = (await answer.json()) as object;
      expect(claims).to.include({ sub: tokens.claims.sub, preferred_username: login, email: `${login}@example.org` });
    }
    const address = await fetch(`${issuer}/me?access_token=${token}`);
    expect(address.status, 'a token in an address (RFC 9700 section 4.3.2)').to.be.within(400, 401);
  });

  it('gives the claims that the claims parameter asks for, in the place that it names', async () => {
    const claims = JSON.stringify({ userinfo: { name: { essential: true } }, id_token: { email: null } });
    const { tokens } = await tokensOf(login, { claims });
    expect(tokens.claims['email']).to.equal(`${login}@example.org`);
    expect(tokens.claims).not.to.have.property('name');
    const headers = { authorization: `Bearer ${tokens.body['access_token']}` };
    const info = (await (await fetch(`${issuer}/me`, { headers })).json()) as { name?: string; email?: string };
    expect(info.name).to.be.a('string');
    expect(info).not.to.have.property('email');
  });

  it('takes client_secret_post, and refuses a wrong secret and a missing one', async () => {
    const { browser } = await tokensOf(login);
    const first = await codeOf(browser, { client_id: 'posting' });
    const fields = {
      grant_type: 'authorization_code',
      client_id: 'posting',
      redirect_uri: CALLBACK,
      code: first.code,
      code_verifier: first.request.verifier,
    };
    for (const wrong of [{}, { client_secret: 'not the secret at all' }]) {
      const answer = await tokenRequest(issuer, { ...fields, ...wrong });
      expect([answer.status, answer.body['error']]).to.deep.equal([401, 'invalid_client']);
    }
    const right = await tokenRequest(issuer, { ...fields, client_secret: SECRET });
    expect(right.status, JSON.stringify(right.body)).to.equal(200);
  });

  it('prompt=none answers silently with the session’s person, the same sub and auth_time', async () => {
    const { browser, tokens } = await tokensOf(login);
    const silent = await codeOf(browser, { prompt: 'none' });
    const again = await redeem(issuer, silent.code, silent.request.verifier);
    expect(again.claims.sub).to.equal(tokens.claims.sub);
    expect(again.claims['auth_time']).to.equal(tokens.claims['auth_time']);
  });

  it('prompt=login asks again on a living session', async () => {
    const { browser } = await tokensOf(login);
    const page = await browser.visit(authorization(issuer, { prompt: 'login' }).url, atService);
    expect(formOf(page, '/login').url).to.include(issuer);
    expect(sentBack(await logIn(browser, page, login)).get('code')).to.be.a('string');
  });

  it('prompt=consent shows the consent page though everything was allowed', async () => {
    const { browser, answer } = await signedIn(issuer, login, { client_id: 'guest' });
    expect((await codeOf(browser, { client_id: 'guest', prompt: 'none' })).error).to.equal('consent_required');
    const form = formOf(answer, '/consent');
    expect(sentBack(await browser.post(form.url, { ...form.fields, answer: 'allow' }, atService)).get('code')).to.be.a(
      'string',
    );
    const silent = await codeOf(browser, { client_id: 'guest' });
    expect(silent.code).not.to.equal('');
    const asked = await browser.visit(authorization(issuer, { client_id: 'guest', prompt: 'consent' }).url, atService);
    expect(formOf(asked, '/consent').url).to.include(issuer);
    expect(asked.text, 'what it was allowed before').to.include('Know that it is you, whenever you sign in');
  });

  it('max_age asks again when it has passed, and not before; auth_time says when', async () => {
    const { browser, tokens } = await tokensOf(login, { max_age: '10000' });
    expect((await codeOf(browser, { max_age: '10000', prompt: 'none' })).code).not.to.equal('');
    // Times are whole seconds: two of them are surely more than one.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect((await codeOf(browser, { max_age: '1', prompt: 'none' })).error).to.equal('login_required');
    const request = authorization(issuer, { max_age: '1' });
    const page = await browser.visit(request.url, atService);
    const code = sentBack(await logIn(browser, page, login)).get('code') ?? '';
    const { claims } = await redeem(issuer, code, request.verifier);
    expect(claims['auth_time']).to.be.above(Number(tokens.claims['auth_time']));
  });

  it('id_token_hint goes on silently for its own person, and never answers for another one', async () => {
    const { browser, tokens } = await tokensOf(login);
    const hint = String(tokens.body['id_token']);
    expect((await codeOf(browser, { id_token_hint: hint, prompt: 'none' })).code).not.to.equal('');
    const stranger = await tokensOf(other);
    const answer = await codeOf(stranger.browser, { id_token_hint: hint, prompt: 'none' });
    expect([answer.code, answer.error]).to.deep.equal(['', 'login_required']);
    const forged = `${hint.slice(0, -6)}AAAAAA`;
    expect((await codeOf(browser, { id_token_hint: forged, prompt: 'none' })).error).to.equal('invalid_request');
  });

  it('login_hint stands in the login page, and ui_locales sets its language', async () => {
    const asked = authorization(issuer, { login_hint: 'maria.muster', ui_locales: 'xx de' });
    const page = await new HttpBrowser().visit(asked.url, atService);
    expect(page.text).to.include('lang="de"').and.include('maria.muster');
    const unknown = authorization(issuer, { ui_locales: 'xx', display: 'page', claims_locales: 'se' });
    expect((await new HttpBrowser().visit(unknown.url, atService)).text).to.include('lang="en"');
  });

  it('ignores parameters that nobody knows, and gives state back untouched', async () => {
    const { browser } = await tokensOf(login);
    const state = 'ä &=?#%00"<x>';
    const answer = await browser.visit(authorization(issuer, { state, extra: 'foobar' }).url, atService);
    expect(sentBack(answer).get('state')).to.equal(state);
    expect(sentBack(answer).get('iss')).to.equal(issuer);
  });

  it('refuses a missing response_type, and one that is not offered, at the service with its state', async () => {
    const missing = await new HttpBrowser().visit(authorization(issuer, { response_type: undefined }).url, atService);
    expect(sentBack(missing).get('error')).to.equal('invalid_request');
    const implicit = await new HttpBrowser().request(authorization(issuer, { response_type: 'id_token' }).url);
    expect(implicit.location).to.match(/error=unsupported_response_type/);
    expect(implicit.location).to.match(/state=s/);
  });

  it('needs no nonce, nor any order of the scopes', async () => {
    const { browser } = await tokensOf(login);
    const { code, request } = await codeOf(browser, { nonce: undefined, scope: 'email openid profile' });
    expect((await redeem(issuer, code, request.verifier)).claims).not.to.have.property('nonce');
  });

  it('refuses request objects that nobody signed, and request_uri that was not pushed', async () => {
    const unsigned = new UnsecuredJWT({ client_id: 'payroll', redirect_uri: CALLBACK }).encode();
    const byValue = await new HttpBrowser().visit(authorization(issuer, { request: unsigned }).url, atService);
    expect(sentBack(byValue).get('error')).to.equal('invalid_request_object');
    const request_uri = 'https://evil.example/request.jwt';
    const byReference = await new HttpBrowser().visit(authorization(issuer, { request_uri }).url, atService);
    expect(sentBack(byReference).get('error')).to.be.oneOf(['request_uri_not_supported', 'invalid_request_uri']);
  });

  it('redeems a code for its own client and address only', async () => {
    const { browser } = await tokensOf(login);
    for (const wrong of [
      { client_id: 'guest' },
      { redirect_uri: 'http://localhost:9/other' },
      { redirect_uri: undefined },
    ]) {
      const { code, request } = await codeOf(browser);
      const fields: Parameters = {
        grant_type: 'authorization_code',
        client_id: 'payroll',
        redirect_uri: CALLBACK,
        code,
        code_verifier: request.verifier,
        ...wrong,
      };
      const answer = await tokenRequest(issuer, fields);
      expect(answer.status, JSON.stringify(wrong)).to.equal(400);
      expect(answer.body['error'], JSON.stringify(wrong)).to.be.oneOf(['invalid_grant', 'invalid_request']);
    }
  });

  it('renews with the same sub and auth_time, and ends the family when a spent refresh token comes again', async () => {
    const { browser, request, answer } = await signedIn(issuer, login, {
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    const form = formOf(answer, '/consent');
    const back = sentBack(await browser.post(form.url, { ...form.fields, answer: 'allow' }, atService));
    const first = await redeem(issuer, back.get('code') ?? '', request.verifier);
    const spend = (token: unknown) =>
      tokenRequest(issuer, { grant_type: 'refresh_token', client_id: 'payroll', refresh_token: String(token) });
    const second = await spend(first.body['refresh_token']);
    expect(second.status, JSON.stringify(second.body)).to.equal(200);
    const renewed = decodeJwt(String(second.body['id_token']));
    expect(renewed.sub).to.equal(first.claims.sub);
    expect(renewed['auth_time']).to.equal(first.claims['auth_time']);
    expect((await spend(first.body['refresh_token'])).body['error']).to.equal('invalid_grant');
    expect((await spend(second.body['refresh_token'])).body['error']).to.equal('invalid_grant');
  });

  it('form_post: a page that posts code and state by its own script, allowed by the CSP, and nothing in the address', async () => {
    const { browser } = await tokensOf(login);
    const request = authorization(issuer, { response_mode: 'form_post', state: '"><script>alert(1)</script>' });
    const page = await browser.visit(request.url, atService);
    expect([page.status, page.location]).to.deep.equal([200, undefined]);
    const form = formOf(page, '/callback');
    expect(form.url).to.equal(CALLBACK);
    expect(form.fields).to.have.keys('code', 'state', 'iss');
    expect(page.text).not.to.include('<script>alert');
    const [, nonce = '', script = ''] = /<script type="module" nonce="([^"]+)" src="([^"]+)">/.exec(page.text) ?? [];
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).to.include(`'nonce-${nonce}'`).and.not.include('unsafe-inline');
    expect(await (await fetch(`${issuer}${script}`)).text()).to.include('submit()');
    expect(page.text, 'for whoever runs no script').to.match(/<button[^>]*>Continue<\/button>/);
    expect(policy, 'the form leaves for the service').not.to.include('form-action');
    expect((await redeem(issuer, form.fields['code'] ?? '', request.verifier)).claims['nonce']).to.equal('n');
  });

  it('form_post: errors are posted too, and to a registered address only', async () => {
    const asked = { response_mode: 'form_post', prompt: 'none' };
    const page = await new HttpBrowser().visit(authorization(issuer, asked).url, atService);
    const form = formOf(page, '/callback');
    expect(form.fields['error']).to.equal('login_required');
    expect(form.fields['state']).to.equal('s');
    const evil = authorization(issuer, { ...asked, redirect_uri: 'https://evil.example/callback' });
    const refused = await new HttpBrowser().request(evil.url);
    expect([refused.status, refused.location]).to.deep.equal([400, undefined]);
    expect(refused.text).not.to.match(/<form[^>]*evil\.example/);
  });
});
