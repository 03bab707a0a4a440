// Redis or PostgreSQL goes away under a running provider: 503 with Retry-After at every door, nobody let in, and back within 5 s (security page F06, F14, F15, L23).
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import pg from 'pg';
import { devicePath, type Endpoint, signMessage } from '../../src/protocol/messages.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';
import { startPostgres, startRedis, type TestServer } from '../support/services.ts';
import { anotherNode } from './with-failover.ts';

/** Milliseconds in which a store that came back must serve again. */
const BACK = 15_000;
/** No answer may take longer, whatever is gone (milliseconds). */
const LONGEST = 8000;

/** A service that asks phones by itself. */
const DESK = {
  client_id: 'desk',
  client_secret: 'a secret that is long enough for this',
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['urn:openid:params:grant-type:ciba'],
  backchannel_token_delivery_mode: 'poll',
  first_party: true,
};

describe('a store that goes away', function () {
  this.timeout(120_000);
  let redis: TestServer;
  let postgres: TestServer;
  let running: RunningHouse;
  let login: string;
  before(async () => {
    [redis, postgres] = await Promise.all([startRedis({ durable: true }), startPostgres({ durable: true })]);
    running = await startHouse({
      backend: { databaseUrl: postgres.url, redisUrl: redis.url },
      files: { 'clients/desk.yaml': DESK },
    });
    ({ login } = await person(running.house));
  });
  after(async () => {
    await running.close();
    await Promise.all([redis.close(), postgres.close()]);
  });

  /** A message of a phone that nobody knows, rightly signed: to refuse it, the store must be asked. */
  async function message(endpoint: Endpoint, claims: object): Promise<Response> {
    const { appOrigin } = running.house.world.rules();
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const jti = randomBytes(16).toString('base64url');
    const signer = { key: privateKey, kid: 'unknown' };
    const jws = await signMessage(endpoint, appOrigin, signer, { jti, ...claims }, Math.floor(Date.now() / 1000));
    const headers = { 'content-type': 'application/jose' };
    return fetch(`${appOrigin}${devicePath(endpoint)}`, { method: 'POST', headers, body: jws });
  }

  function refusedForNow(answer: { status: number; headers: Headers; location?: string }, door: string): void {
    expect(answer.status, door).to.equal(503);
    expect(Number(answer.headers.get('retry-after')), door).to.be.within(1, 30);
    expect(answer.headers.get('location'), door).to.equal(null);
  }

  /** One sign-in that was begun, one that is finished, and a code, from before the store goes. */
  async function prepared() {
    const signed = await signedIn(running.issuer, login);
    const again = authorization(running.issuer);
    const code = sentBack(await signed.browser.visit(again.url, atService)).get('code') ?? '';
    const begun = new HttpBrowser();
    const page = await begun.visit(authorization(running.issuer).url, atService);
    return { signed: signed.browser, code, verifier: again.verifier, begun, page };
  }

  const passwordOf = (browser: HttpBrowser, page: Answer): Promise<Answer> => {
    const { url, fields } = formOf(page, '/login');
    return browser.post(url, { ...fields, login, password: PASSWORD }, atService);
  };

  async function timed<T>(door: string, work: () => Promise<T>): Promise<T> {
    const begun = Date.now();
    const answer = await work();
    expect(Date.now() - begun, `${door} took too long`).to.be.below(LONGEST);
    return answer;
  }

  async function backSoon(): Promise<void> {
    const end = Date.now() + BACK;
    for (;;) {
      const request = authorization(running.issuer);
      const browser = new HttpBrowser();
      const page = await browser.visit(request.url, atService);
      const answer = page.status === 200 ? await logIn(browser, page, login) : page;
      if (answer.location?.includes('code=')) {
        const tokens = await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
        expect(tokens.status).to.equal(200);
        return;
      }
      if (Date.now() > end) throw new Error(`not served again within ${BACK} ms: ${answer.status}`);
      await wait(50);
    }
  }

  const codeGrant = (code: string, verifier: string) =>
    fetch(`${running.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'payroll',
        redirect_uri: 'http://localhost:9/callback',
        code,
        code_verifier: verifier,
      }),
    });

  const post = (path: string, fields: Record<string, string>) =>
    fetch(running.issuer + path, { method: 'POST', body: new URLSearchParams(fields) });
  const backchannel = () => {
    const { client_id, client_secret } = DESK;
    return post('/backchannel', { client_id, client_secret, scope: 'openid', login_hint: login });
  };

  async function stillUp(): Promise<void> {
    for (const path of ['/jwks', '/.well-known/openid-configuration']) {
      expect((await timed(path, () => fetch(running.issuer + path))).status, path).to.equal(200);
    }
  }

  it('Redis: every door answers 503, /jwks goes on, and it is back by itself', async () => {
    const { signed, code, verifier, begun, page } = await prepared();
    await redis.kill();
    await stillUp();
    refusedForNow(await timed('auth', () => new HttpBrowser().request(authorization(running.issuer).url)), 'auth');
    refusedForNow(await timed('auth, signed in', () => signed.request(authorization(running.issuer).url)), 'signed in');
    refusedForNow(await timed('login', () => passwordOf(begun, page)), 'login');
    refusedForNow(await timed('sign-out', () => signed.request(`${running.issuer}/session/end`)), 'sign-out');
    const token = await timed('token', () => codeGrant(code, verifier));
    refusedForNow(token, 'token');
    expect(((await token.json()) as { error: string }).error).to.equal('temporarily_unavailable');
    refusedForNow(await timed('user code', () => post('/device', { user_code: 'BCDF-GHJK' })), 'user code');
    const complete = { nonce: randomBytes(16).toString('base64url'), platform: 'test', sec: 'a..b.c.d' };
    const device = await timed('device', () => message('enrol/complete', complete));
    refusedForNow(device, 'device');
    expect(((await device.json()) as { type: string }).type).to.equal('urn:countersign:problem:unavailable');
    await redis.start();
    await backSoon();
    // What was refused was not done: the code is still good, once.
    expect((await redeem(running.issuer, code, verifier)).status).to.equal(200);
    expect((await codeGrant(code, verifier)).status).to.equal(400);
  });

  it('PostgreSQL: every door that needs it answers 503, and it is back by itself', async () => {
    const { signed, code, verifier, begun, page } = await prepared();
    await postgres.kill();
    await stillUp();
    refusedForNow(await timed('auth, signed in', () => signed.request(authorization(running.issuer).url)), 'signed in');
    refusedForNow(await timed('login', () => passwordOf(begun, page)), 'login');
    refusedForNow(await timed('token', () => codeGrant(code, verifier)), 'token');
    const asked = await timed('backchannel', backchannel);
    refusedForNow(asked, 'backchannel');
    expect(((await asked.json()) as { error: string }).error).to.equal('temporarily_unavailable');
    const device = await timed('device', () => message('self', {}));
    refusedForNow(device, 'device');
    await postgres.start();
    await backSoon();
    expect((await redeem(running.issuer, code, verifier)).status).to.equal(200);
  });

  it('Redis that hangs: no door waits for it, and it is back by itself', async () => {
    const { signed, code, verifier } = await prepared();
    process.kill(redis.pid(), 'SIGSTOP');
    try {
      await stillUp();
      refusedForNow(await timed('auth', () => signed.request(authorization(running.issuer).url)), 'auth');
      refusedForNow(await timed('token', () => codeGrant(code, verifier)), 'token');
    } finally {
      process.kill(redis.pid(), 'SIGCONT');
    }
    await backSoon();
  });

  it('Redis that is full: not ready, refused on a page of ours, and a refresh token that could not be answered is not used', async () => {
    const { begun, page } = await prepared();
    const refreshed = (token: unknown) =>
      tokenRequest(running.issuer, {
        grant_type: 'refresh_token',
        client_id: 'payroll',
        refresh_token: String(token),
      });
    const first = authorization(running.issuer, { scope: 'openid offline_access', prompt: 'consent' });
    const browser = new HttpBrowser();
    const asked = formOf(await logIn(browser, await browser.visit(first.url, atService), login), '/consent');
    const allowed = await browser.post(asked.url, { ...asked.fields, answer: 'allow' }, atService);
    const tokens = await redeem(running.issuer, sentBack(allowed).get('code') ?? '', first.verifier);
    // The password is right and written down; the browser is on its way back to the provider, which will save the session.
    const { url, fields } = formOf(page, '/login');
    const isResume = (to: string) => new URL(to).pathname.startsWith('/auth/');
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: running.issuer },
    };
    const body = new URLSearchParams({ ...fields, login, password: PASSWORD }).toString();
    const typed = await begun.visit(url, isResume, { ...form, body });
    const admin = new Redis(redis.url);
    const node = await anotherNode(running);
    try {
      await admin.config('SET', 'maxmemory', '1000000');
      expect(await node.state.health()).to.deep.equal({ ok: false, why: 'full: maxmemory is reached' });
      const answer = await begun.request(typed.location ?? '');
      refusedForNow(answer, 'resume');
      expect(answer.headers.get('content-security-policy'), 'our own page').to.be.a('string');
      expect(answer.headers.getSetCookie()).to.deep.equal([]);
      for (let tries = 0; tries < 3; tries += 1)
        expect((await refreshed(tokens.body['refresh_token'])).status).to.equal(503);
    } finally {
      await admin.config('SET', 'maxmemory', '0');
      admin.disconnect();
      await node.close();
    }
    await backSoon();
    expect((await refreshed(tokens.body['refresh_token'])).status, 'three tries are no theft').to.equal(200);
  });

  it('PostgreSQL that only reads: a sign-in that cannot be written down does not happen', async () => {
    const { begun, page } = await prepared();
    await onlyReads(true);
    try {
      refusedForNow(await timed('login', () => passwordOf(begun, page)), 'login');
    } finally {
      await onlyReads(false);
    }
    await backSoon();
    // The connections that only read are thrown away, each at its first refusal: none of many at once meets one twice.
    const end = Date.now() + BACK;
    const many = () => Promise.all(Array.from({ length: 8 }, () => person(running.house)));
    while (!(await many().catch(() => undefined))) expect(Date.now(), 'some connections only read').to.be.below(end);
    for (let round = 0; round < 5; round += 1) await many();
  });

  /** Holds for new connections, so ours are ended before; afterwards nobody ends them, and they must not be kept. */
  async function onlyReads(on: boolean): Promise<void> {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    try {
      await client.query('set default_transaction_read_only = off');
      await client.query(`alter database postgres set default_transaction_read_only = ${on}`);
      if (on)
        await client.query(
          `select pg_terminate_backend(pid, 2000) from pg_stat_activity where application_name = 'countersign'`,
        );
    } finally {
      await client.end();
    }
  }
});
