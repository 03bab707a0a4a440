// Where our answers go, and what stands in them: sixty wrong addresses (A45), a false Host (A57), scripts in what a service sends (A59), and sign-outs that another site asks for (A39).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request as rawRequest } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';

const REGISTERED = 'https://app.example.org/callback';

/** Spellings that other providers took for {@link REGISTERED}, and what a careless comparison takes. */
const WRONG = [
  'https://app.example.org/callback/',
  'https://app.example.org/callback//',
  'https://app.example.org//callback',
  'https://app.example.org/Callback',
  'https://app.example.org/CALLBACK',
  'https://APP.example.org/callback',
  'HTTPS://app.example.org/callback',
  'http://app.example.org/callback',
  'https:app.example.org/callback',
  'https:/app.example.org/callback',
  'https:///app.example.org/callback',
  'https:\\\\app.example.org\\callback',
  '//app.example.org/callback',
  '/callback',
  'callback',
  'https://app.example.org',
  'https://app.example.org/',
  'https://app.example.org:443/callback',
  'https://app.example.org:444/callback',
  'https://app.example.org:/callback',
  'https://app.example.org./callback',
  'https://appxexample.org/callback',
  'https://app.example.org.evil.example/callback',
  'https://evil.example/app.example.org/callback',
  'https://evil.app.example.org/callback',
  'https://example.org/callback',
  'https://app.example.org@evil.example/callback',
  'https://app.example.org:80@evil.example/callback',
  'https://user@app.example.org/callback',
  'https://user:word@app.example.org/callback',
  'https://evil.example#@app.example.org/callback',
  'https://evil.example?@app.example.org/callback',
  'https://evil.example\\@app.example.org/callback',
  'https://evil.example%40app.example.org/callback',
  'https://evil.example%2f@app.example.org/callback',
  'https://app.example.org/callback?x=1',
  'https://app.example.org/callback?',
  'https://app.example.org/callback#f',
  'https://app.example.org/callback#',
  'https://app.example.org/callback;x',
  'https://app.example.org/callback%00',
  'https://app.example.org/callback%20',
  'https://app.example.org/callback%0d%0aLocation:https://evil.example',
  'https://app.example.org/callback\r\nLocation: https://evil.example',
  ' https://app.example.org/callback',
  'https://app.example.org/callback ',
  'https://app.example.org/callback\t',
  'https://app.example.org/callback\0',
  'https://app.example.org/%63allback',
  'https://app.example.org/%2563allback',
  'https://app.example.org/./callback',
  'https://app.example.org/x/../callback',
  'https://app.example.org/callback/../callback',
  'https://app.example.org/callback/../../evil',
  'https://app.example.org/callback/%2e%2e/evil',
  'https://app.example.org/callback/%252e%252e/evil',
  'https://app.example.org/callback/..%2fevil',
  'https://app.example.org/callback/..;/evil',
  'https://app.example.org/callback/*',
  'https://app.example.org/*',
  'https://*.example.org/callback',
  'https://арр.example.org/callback',
  'https://app。example。org/callback',
  'https://xn--80ak6aa.example.org/callback',
  'http://localhost/callback',
  'http://127.0.0.1/callback',
  'http://[::1]/callback',
  'javascript:alert(1)//https://app.example.org/callback',
  'data:text/html,https://app.example.org/callback',
  'vbscript:x',
  'file:///callback',
  'about:blank',
  'https://evil.example/callback',
  'null',
  '',
];

