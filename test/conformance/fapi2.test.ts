// The plan of the FAPI 2.0 Security Profile (private_key_jwt, DPoP) of the OpenID Foundation's suite, over raw HTTP, and what FAPI-CIBA adds to CIBA.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { type ClientKey, clientKey, type ProofParts } from '../step-up/with-api.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, logIn, sentBack } from '../support/service.ts';

type Fields = { readonly [name: string]: string | undefined };
const CIBA = 'urn:openid:params:grant-type:ciba';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

describe('conformance: FAPI 2.0 Security Profile', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let login: string;
  let key: ClientKey;
  let other: ClientKey;
  const secrets: { [client: string]: CryptoKey } = {};
  before(async () => {
    const files: { [file: string]: object } = {};
    for (const client_id of ['bank', 'rival', 'stranger', 'desk']) {
      const { privateKey, publicKey } = await generateKeyPair(client_id === 'desk' ? 'PS256' : 'ES256', {
        extractable: true,
      });
      secrets[client_id] = privateKey;
      // No alg: what the key may sign is ours to say.
      const jwk: JWK = { ...(await exportJWK(publicKey)), use: 'sig', kid: client_id };
      files[`clients/${client_id}.yaml`] = {
        ...SERVICE,
        client_id,
        client_name: client_id,
        profile: 'fapi2',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [jwk] },
        first_party: client_id !== 'stranger',
      };
    }
    const { redirect_uris: _none, ...desk } = files['clients/desk.yaml'] as { redirect_uris: string[] };
    files['clients/desk.yaml'] = { ...desk, grant_types: [CIBA], require_signed_request_object: true };
    running = await startHouse({ files });
    login = (await person(running.house)).login;
    [key, other] = await Promise.all([clientKey(), clientKey()]);
  });
  after(() => running?.close());

  const algorithmOf = (client: string) => (client === 'desk' ? 'PS256' : 'ES256');
  const assertion = (client: string, aud: string | string[] = running.issuer) =>
    new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: algorithmOf(client), kid: client })
      .setIssuer(client)
      .setSubject(client)
      .setAudience(aud)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(secrets[client] as CryptoKey);

  /** A request to an endpoint, by a client that proves itself. */
  async function post(path: string, client: string, fields: Fields, dpop?: string) {
    const known = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const proof = { client_assertion_type: JWT_BEARER, client_assertion: await assertion(client) };
    const answer = await fetch(`${running.issuer}${path}`, {
      method: 'POST',
      headers: dpop === undefined ? {} : { dpop },
      body: new URLSearchParams([...known, ...Object.entries(proof)]),
    });
    return { status: answer.status, body: (await answer.json()) as { [name: string]: unknown } };
  }

  /** Pushes a request. */
  async function push(more: Fields = {}, client = 'bank', dpop?: string) {
    const { url, verifier } = authorization(running.issuer, { client_id: client, ...more });
    const pushed = await post('/request', client, Object.fromEntries(new URL(url).searchParams), dpop);
    return { ...pushed, verifier, uri: String(pushed.body['request_uri']), client };
  }
  const address = (uri: string, client = 'bank', more: { [name: string]: string } = {}) =>
    `${running.issuer}/auth?${new URLSearchParams({ client_id: client, request_uri: uri, ...more })}`;

  /** Signs in over a pushed request, and answers with what the service is sent. */
  async function answered(pushed: Awaited<ReturnType<typeof push>>, more: { [name: string]: string } = {}) {
    expect(pushed.status, JSON.stringify(pushed.body)).to.equal(201);
    const browser = new HttpBrowser();
    const page = await browser.visit(address(pushed.uri, pushed.client, more), atService);
    return { browser, page: await logIn(browser, page, login) };
  }
  const codeOf = async (pushed: Awaited<ReturnType<typeof push>>) =>
    sentBack((await answered(pushed)).page).get('code') ?? '';
  const proofOf = (by: ClientKey, more?: ProofParts, path = '/token') =>
    by.proof('POST', `${running.issuer}${path}`, undefined, more);
  /** Redeems a code. `dpop` false: without a proof. */
  async function redeem(code: string, code_verifier: string | undefined, more: Fields = {}, dpop?: string | false) {
    const { client = 'bank', ...fields } = more;
    const grant = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier, ...fields };
    return post('/token', client, grant, dpop === false ? undefined : (dpop ?? (await proofOf(key))));
  }
  const errorOf = async (...words: Parameters<typeof redeem>) => (await redeem(...words)).body['error'];

  it('gives tokens by a pushed request, an assertion, PKCE and a proof, and says iss in the answer', async () => {
    const pushed = await push();
    expect(pushed.body['expires_in']).to.be.at.most(600);
    const back = sentBack((await answered(pushed)).page);
    expect(back.get('iss')).to.equal(running.issuer);
    const { status, body } = await redeem(back.get('code') ?? '', pushed.verifier);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body['token_type']).to.equal('DPoP');
    const token = String(body['access_token']);
    const url = `${running.issuer}/me`;
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) {
      const headers = { authorization: `${scheme} ${token}`, dpop: await key.proof('GET', url, token) };
      expect((await fetch(url, { headers })).status, scheme).to.equal(200);
    }
    const stolen = { authorization: `DPoP ${token}`, dpop: await other.proof('GET', url, token) };
    expect((await fetch(url, { headers: stolen })).status).to.equal(401);
  });

  it('tells the service when the person refuses', async () => {
    const { browser, page } = await answered(await push({}, 'stranger'));
    const { url, fields } = formOf(page, '/consent');
    const back = await browser.post(url, { ...fields, answer: 'refuse' }, atService);
    expect(sentBack(back).get('error')).to.equal('access_denied');
  });

  it('gives the pushed state back, however long, or none, and never one from beside it', async () => {
    const long = 'x'.repeat(1000);
    expect(sentBack((await answered(await push({ state: long }))).page).get('state')).to.equal(long);
    const without = await answered(await push({ state: undefined }), { state: 'outside' });
    expect(sentBack(without.page).get('state')).to.equal(null);
    const both = await answered(await push({ state: 'inside' }), { state: 'outside' });
    expect(sentBack(both.page).get('state')).to.equal('inside');
  });

  it('refuses requests that were not pushed', async () => {
    const { url } = authorization(running.issuer, { client_id: 'bank' });
    expect(sentBack(await new HttpBrowser().visit(url, atService)).get('error')).to.equal('invalid_request');
  });

  it('refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain', async () => {
    const wrong: Fields[] = [
      { redirect_uri: undefined },
      { redirect_uri: 'https://elsewhere.example.org/' },
      { response_type: 'code id_token' },
      { response_type: 'token' },
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' },
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
    ];
    for (const fields of wrong) {
      const { status, body } = await push(fields);
      expect(status, JSON.stringify(fields)).to.equal(400);
      expect(body).to.not.have.property('request_uri');
    }
  });

  it('takes a push by POST only, and only from a client that proves itself', async () => {
    expect((await fetch(`${running.issuer}/request`)).status).to.be.oneOf([404, 405]);
    const { url } = authorization(running.issuer, { client_id: 'bank' });
    const bare = await fetch(`${running.issuer}/request`, { method: 'POST', body: new URL(url).searchParams });
    expect(bare.status).to.equal(401);
  });

  it('opens a pushed request again until it has its answer, and never after, for another client, or when it is over', async () => {
    const refused = async (uri: string, client?: string) => {
      const page = await new HttpBrowser().visit(address(uri, client), atService);
      return page.location === undefined ? page.status : sentBack(page).get('error');
    };
    const pushed = await push();
    expect((await new HttpBrowser().visit(address(pushed.uri), atService)).text).to.contain('password');
    expect(await codeOf(pushed)).to.not.equal('');
    expect(await refused(pushed.uri)).to.be.oneOf([400, 'invalid_request_uri', 'invalid_request']);
    const mine = await push();
    expect(await refused(mine.uri, 'rival')).to.be.oneOf([400, 'invalid_request', 'invalid_request_uri']);
    const over = await push();
    const id = over.uri.slice('urn:ietf:params:oauth:request_uri:'.length);
    const stored = await running.house.provider().PushedAuthorizationRequest.find(id);
    expect(stored).to.not.equal(undefined);
    await stored?.destroy();
    expect(await refused(over.uri)).to.be.oneOf([400, 'invalid_request_uri', 'invalid_request']);
  });

  it('redeems a code for its own client, with the right verifier and a proof, and not otherwise', async () => {
    const fresh = async () => {
      const pushed = await push();
      return { code: await codeOf(pushed), verifier: pushed.verifier };
    };
    const [one, two, three, four, five] = [await fresh(), await fresh(), await fresh(), await fresh(), await fresh()];
    expect(await errorOf(one.code, one.verifier, { client: 'rival' })).to.equal('invalid_grant');
    expect(await errorOf(two.code, two.verifier, { client_id: 'rival' })).to.be.oneOf([
      'invalid_client',
      'invalid_request',
    ]);
    expect(await errorOf(three.code, undefined)).to.be.oneOf(['invalid_grant', 'invalid_request']);
    expect(await errorOf(four.code, four.verifier.replace(/.$/, '~'))).to.equal('invalid_grant');
    expect(await errorOf(five.code, five.verifier, {}, false)).to.be.oneOf(['invalid_grant', 'invalid_dpop_proof']);
  });

  it('binds a code to a key by dpop_jkt or a proof at the push, and takes no other key then', async () => {
    const bound = await push({ dpop_jkt: key.thumbprint });
    const code = await codeOf(bound);
    expect(await errorOf(code, bound.verifier, {}, await proofOf(other))).to.equal('invalid_grant');
    const again = await push({ dpop_jkt: key.thumbprint });
    expect((await redeem(await codeOf(again), again.verifier)).status).to.equal(200);
    const proven = await push({}, 'bank', await proofOf(key, {}, '/request'));
    expect(await errorOf(await codeOf(proven), proven.verifier, {}, await proofOf(other))).to.equal('invalid_grant');
    const same = await push({}, 'bank', await proofOf(key, {}, '/request'));
    expect((await redeem(await codeOf(same), same.verifier)).status).to.equal(200);
    const torn = await push({ dpop_jkt: other.thumbprint }, 'bank', await proofOf(key, {}, '/request'));
    expect(torn.status).to.equal(400);
  });

  it('takes proofs of ten seconds before and after, and none that is malformed, old, for something else or used', async () => {
    const now = () => Math.floor(Date.now() / 1000);
    for (const seconds of [-10, 10]) {
      const pushed = await push();
      const dpop = await proofOf(key, { payload: { iat: now() + seconds } });
      const { status, body } = await redeem(await codeOf(pushed), pushed.verifier, {}, dpop);
      expect(status, `${seconds}: ${JSON.stringify(body)}`).to.equal(200);
    }
    const used = await proofOf(key);
    const first = await push();
    expect((await redeem(await codeOf(first), first.verifier, {}, used)).status).to.equal(200);
    const bad: { [what: string]: string } = {
      used,
      'another method': await key.proof('GET', `${running.issuer}/token`),
      'another address': await key.proof('POST', `${running.issuer}/me`),
      old: await proofOf(key, { payload: { iat: now() - 3600 } }),
      'no iat': await proofOf(key, { payload: { iat: undefined } }),
      'no jti': await proofOf(key, { payload: { jti: undefined } }),
      'another type': await proofOf(key, { header: { typ: 'JWT' } }),
      'no key': await proofOf(key, { header: { jwk: undefined } }),
      'over (exp)': await proofOf(key, { payload: { exp: now() - 600 } }),
      'not yet (nbf)': await proofOf(key, { payload: { nbf: now() + 600 } }),
      'no JWT': 'x',
      'RS256 (section 5.4.1)': await proofOf(await clientKey('RS256')),
    };
    for (const [what, dpop] of Object.entries(bad)) {
      const pushed = await push();
      expect(await errorOf(await codeOf(pushed), pushed.verifier, {}, dpop), what).to.equal(
        what === 'used' ? 'invalid_grant' : 'invalid_dpop_proof',
      );
    }
    const strong = await push();
    const ps256 = await proofOf(await clientKey('PS256'));
    expect((await redeem(await codeOf(strong), strong.verifier, {}, ps256)).status).to.equal(200);
  });

  it('renews for the client with a proof', async () => {
    const pushed = await push({ scope: 'openid offline_access', prompt: 'consent' });
    const { browser, page } = await answered(pushed);
    const { url, fields } = formOf(page, '/consent');
    const back = await browser.post(url, { ...fields, answer: 'allow' }, atService);
    const { body } = await redeem(sentBack(back).get('code') ?? '', pushed.verifier);
    const grant = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) };
    expect((await post('/token', 'rival', grant, await proofOf(key))).body['error']).to.equal('invalid_grant');
    expect((await post('/token', 'bank', grant)).status).to.equal(400);
    const renewed = await post('/token', 'bank', grant, await proofOf(other));
    expect(renewed.status, JSON.stringify(renewed.body)).to.equal(200);
    expect(renewed.body['token_type']).to.equal('DPoP');
  });

  /** A backchannel request in a signed request object. @param change what differs from a good one. */
  async function backchannel(change: { [claim: string]: unknown } = {}, by = 'desk') {
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: 'desk', aud: running.issuer, iat: now, nbf: now, exp: now + 300, jti: randomUUID() };
    const payload = { ...good, client_id: 'desk', scope: 'openid', login_hint: login, ...change };
    const request = await new SignJWT(payload)
      .setProtectedHeader({ alg: algorithmOf(by), kid: by })
      .sign(secrets[by] as CryptoKey);
    return post('/backchannel', 'desk', { request });
  }
  // Whoever has no phone cannot be asked: as far as that only a request comes that is good.
  const HEARD = 'access_denied';

  it('takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes', async () => {
    expect((await backchannel()).body['error']).to.equal(HEARD);
    for (const more of [
      { scope: 'groups openid' },
      { scope: 'openid groups' },
      { requested_expiry: '30' },
      { binding_message: '1234' },
    ])
      expect((await backchannel(more)).body['error'], JSON.stringify(more)).to.equal(HEARD);
    expect((await post('/backchannel', 'desk', { scope: 'openid', login_hint: login })).body['error']).to.equal(
      'invalid_request',
    );
    const now = Math.floor(Date.now() / 1000);
    const wrong: { [claim: string]: unknown }[] = [
      { aud: undefined },
      { aud: 'https://elsewhere.example.org' },
      { iss: undefined },
      { iss: 'rival' },
      { exp: undefined },
      { exp: now - 600 },
      { iat: undefined },
      { nbf: undefined },
      { nbf: now + 600 },
      { nbf: now - 4200 },
      { exp: now + 4200 },
      { jti: undefined },
      { client_id: 'rival' },
      { login_hint: login, id_token_hint: 'x' },
    ];
    for (const change of wrong) {
      const { status, body } = await backchannel(change);
      expect(status, `${JSON.stringify(change)}: ${JSON.stringify(body)}`).to.equal(400);
    }
    expect((await backchannel({}, 'rival')).status, 'signed by another client').to.equal(400);
    const { body } = await post('/backchannel', 'desk', { request: new UnsecuredJWT({ iss: 'desk' }).encode() });
    expect(body['error'], 'signed by nobody').to.equal('invalid_request');
  });

  it('takes no RS256 of a FAPI client, in assertions or in request objects, though the key could sign it', async () => {
    const rs256 = await importPKCS8(await exportPKCS8(secrets['desk'] as CryptoKey), 'RS256');
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: 'desk', sub: 'desk', aud: running.issuer, iat: now, nbf: now, exp: now + 60 };
    const sign = (more: object) =>
      new SignJWT({ ...claims, jti: randomUUID(), ...more })
        .setProtectedHeader({ alg: 'RS256', kid: 'desk' })
        .sign(rs256);
    const request = await sign({ client_id: 'desk', scope: 'openid', login_hint: login });
    expect((await post('/backchannel', 'desk', { request })).body['error']).to.equal('invalid_request');
    for (const path of ['/backchannel', '/token']) {
      const fields = { client_id: 'desk', client_assertion_type: JWT_BEARER, client_assertion: await sign({}) };
      const body = new URLSearchParams({ ...fields, grant_type: CIBA, auth_req_id: 'x', request });
      const answer = await fetch(`${running.issuer}${path}`, { method: 'POST', body });
      expect([answer.status, ((await answer.json()) as { error: string }).error], path).to.deep.equal([
        401,
        'invalid_client',
      ]);
    }
  });

  it('takes an assertion for the issuer, and none for an endpoint or for several', async () => {
    const errorFor = async (aud: string | string[]) => {
      const fields = { client_assertion_type: JWT_BEARER, client_assertion: await assertion('desk', aud) };
      const body = new URLSearchParams({ ...fields, grant_type: CIBA, auth_req_id: 'x'.repeat(43) });
      const headers = { dpop: await proofOf(key) };
      const answer = await fetch(`${running.issuer}/token`, { method: 'POST', body, headers });
      return ((await answer.json()) as { error: string }).error;
    };
    expect(await errorFor(running.issuer)).to.equal('invalid_grant');
    expect(await errorFor(`${running.issuer}/token`)).to.equal('invalid_client');
    expect(await errorFor([running.issuer, 'https://elsewhere.example.org'])).to.equal('invalid_client');
  });

  it('refuses backchannel requests and polls of who does not prove to be the client', async () => {
    for (const [path, fields] of [
      ['/backchannel', { client_id: 'desk', scope: 'openid', login_hint: login }],
      ['/token', { client_id: 'desk', grant_type: CIBA, auth_req_id: 'x' }],
    ] as const) {
      const answer = await fetch(`${running.issuer}${path}`, { method: 'POST', body: new URLSearchParams(fields) });
      expect(answer.status, path).to.equal(401);
    }
    const unknown = await post('/token', 'desk', { grant_type: CIBA, auth_req_id: 'x'.repeat(43) }, await proofOf(key));
    expect(unknown.body['error']).to.equal('invalid_grant');
  });
});
