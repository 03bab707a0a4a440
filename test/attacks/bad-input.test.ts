// Bad input of every kind: a clear answer, the right status, nothing lost, no stack trace, never a 500.
import { request as rawRequest } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import pg from 'pg';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, sentBack, signedIn } from '../support/service.ts';

describe('bad input', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let issuer: string;
  let login: string;
  before(async () => {
    running = await startHouse();
    ({ issuer } = running);
    ({ login } = await person(running.house));
  });
  after(() => running?.close());

  const raw = (method: string, path: string, headers: Record<string, string | string[]> = {}, body = '') =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const { hostname, port } = new URL(issuer);
      const outgoing = rawRequest({ hostname, port, method, path, headers }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  const isClear = ({ status, text }: { status: number; text: string }, what: string) => {
    expect(status, `${what}\n${text.slice(0, 500)}`).to.be.within(200, 499);
    expect(text, what).not.to.match(/\bat .+\.(ts|js):\d+/);
    expect(text, what).not.to.include('node_modules');
  };
  const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };

  it('answers an unknown service and an unregistered address on a page of ours, never by a redirect (A45)', async () => {
    const redirects = [
      'http://localhost:9/callback/',
      'http://localhost:9/Callback',
      'http://localhost:9/callback?x',
      'http://localhost:9/callback#f',
      'http://localhost:9@evil.example/callback',
      'https://localhost:9/callback',
      'http://localhost:90/callback',
      'http://localhost:9//callback',
      'http://localhost:9/x/../callback',
      'http://localhost:9/%63allback',
      'javascript:alert(1)',
      '//evil.example',
      'http://evil.example/callback',
      '',
    ];
    for (const redirect_uri of redirects) {
      const answer = await new HttpBrowser().request(authorization(issuer, { redirect_uri }).url);
      expect(answer.status, redirect_uri).to.equal(400);
      expect(answer.location, redirect_uri).to.equal(undefined);
      isClear(answer, redirect_uri);
    }
    const unknown = await new HttpBrowser().request(authorization(issuer, { client_id: 'nobody' }).url);
    expect(unknown.status).to.equal(400);
    expect(unknown.text).to.include('<h1');
  });

  it('tells a service what is wrong with its request', async () => {
    const wrong = [
      { scope: 'email' },
      { claims: '{' },
      { claims: '[]' },
      { claims: '{"id_token":5}' },
      { max_age: '-1' },
      { max_age: 'x' },
      { prompt: 'nothing' },
      { prompt: 'none login' },
      { code_challenge: 'short' },
      { id_token_hint: 'x' },
    ];
    for (const parameters of wrong) {
      const answer = await new HttpBrowser().visit(authorization(issuer, parameters).url, atService);
      expect(sentBack(answer).get('error_description'), JSON.stringify(parameters))
        .to.be.a('string')
        .with.length.above(5);
    }
  });

  it('survives claims of every shape', async () => {
    const json = fc.json({ maxDepth: 4 });
    const acr = fc.oneof(
      json,
      fc.constant('null'),
      fc.constant('{"essential":true}'),
      fc.constant('{"essential":true,"values":"x"}'),
      fc.constant('{"essential":"yes","value":7}'),
    );
    await fc.assert(
      fc.asyncProperty(acr, fc.oneof(json, fc.string()), async (inner, acr_values) => {
        const claims = `{"id_token":{"acr":${inner}}}`;
        isClear(
          await new HttpBrowser().request(authorization(issuer, { claims, acr_values }).url),
          `${claims} ${acr_values}`,
        );
      }),
      { numRuns: 60 },
    );
  });

  it('offers to start again when a sign-in is over, with the service where it is known', async () => {
    const { browser, answer } = await signedIn(issuer, login);
    expect(sentBack(answer).get('code')).to.be.a('string');
    const fresh = new HttpBrowser();
    const page = await fresh.visit(authorization(issuer).url);
    const form = formOf(page, '/login');
    await fresh.post(form.url, { ...form.fields, login, password: PASSWORD }, atService);
    const back = await fresh.request(page.url);
    expect(back.status).to.equal(410);
    expect(back.text).to.include('Payroll').and.include('http://localhost:9/');
    for (const path of ['/interaction/never-was', '/auth/never-was', `/interaction/${'x'.repeat(4000)}`]) {
      const gone = await browser.request(`${issuer}${path}`);
      expect(gone.status, path).to.be.oneOf([400, 404, 410]);
      expect(gone.text, path).to.include('<h1');
    }
  });

  it('keeps little of a sign-in that nobody goes on with, and not for long', async () => {
    const redis = new Redis(running.environment['REDIS_URL'] ?? '');
    const keys = async () => new Set(await redis.keys('*'));
    const before = await keys();
    await new HttpBrowser().visit(authorization(issuer).url);
    const { interaction } = running.settings.lifetimes;
    const left = [...(await keys())].filter((key) => !before.has(key));
    expect(left.length, left.join(' ')).to.be.within(1, 6);
    for (const key of left) expect(await redis.ttl(key), key).to.be.within(1, 2 * interaction);
    redis.disconnect();
  });

  it('takes nobody else’s interaction or resume link (A37)', async () => {
    const victim = new HttpBrowser();
    const attacker = new HttpBrowser();
    const page = await attacker.visit(authorization(issuer).url);
    const form = formOf(page, '/login');
    const tried = await victim.post(form.url, { ...form.fields, login, password: PASSWORD });
    expect(tried.status).to.equal(410);
    const finished = await attacker.post(form.url, { ...form.fields, login, password: PASSWORD }, (url) =>
      new URL(url).pathname.startsWith('/auth/'),
    );
    const resumed = await victim.request(finished.location ?? '');
    expect(resumed.status).to.equal(400);
    expect(resumed.location).to.equal(undefined);
  });

  it('takes no other interaction’s cookie for this one, though both are this browser’s', async () => {
    const browser = new HttpBrowser();
    const one = new URL((await browser.visit(authorization(issuer).url)).url).pathname;
    const other = new URL((await browser.visit(authorization(issuer).url)).url).pathname;
    expect(one).not.to.equal(other);
    const mixed = await browser.request(`${issuer}${one}`, { headers: { cookie: browser.cookiesFor(other) } });
    expect(mixed.status).to.equal(410);
    expect((await browser.request(`${issuer}${one}`)).status).to.equal(200);
  });

  it('refuses what is too large, of the wrong kind, or broken, on every door', async () => {
    const page = await new HttpBrowser().visit(authorization(issuer).url);
    const path = new URL(page.url).pathname;
    const big = `login=${'x'.repeat(1_100_000)}`;
    const bodies: [string, Record<string, string>][] = [
      [big, FORM],
      ['{"login":1}', { 'content-type': 'application/json', accept: 'text/html' }],
      ['%E0%A4%A', FORM],
      ['login=a&login=b', FORM],
      ['\0\0\0', FORM],
      [JSON.stringify({ a: 'x'.repeat(1_100_000) }), { 'content-type': 'application/json' }],
      ['', {}],
    ];
    for (const target of [
      `${path}/login`,
      `${path}/consent`,
      `${path}/approve/finish`,
      '/recover',
      '/language',
      '/token',
      '/request',
      '/token/introspection',
      '/session/end/confirm',
      '/device/v1/respond',
      '/device/v1/enrol/begin',
      '/account/password',
      '/me',
      '/auth',
    ]) {
      for (const [body, headers] of bodies) {
        const answer = await raw(
          'POST',
          target,
          { ...headers, 'sec-fetch-site': 'same-origin', 'content-length': String(Buffer.byteLength(body)) },
          body,
        );
        isClear(answer, `${target} ${body.slice(0, 30)}`);
      }
    }
  });

  it('survives broken cookies, paths and methods', async () => {
    const cookies = [
      'countersign_session=%00',
      'countersign_session=x; countersign_session.sig=y',
      `countersign_session=${'a'.repeat(4000)}`,
      '=;=;',
      'account=%E0%A4%A',
      'known=;language=../../etc',
    ];
    for (const cookie of cookies) {
      for (const path of ['/account', '/auth?client_id=payroll', '/interaction/x', '/recover'])
        isClear(await raw('GET', path, { cookie, accept: 'text/html' }), `${cookie} ${path}`);
    }
    for (const path of [
      '/%',
      '/%E0%A4%A',
      '/..%2f..%2fetc/passwd',
      '/assets/..%2fmanifest.json',
      '/phone/%2e%2e/%2e%2e/package.json',
      '/auth/%00',
      '//evil.example',
      '/interaction/%0d%0aX:%20y',
    ]) {
      isClear(await raw('GET', path, { accept: 'text/html' }), path);
    }
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      for (const path of ['/token', '/account', '/auth', '/device/v1/pending', '/phone/']) {
        const answer = await raw(method, path);
        expect(answer.status, `${method} ${path}`).to.be.oneOf([200, 204, 400, 403, 404, 405, 501]);
        expect(answer.text).not.to.include('TRACE /');
      }
    }
  });

  it('accepts no state change from another site (A39)', async () => {
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(issuer).url);
    const { url, fields } = formOf(page, '/login');
    const body = new URLSearchParams({ ...fields, login, password: PASSWORD });
    for (const headers of [
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site', origin: issuer },
      { 'sec-fetch-site': 'same-site' },
      {},
    ]) {
      const answer = await browser.request(url, { method: 'POST', body, headers: headers as Record<string, string> });
      expect(answer.status, JSON.stringify(headers)).to.equal(403);
    }
    expect(sentBack(await logIn(browser, await browser.visit(page.url), login)).get('code')).to.be.a('string');
  });

  it('fills no audit: what nobody known does is written down so often in a minute, and no more', async () => {
    const database = new pg.Client(running.environment['DATABASE_URL']);
    await database.connect();
    const count = async () => Number((await database.query('select count(*) from audit_events')).rows[0]?.count);
    const before = await count();
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'unknown' } } });
    for (let n = 0; n < 50; n += 1) {
      expect((await raw('POST', '/recover', { ...FORM, origin: 'https://evil.example' })).status).to.equal(403);
      const answer = await new HttpBrowser().request(authorization(issuer, { claims }).url);
      expect(sentBack(answer).get('error')).to.equal('unmet_authentication_requirements');
    }
    // Those of the provider are written together, some later.
    await new Promise((resolve) => setTimeout(resolve, 200));
    // Twice as many where the minute ended meanwhile.
    expect((await count()) - before).to.be.within(1, 60);
    await database.end();
  });

  it('cannot be framed, and escapes what a request puts on a page', async () => {
    const script = '<script>alert(1)</script>';
    const answers = [
      await new HttpBrowser().visit(authorization(issuer, { login_hint: script, ui_locales: script }).url),
      await new HttpBrowser().visit(authorization(issuer, { client_id: script }).url),
      await new HttpBrowser().visit(authorization(issuer, { redirect_uri: `http://x/${script}` }).url),
      await new HttpBrowser().visit(`${issuer}/session/end?id_token_hint=${encodeURIComponent(script)}`),
      await new HttpBrowser().visit(`${issuer}/${encodeURIComponent(script)}`),
    ];
    for (const answer of answers) {
      expect(answer.text, answer.url).not.to.include(script);
      expect(answer.headers.get('content-security-policy'), answer.url)
        .to.include("frame-ancestors 'none'")
        .and.include("default-src 'none'")
        .and.not.include('unsafe-inline');
    }
  });
});