describe('where answers go', () => {
  let running: RunningHouse;
  let issuer: string;
  let login: string;
  before(async () => {
    running = await startHouse({
      files: {
        'clients/app.yaml': {
          ...SERVICE,
          client_id: 'app',
          redirect_uris: [REGISTERED],
          post_logout_redirect_uris: [REGISTERED],
        },
        'clients/native.yaml': {
          ...SERVICE,
          client_id: 'native',
          application_type: 'native',
          redirect_uris: ['http://127.0.0.1/callback', 'org.example.app:/callback'],
        },
      },
    });
    ({ issuer } = running);
    ({ login } = await person(running.house));
  });
  after(() => running?.close());

  it('is the registered address, letter by letter: sixty others get a page of ours (A45)', async () => {
    expect(WRONG.length).to.be.above(60);
    const { browser } = await signedIn(issuer, login);
    const good = await browser.request(authorization(issuer, { client_id: 'app', redirect_uri: REGISTERED }).url);
    expect(good.location).to.match(/^https:\/\/app\.example\.org\/callback\?code=/);
    for (const redirect_uri of WRONG) {
      for (const more of [{}, { prompt: 'none' }, { response_mode: 'form_post' }]) {
        const answer = await browser.request(authorization(issuer, { client_id: 'app', redirect_uri, ...more }).url);
        expect([answer.status, answer.location], JSON.stringify(redirect_uri)).to.deep.equal([400, undefined]);
        expect(answer.text, redirect_uri).not.to.match(/<form[^>]*(evil|callback)|http-equiv="refresh"/);
      }
    }
    // Twice is no address either.
    const twice = `${authorization(issuer, { client_id: 'app', redirect_uri: REGISTERED }).url}&redirect_uri=https://evil.example`;
    expect((await browser.request(twice)).location).to.equal(undefined);
  });

  it('is the registered address of an app too: any port on loopback, and nothing else (A45)', async () => {
    const { browser } = await signedIn(issuer, login);
    const ask = (redirect_uri: string) =>
      browser.request(authorization(issuer, { client_id: 'native', redirect_uri }).url);
    // RFC 8252 section 7.3.
    expect((await ask('http://127.0.0.1:49152/callback')).location).to.match(
      /^http:\/\/127\.0\.0\.1:49152\/callback\?/,
    );
    for (const redirect_uri of [
      'http://127.0.0.1:49152/evil',
      'http://127.0.0.1:80@evil.example/callback',
      'http://127.0.0.1.evil.example/callback',
      'http://127.0.0.2:49152/callback',
      'http://localhost:49152/callback',
      'https://127.0.0.1:49152/callback',
      'org.example.app:/evil',
      'org.example.app://evil.example/callback',
      'org.example.application:/callback',
    ]) {
      const answer = await ask(redirect_uri);
      expect([answer.status, answer.location], redirect_uri).to.deep.equal([400, undefined]);
    }
  });

  it('is no other address after a sign-out', async () => {
    const { browser } = await signedIn(issuer, login);
    for (const wrong of WRONG.filter((one) => one !== '')) {
      const query = new URLSearchParams({ client_id: 'app', post_logout_redirect_uri: wrong });
      const answer = await browser.request(`${issuer}/session/end?${query}`);
      expect([answer.status, answer.location], JSON.stringify(wrong)).to.deep.equal([400, undefined]);
    }
  });

  it('is not chosen by Host and its like: neither a mail nor a redirect leads there (A57)', async () => {
    const send = (path: string, headers: Record<string, string>, body = '') =>
      new Promise<{ text: string; location: string }>((resolve, reject) => {
        const { hostname, port } = new URL(issuer);
        const method = body === '' ? 'GET' : 'POST';
        const outgoing = rawRequest({ hostname, port, path, method, headers }, (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve({ text, location: response.headers.location ?? '' }));
        });
        outgoing.on('error', reject);
        outgoing.end(body);
      });
    const FALSE = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '666',
      'x-forwarded-prefix': '/evil',
      'x-original-url': '/evil',
      forwarded: 'for=1.2.3.4;host=evil.example;proto=https',
    };
    const { port } = new URL(issuer);
    for (const host of [
      'evil.example',
      'evil.example:x@good',
      `localhost:${port}@evil.example`,
      `evil.example#localhost:${port}`,
    ]) {
      for (const path of [
        '/.well-known/openid-configuration',
        '/account',
        new URL(authorization(issuer).url).pathname + new URL(authorization(issuer).url).search,
        '/recover',
        '/phone',
      ]) {
        const { text, location } = await send(path, { ...FALSE, host, accept: 'text/html' });
        expect(`${text} ${location}`, `${host} ${path}`).not.to.match(/evil|:666/);
      }
      const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
      const { login: asked } = await person(running.house);
      await send(
        '/recover',
        { ...FALSE, ...form, host, accept: 'text/html', 'x-forwarded-for': '192.0.2.1' },
        `login=${asked}`,
      );
    }
    const outbox = join(running.folder, 'data', 'outbox');
    const mails = () =>
      existsSync(outbox) ? readdirSync(outbox).map((name) => readFileSync(join(outbox, name), 'utf8')) : [];
    for (let wait = 0; mails().length < 3 && wait < 100; wait += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(mails().length).to.be.at.least(3);
    for (const mail of mails())
      expect(mail)
        .to.include(`${issuer}/recover/new#`)
        .and.not.match(/evil|:666/);
  });

  it('carry what a service sends as text, also in a page that posts it on (A59)', async () => {
    const script = '"><script>alert(1)</script><b x=\'';
    for (const parameters of [
      { state: script, prompt: 'none' },
      { state: script, nonce: script, prompt: 'none', response_mode: 'form_post' },
      { state: script, scope: script, response_mode: 'form_post' },
      { state: script, ui_locales: script, login_hint: script, acr_values: script },
    ]) {
      const answer = await new HttpBrowser().visit(authorization(issuer, parameters).url, atService);
      expect(answer.text, JSON.stringify(parameters)).not.to.include('<script>alert');
      expect(answer.headers.get('content-security-policy')).to.not.include("script-src 'unsafe-inline'");
      if (answer.location !== undefined) expect(sentBack(answer).get('state')).to.equal(script);
      else if ('response_mode' in parameters) expect(answer.text).to.include('&lt;script&gt;alert(1)');
    }
  });

  it('come to no other site: it signs nobody out, and its code of a device is taken from nobody (A39)', async () => {
    const { browser } = await signedIn(issuer, login);
    const question = await browser.visit(`${issuer}/session/end`);
    const { url, fields } = formOf(question, '/session/end/confirm');
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    for (const body of [{ logout: 'yes' }, { logout: 'yes', xsrf: 'x' }, { logout: 'yes', xsrf: '' }]) {
      const answer = await browser.request(url, { method: 'POST', headers: foreign, body: new URLSearchParams(body) });
      expect(answer.status, JSON.stringify(body)).to.equal(400);
    }
    const typed = await browser.request(`${issuer}/device`, {
      method: 'POST',
      headers: foreign,
      body: new URLSearchParams({ user_code: 'BCDF-GHJK', confirm: 'yes' }),
    });
    expect(typed.status).to.be.within(400, 403);
    // A look at the question signs nobody out, nor does a link with everything in it.
    await browser.visit(`${issuer}/session/end/confirm?logout=yes&xsrf=${fields['xsrf']}`);
    const still = await browser.visit(authorization(issuer, { prompt: 'none' }).url, atService);
    expect(sentBack(still).get('code')).to.be.a('string');
    const asked = formOf(await browser.visit(`${issuer}/session/end`), '/session/end/confirm');
    const left = await browser.post(asked.url, { ...asked.fields, logout: 'yes' });
    expect(left.status).to.equal(200);
    const gone = await browser.visit(authorization(issuer, { prompt: 'none' }).url, atService);
    expect(sentBack(gone).get('error')).to.equal('login_required');
  });

  it('let nobody plant a sign-in: the person who typed the password is the one who is signed in (A36)', async () => {
    const { login: attacker } = await person(running.house);
    const theirs = await signedIn(issuer, attacker);
    const { id, login: own } = await person(running.house);
    const victim = new HttpBrowser();
    for (const name of ['countersign_session', 'countersign_session.sig'])
      victim.setCookie(name, theirs.browser.cookie(name) ?? '');
    const request = authorization(issuer, { prompt: 'login' });
    // Another person than the session's: it ends first, by a form that the page posts by itself.
    const between = await logIn(victim, await victim.visit(request.url), own);
    const { url, fields } = formOf(between, '/session/end/confirm');
    const back = await victim.post(url, fields, atService);
    const { claims } = await redeem(issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect(claims.sub).to.equal(id);
    const silent = await theirs.browser.visit(authorization(issuer, { prompt: 'none' }).url, atService);
    expect(sentBack(silent).get('error'), 'what was planted').to.equal('login_required');
  });
});
