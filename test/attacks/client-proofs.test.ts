// A stranger in a client's place: false proofs (A48), doctored requests (A49), PKCE taken away (A47), addresses that lead inside (A50).
import { createPublicKey, type JsonWebKey, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { CompactEncrypt, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { person, portOf, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, logIn, sentBack, tokenRequest } from '../support/service.ts';

const SECRET = 'f4b1a2c9d8e7061524334455aabbccddeeff00112233';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const GRANT = { grant_type: 'client_credentials' };
type Claims = { readonly [claim: string]: unknown };

describe('a stranger in a client’s place', () => {
  let running: RunningHouse;
  let login: string;
  let own: CryptoKey;
  let others: CryptoKey;
  let publicJwk: JWK;
  let canary: Server;
  let asked = 0;
  before(async () => {
    canary = createServer((request, response) => {
      asked += 1;
      response.writeHead(302, { location: `http://127.0.0.1:${portOf(canary)}${request.url}` }).end();
    });
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
    const pair = await generateKeyPair('RS256', { modulusLength: 3072, extractable: true });
    own = pair.privateKey;
    publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'worker', use: 'sig' };
    others = (await generateKeyPair('RS256')).privateKey;
    const confidential = { grant_types: ['authorization_code', 'client_credentials'] };
    const byKey = { ...SERVICE, ...confidential, token_endpoint_auth_method: 'private_key_jwt' };
    running = await startHouse({
      files: {
        'clients/worker.yaml': { ...byKey, client_id: 'worker', jwks: { keys: [publicJwk] } },
        'clients/other.yaml': { ...byKey, client_id: 'other', jwks: { keys: [publicJwk] } },
        'clients/inner.yaml': { ...byKey, client_id: 'inner', jwks_uri: `http://127.0.0.1:${portOf(canary)}/jwks` },
        'clients/ledger.yaml': {
          ...SERVICE,
          ...confidential,
          client_id: 'ledger',
          client_secret: SECRET,
          token_endpoint_auth_method: 'client_secret_basic',
          require_pkce: false,
        },
      },
    });
    ({ login } = await person(running.house));
  });
  after(async () => {
    await running?.close();
    canary?.close();
  });

  const now = () => Math.floor(Date.now() / 1000);
  const proof = (more: Claims = {}): Claims => ({
    iss: 'worker',
    sub: 'worker',
    aud: running.issuer,
    iat: now(),
    exp: now() + 60,
    jti: randomUUID(),
    ...more,
  });
  const signed = (claims: Claims, key: CryptoKey | Uint8Array = own, alg = 'RS256') =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'worker' }).sign(key);
  const present = (client_assertion: string, more: { [field: string]: string } = {}) =>
    tokenRequest(running.issuer, { ...GRANT, client_assertion_type: JWT_BEARER, client_assertion, ...more });
  /** The public key as somebody might hand it to HMAC: as PEM, and as the text of the published set. */
  const publicBytes = () => [
    new TextEncoder().encode(
      createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' }).export({
        type: 'spki',
        format: 'pem',
      }) as string,
    ),
    new TextEncoder().encode(JSON.stringify(publicJwk)),
  ];

  it('is refused whatever is wrong with the assertion (A48)', async () => {
    expect((await present(await signed(proof()))).status).to.equal(200);
    const { jti: _none, ...unnamed } = proof();
    const { exp: _never, ...endless } = proof();
    const [pem = new Uint8Array(), set = new Uint8Array()] = publicBytes();
    const wrong: { [what: string]: string } = {
      'for somebody else': await signed(proof({ aud: 'https://elsewhere.example.org' })),
      'for nobody': await signed(proof({ aud: undefined })),
      'over since long': await signed(proof({ iat: now() - 900, exp: now() - 600 })),
      'not yet': await signed(proof({ nbf: now() + 600 })),
      'without an end': await signed(endless),
      'for a week': await signed(proof({ exp: now() + 7 * 86_400 })),
      'without a name': await signed(unnamed),
      'of another issuer': await signed(proof({ iss: 'other' })),
      'about another client': await signed(proof({ sub: 'other' })),
      'with another key': await signed(proof(), others),
      'without a signature': new UnsecuredJWT(proof()).encode(),
      'by HMAC with the public key': await signed(proof(), pem, 'HS256'),
      'by HMAC with the published set': await signed(proof(), set, 'HS256'),
      'no JWT': 'x.y.z',
      nothing: '',
    };
    for (const [what, assertion] of Object.entries(wrong)) {
      const { status, body } = await present(assertion, { client_id: 'worker' });
      expect([status, body['error']], `${what} ${JSON.stringify(body)}`).to.be.deep.oneOf([
        [401, 'invalid_client'],
        [400, 'invalid_request'],
      ]);
      expect(body, what).not.to.have.property('access_token');
    }
    const named = await present(await signed(proof()), { client_id: 'other' });
    expect(named.body, 'in another client’s name').not.to.have.property('access_token');
  });

  it('spends an assertion once, however many send it at the same moment (A48)', async () => {
    const assertion = await signed(proof());
    const answers = await Promise.all(Array.from({ length: 30 }, () => present(assertion)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    for (const { status, body } of answers)
      if (status !== 200) expect([status, body['error']]).to.deep.equal([401, 'invalid_client']);
  });

  it('comes in by the registered way alone (A48)', async () => {
    const basic = (secret: string) => ({ authorization: `Basic ${btoa(`ledger:${secret}`)}` });
    expect((await tokenRequest(running.issuer, GRANT, basic(SECRET))).status).to.equal(200);
    const tries: [{ [field: string]: string }, { [header: string]: string }][] = [
      [{}, basic('')],
      [{}, { authorization: `Basic ${btoa('ledger')}` }],
      [{}, basic(SECRET.toUpperCase())],
      [{ client_id: 'ledger' }, {}],
      [{ client_id: 'ledger', client_secret: '' }, {}],
      [{ client_id: 'worker', client_secret: '' }, {}],
      [{ client_id: 'worker' }, {}],
      [{}, { authorization: `Basic ${btoa('worker:')}` }],
      [{ client_id: 'ledger', client_secret: SECRET }, basic(SECRET)],
      [{}, { authorization: `Bearer ${SECRET}` }],
    ];
    for (const [fields, headers] of tries) {
      const { status, body } = await tokenRequest(running.issuer, { ...GRANT, ...fields }, headers);
      expect(status, JSON.stringify([fields, headers, body])).to.be.oneOf([400, 401]);
      expect(body['error']).to.be.oneOf(['invalid_client', 'invalid_request']);
    }
  });

  /** What an authorization request with this request object leads to: the login page, or an error. */
  async function requested(object: string, client_id = 'worker'): Promise<string> {
    const page = await new HttpBrowser().visit(
      authorization(running.issuer, { client_id, request: object }).url,
      atService,
    );
    if (page.location !== undefined) return sentBack(page).get('error') ?? 'no error';
    return page.text.includes('current-password') ? 'login' : `page ${page.status}`;
  }

  it('cannot doctor a signed request (A49)', async () => {
    const wish = (more: Claims = {}): Claims => ({
      iss: 'worker',
      aud: running.issuer,
      client_id: 'worker',
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'openid',
      // All of it stands in the object, and what stands beside it counts for nothing (RFC 9101 section 6.3).
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      exp: now() + 60,
      ...more,
    });
    expect(await requested(await signed(wish()))).to.equal('login');
    const [pem = new Uint8Array(), set = new Uint8Array()] = publicBytes();
    const { keys } = (await (await fetch(`${running.issuer}/jwks`)).json()) as { keys: JWK[] };
    const rsa = keys.find(({ kty }) => kty === 'RSA');
    const hidden = await new CompactEncrypt(new TextEncoder().encode(await signed(wish(), pem, 'HS256')))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(await importJWK({ ...rsa, use: 'enc', alg: 'RSA-OAEP-256' }, 'RSA-OAEP-256'));
    const wrong: { [what: string]: string } = {
      'without a signature': new UnsecuredJWT(wish()).encode(),
      'by HMAC with the public key': await signed(wish(), pem, 'HS256'),
      'by HMAC with the published set': await signed(wish(), set, 'HS256'),
      'with another key': await signed(wish(), others),
      encrypted: hidden,
      over: await signed(wish({ exp: now() - 600 })),
      'not yet': await signed(wish({ nbf: now() + 600 })),
      'for somebody else': await signed(wish({ aud: 'https://elsewhere.example.org' })),
      'of another issuer': await signed(wish({ iss: 'other' })),
      'for another client': await signed(wish({ client_id: 'other' })),
      'within another one': await signed(wish({ request: await signed(wish()) })),
      'no JWT': 'x.y.z',
    };
    for (const [what, object] of Object.entries(wrong))
      expect(await requested(object), what).to.match(/^(invalid_request_object|invalid_request|page 400)$/);
    expect(await requested(await signed(wish()), 'other'), 'sent by another client').not.to.equal('login');
  });

  it('cannot take PKCE away from a request that had it, nor from a code (A47)', async () => {
    const basic = { authorization: `Basic ${btoa(`ledger:${SECRET}`)}` };
    const without = { client_id: 'ledger', code_challenge: undefined, code_challenge_method: undefined };
    const ask = async (parameters: { [name: string]: string | undefined }) => {
      const browser = new HttpBrowser();
      const request = authorization(running.issuer, parameters);
      const back = sentBack(await logIn(browser, await browser.visit(request.url, atService), login));
      return { code: back.get('code') ?? '', verifier: request.verifier };
    };
    const redeemed = async (code: string, fields: { [name: string]: string }, headers = basic) =>
      (
        await tokenRequest(
          running.issuer,
          { grant_type: 'authorization_code', redirect_uri: CALLBACK, code, ...fields },
          headers,
        )
      ).body;
    // The attacker took the challenge out on the way; the service sends its verifier (RFC 9700 section 4.8).
    const stripped = await ask(without);
    expect((await redeemed(stripped.code, { code_verifier: stripped.verifier }))['error']).to.equal('invalid_grant');
    expect(await redeemed((await ask(without)).code, {})).to.have.property('access_token');
    const kept = await ask({ client_id: 'ledger' });
    expect((await redeemed(kept.code, {}))['error']).to.equal('invalid_grant');
    const open = await ask({});
    const named = { client_id: 'payroll' };
    expect((await redeemed(open.code, named, {} as never))['error']).to.equal('invalid_grant');
    const bare = await new HttpBrowser().visit(
      authorization(running.issuer, { ...without, nonce: undefined }).url,
      atService,
    );
    expect(sentBack(bare).get('error')).to.equal('invalid_request');
  });

  it('makes us call nobody: neither for keys nor for a request, by address or by redirect (A50)', async () => {
    asked = 0;
    const refused = await present(await signed(proof({ iss: 'inner', sub: 'inner' })), { client_id: 'inner' });
    expect([refused.status, refused.body['error']]).to.be.deep.oneOf([
      [401, 'invalid_client'],
      [400, 'invalid_client_metadata'],
    ]);
    for (const request_uri of [
      `http://127.0.0.1:${portOf(canary)}/request`,
      `http://localhost:${portOf(canary)}/request`,
      `http://[::1]:${portOf(canary)}/request`,
    ]) {
      const page = await new HttpBrowser().visit(authorization(running.issuer, { request_uri }).url, atService);
      expect(page.text, request_uri).not.to.include('current-password');
    }
    expect(asked).to.equal(0);
    // Control: once the operator has let us, the listener is asked, and where it points to is not.
    await running.reload({ 'outbound.yaml': { allow: [`127.0.0.1:${portOf(canary)}`] } });
    await present(await signed(proof({ iss: 'inner', sub: 'inner' })), { client_id: 'inner' });
    expect(asked).to.equal(1);
  });
});
