// What was given by a phone that is gone since gives nothing more, and introspection says so (attack case A42).
import { expect } from 'chai';
import pg from 'pg';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { approveByScan, MFA, submit } from '../interactions/with-phone.ts';
import { type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { PIN, personWithPhone, phoneOf } from '../support/phone-of.ts';
import {
  atService,
  authorization,
  logIn,
  type Parameters,
  redeem,
  sentBack,
  signedIn,
  type Tokens,
  tokenRequest,
} from '../support/service.ts';

const CIBA = 'urn:openid:params:grant-type:ciba';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const SECRET = 'a secret of the centre 2e71f0aa5b9c44d1';
const GONE = 'the phone that this sign-in rests on was removed or locked since: ask for authorization again';

describe('what rests on a phone', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  before(async () => {
    running = await startHouse({
      files: {
        'clients/tv.yaml': {
          client_id: 'tv',
          token_endpoint_auth_method: 'none',
          grant_types: [DEVICE, 'refresh_token'],
          first_party: true,
        },
        'clients/centre.yaml': {
          client_id: 'centre',
          client_secret: SECRET,
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: [CIBA, 'refresh_token'],
          first_party: true,
        },
        'lifetimes.yaml': { poll_interval: '1s' },
      },
    });
  });
  after(() => running?.close());

  const idOf = async (phone: HeadlessPhone) => (await phone.account()).deviceId;
  const remove = async (userId: string, phone: HeadlessPhone) => {
    const { ok } = await removeDevice(running.house.world, { userId, deviceId: await idOf(phone) });
    expect(ok).to.equal(true);
  };
  const refresh = (token: unknown, client = 'payroll', more: Parameters = {}) =>
    tokenRequest(running.issuer, {
      grant_type: 'refresh_token',
      client_id: client,
      refresh_token: String(token),
      ...more,
    });
  const next = ({ status, body }: Tokens): unknown => {
    expect(status, JSON.stringify(body)).to.equal(200);
    return body['refresh_token'];
  };
  const refused = ({ status, body }: Tokens) => {
    expect([status, body['error'], body['error_description']]).to.deep.equal([400, 'invalid_grant', GONE]);
  };

  /** From the password on, with consent to offline access; with a phone where one is given. */
  async function code(login: string, phone?: HeadlessPhone) {
    const acr = phone ? { acr_values: MFA } : {};
    const wanted = { scope: 'openid offline_access', prompt: 'consent', ...acr };
    const { browser, request, answer } = await signedIn(running.issuer, login, wanted);
    const page = phone ? await approveByScan(browser, phone, answer) : answer;
    const back = sentBack(await submit(browser, page, '/consent', { answer: 'allow' }));
    return { browser, code: back.get('code') ?? '', verifier: request.verifier };
  }
  async function offline(login: string, phone?: HeadlessPhone) {
    const got = await code(login, phone);
    const tokens = await redeem(running.issuer, got.code, got.verifier);
    expect(tokens.claims['acr']).to.equal(phone ? MFA : 'urn:countersign:acr:basic');
    return { ...got, token: tokens.body['refresh_token'], access: tokens.body['access_token'] };
  }
  async function introspect(token: unknown): Promise<unknown> {
    const body = new URLSearchParams({ client_id: 'payroll', token: String(token) });
    return (await fetch(`${running.issuer}/token/introspection`, { method: 'POST', body })).json();
  }
  const userinfo = (token: unknown) =>
    fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${String(token)}` } });

  it('refreshes as long as the phone is there, and no more once it was removed', async () => {
    const { id, login, phone } = await personWithPhone(running);
    const other = await phoneOf(running, id);
    const first = await offline(login, phone);
    const later = next(await refresh(next(await refresh(first.token))));
    await remove(id, other);
    const last = next(await refresh(later));
    await remove(id, phone);
    refused(await refresh(last));
    // Asked again at once: the answer is no theft, and tells the same.
    refused(await refresh(last));
    // The password of that session still counts, and a new code says what is true now.
    const request = authorization(running.issuer, { prompt: 'none' });
    const back = sentBack(await first.browser.visit(request.url, atService));
    const { claims } = await redeem(running.issuer, back.get('code') ?? '', request.verifier);
    expect([claims['acr'], claims['amr']]).to.deep.equal(['urn:countersign:acr:basic', ['pwd']]);
  });

  it('ends for a copied phone, and not for one that wrong PINs have locked', async () => {
    const { login, phone } = await personWithPhone(running);
    const { devices } = running.house.world.records;
    const { token } = await offline(login, phone);
    const id = await idOf(phone);
    const database = new pg.Client(running.environment['DATABASE_URL']);
    await database.connect();
    await database.query('update devices set pin_failures = 5 where id = $1', [id]);
    await database.end();
    expect(await devices.lockAfterWrongPin(id)).to.equal(true);
    const still = next(await refresh(token));
    expect(await devices.lockCloned(id)).to.equal(true);
    refused(await refresh(still));
  });

  it('takes nothing from a sign-in with the password alone, nor from one with another phone', async () => {
    const { id, login, phone } = await personWithPhone(running);
    const other = await phoneOf(running, id);
    const [plain, strong] = [await offline(login), await offline(login, other)];
    await remove(id, phone);
    next(await refresh(plain.token));
    next(await refresh(strong.token));
  });

  it('is said of both tokens by introspection, and of the access token by userinfo', async () => {
    const { id, login, phone } = await personWithPhone(running);
    const [plain, strong] = [await offline(login), await offline(login, phone)];
    const renewed = await refresh(strong.token);
    const tokens = [strong.access, renewed.body['access_token'], next(renewed)];
    for (const token of tokens) expect(await introspect(token)).to.include({ active: true, sub: id });
    expect((await userinfo(strong.access)).status).to.equal(200);
    await remove(id, phone);
    for (const token of tokens) expect(await introspect(token)).to.deep.equal({ active: false });
    const told = await userinfo(strong.access);
    expect([told.status, told.headers.get('www-authenticate')]).to.satisfy(
      ([status, words]: unknown[]) => status === 401 && String(words).includes('error="invalid_token"'),
    );
    for (const token of [plain.access, plain.token])
      expect(await introspect(token)).to.include({ active: true, sub: id });
    expect((await userinfo(plain.access)).status).to.equal(200);
  });

  it('gives nothing for a code that was made before the phone went', async () => {
    const { id, login, phone } = await personWithPhone(running);
    const got = await code(login, phone);
    await remove(id, phone);
    refused(
      await tokenRequest(running.issuer, {
        grant_type: 'authorization_code',
        client_id: 'payroll',
        redirect_uri: SERVICE.redirect_uris[0],
        code: got.code,
        code_verifier: got.verifier,
      }),
    );
  });

  it('holds for a device without a keyboard', async () => {
    const { id, login, phone } = await personWithPhone(running);
    const body = new URLSearchParams({ client_id: 'tv', scope: 'openid offline_access', acr_values: MFA });
    const asked = await (await fetch(`${running.issuer}/device/auth`, { method: 'POST', body })).json();
    const { device_code, verification_uri_complete } = asked as { [name: string]: string };
    const browser = new HttpBrowser();
    const question = await submit(browser, await browser.visit(String(verification_uri_complete)), '/device');
    const step = await logIn(browser, await submit(browser, question, '/device'), login);
    expect((await approveByScan(browser, phone, step)).text).to.include('Your device is signed in');
    const got = await tokenRequest(running.issuer, { grant_type: DEVICE, client_id: 'tv', device_code });
    const later = next(await refresh(next(got), 'tv'));
    await remove(id, phone);
    refused(await refresh(later, 'tv'));
  });

  for (const binding_message of ['Code 482913', 'Order 7'])
    it(`holds for a request without a browser (${binding_message})`, async () => {
      const { id, login, phone } = await personWithPhone(running);
      const proof = { client_id: 'centre', client_secret: SECRET };
      const body = new URLSearchParams({
        ...proof,
        scope: 'openid offline_access',
        login_hint: login,
        binding_message,
      });
      const asked = await (await fetch(`${running.issuer}/backchannel`, { method: 'POST', body })).json();
      const { auth_req_id } = asked as { [name: string]: string };
      const [request] = (await phone.pending()).transactions;
      if (!request) throw new Error('nothing is pending');
      await phone.approve(request, { pin: PIN, ...(request.number_required ? { number: '482913' } : {}) });
      const got = await tokenRequest(running.issuer, { grant_type: CIBA, auth_req_id, ...proof });
      const later = next(await refresh(next(got), 'centre', proof));
      await remove(id, phone);
      refused(await refresh(later, 'centre', proof));
    });
});
