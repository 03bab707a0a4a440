// FAPI 2.0 Security Profile for a client that holds itself to it; signed requests, answers and introspection (JAR, JARM, RFC 9701).
import { expect } from 'chai';
import { createRemoteJWKSet, exportJWK, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, logIn, sentBack } from '../support/service.ts';

const MFA = 'urn:countersign:acr:mfa';
const SECRET = 'a secret of the worker, long enough';
const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;

describe('profiles of clients', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let login: string;
  let bank: client.Configuration;
  let keys: CryptoKeyPair;
  before(async () => {
    keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'bank-1', use: 'sig', alg: 'ES256' };
    const registered = {
      ...SERVICE,
      client_name: 'Bank',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
      id_token_signed_response_alg: 'ES256',
    };
    running = await startHouse({
      files: {
        'clients/bank.yaml': { ...registered, client_id: 'bank', profile: 'fapi2' },
        'clients/signer.yaml': { ...registered, client_id: 'signer', client_name: 'Signer' },
        'clients/worker.yaml': {
          client_id: 'worker',
          client_secret: SECRET,
          token_endpoint_auth_method: 'client_secret_jwt',
          grant_types: ['client_credentials'],
        },
        'lifetimes.yaml': { code: '5m' },
      },
    });
    ({ login } = await person(running.house));
    bank = await discovered('bank');
  });
  after(() => running?.close());

  function discovered(clientId: string): Promise<client.Configuration> {
    const proof = client.PrivateKeyJwt({ key: keys.privateKey, kid: 'bank-1' });
    const metadata = { id_token_signed_response_alg: 'ES256' };
    return client.discovery(new URL(running.issuer), clientId, metadata, proof, {
      execute: [client.allowInsecureRequests],
    });
  }

  async function parameters(more: Record<string, string> = {}) {
    const verifier = client.randomPKCECodeVerifier();
    const code_challenge = await client.calculatePKCECodeChallenge(verifier);
    const asked = { redirect_uri: CALLBACK, scope: 'openid', code_challenge, code_challenge_method: 'S256', ...more };
    return { verifier, asked };
  }

  it('takes pushed requests only, and gives tokens that are bound to a key only', async () => {
    const plain = authorization(running.issuer, { client_id: 'bank' });
    const refused = await new HttpBrowser().visit(plain.url, atService);
    expect(sentBack(refused).get('error')).to.equal('invalid_request');

    const { verifier, asked } = await parameters({ response_mode: 'jwt' });
    const browser = new HttpBrowser();
    const url = await client.buildAuthorizationUrlWithPAR(bank, asked);
    expect([...url.searchParams.keys()].sort()).to.deep.equal(['client_id', 'request_uri']);
    const back = await logIn(browser, await browser.visit(url.href), login);
    expect([...sentBack(back).keys()]).to.deep.equal(['response']);
    client.useJwtResponseMode(bank);
    const address = new URL(back.location ?? '');
    const bare = await client.authorizationCodeGrant(bank, address, { pkceCodeVerifier: verifier }).then(
      () => 'tokens',
      (error: { error?: string }) => error.error,
    );
    expect(bare).to.equal('invalid_grant');

    const again = await parameters({ response_mode: 'jwt' });
    const next = await client.buildAuthorizationUrlWithPAR(bank, again.asked);
    const answered = await browser.visit(next.href, atService);
    const pair = await client.randomDPoPKeyPair('ES256');
    const DPoP = client.getDPoPHandle(bank, pair);
    const tokens = await client.authorizationCodeGrant(
      bank,
      new URL(answered.location ?? ''),
      { pkceCodeVerifier: again.verifier },
      undefined,
      { DPoP },
    );
    expect(tokens.token_type.toLowerCase()).to.equal('dpop');
    const me = await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(me.status).to.equal(401);
    const info = await client.fetchUserInfo(bank, tokens.access_token, tokens.claims()?.sub ?? '', { DPoP });
    expect(info.sub).to.equal(tokens.claims()?.sub);
  });

  it('keeps codes for a minute, whatever lifetimes.yaml says', async () => {
    const { provider } = running.house;
    const code = new (provider().AuthorizationCode)({
      client: await provider().Client.find('bank'),
      accountId: 'x',
    } as never);
    expect(code.expiration).to.equal(60);
  });

  it('reads the level out of a signed request, and no other client’s key signs it', async () => {
    const signer = await discovered('signer');
    const { asked } = await parameters({ acr_values: MFA, prompt: 'none' });
    const browser = new HttpBrowser();
    await logIn(browser, await browser.visit(authorization(running.issuer).url), login);
    const key = { key: keys.privateKey, kid: 'bank-1' };
    const url = await client.buildAuthorizationUrlWithJAR(signer, asked, key);
    expect(sentBack(await browser.visit(url.href, atService)).get('error')).to.equal(
      'unmet_authentication_requirements',
    );
    const essential = { id_token: { acr: { essential: true, values: [MFA] } } };
    const { asked: claimed } = await parameters({ claims: JSON.stringify(essential), prompt: 'none' });
    const second = await client.buildAuthorizationUrlWithJAR(signer, claimed, key);
    expect(sentBack(await browser.visit(second.href, atService)).get('error')).to.equal(
      'unmet_authentication_requirements',
    );
    const stranger = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
    const forged = await client.buildAuthorizationUrlWithJAR(signer, asked, {
      key: stranger.privateKey,
      kid: 'bank-1',
    });
    const page = await browser.visit(forged.href, atService);
    expect(page.location === undefined ? page.status : sentBack(page).get('error')).to.be.oneOf([
      400,
      'invalid_request_object',
    ]);
  });

  it('takes an assertion under the client’s secret, and none under another one', async () => {
    const tokens = async (secret: string) => {
      const proof = client.ClientSecretJwt(secret);
      const execute = [client.allowInsecureRequests];
      const worker = await client.discovery(new URL(running.issuer), 'worker', undefined, proof, { execute });
      return client.clientCredentialsGrant(worker).then(
        ({ token_type }) => token_type,
        ({ error }: { error?: string }) => error,
      );
    };
    expect(await tokens(SECRET)).to.equal('bearer');
    expect(await tokens(SECRET.replace('worker', 'others'))).to.equal('invalid_client');
  });

  it('signs the answer of an introspection for who asks for it', async () => {
    const signer = await discovered('signer');
    const { verifier, asked } = await parameters();
    const browser = new HttpBrowser();
    const url = client.buildAuthorizationUrl(signer, asked);
    const back = await logIn(browser, await browser.visit(url.href), login);
    const address = new URL(back.location ?? '');
    const tokens = await client.authorizationCodeGrant(signer, address, { pkceCodeVerifier: verifier });
    let sent = '';
    signer[client.customFetch] = async (target, options) => {
      const headers = { ...(options.headers as Record<string, string>), accept: 'application/token-introspection+jwt' };
      const answer = await fetch(target, { ...options, headers } as RequestInit);
      sent = await answer.clone().text();
      return answer;
    };
    await client.tokenIntrospection(signer, tokens.access_token).catch(() => undefined);
    const set = createRemoteJWKSet(new URL(`${running.issuer}/jwks`));
    const { payload } = await jwtVerify(sent, set, { issuer: running.issuer, audience: 'signer' });
    expect(payload['token_introspection']).to.include({ active: true, acr: 'urn:countersign:acr:basic' });
  });
});
