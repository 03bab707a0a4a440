// Tokens that must not pass, most of them signed with the issuer's own key: each differs from a good one in one thing.
import { expect } from 'chai';
import { createLocalJWKSet, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import { ResourceServer, type ResourceServerOptions } from '../../packages/step-up/src/index.ts';
import { MFA } from '../interactions/with-phone.ts';
import { redeem, sentBack, signedIn } from '../support/service.ts';
import { freePort } from '../support/services.ts';
import { type Api, ask, JWT_API, type Provider, startApi, startProvider } from './with-api.ts';

describe('step-up package: tokens', function () {
  this.timeout(120_000);
  let provider: Provider;
  let api: Api;
  const reasons: string[] = [];
  const now = () => Math.floor(Date.now() / 1000);
  before(async () => {
    provider = await startProvider();
    const onRefusal = ({ cause }: { cause: unknown }) => void reasons.push(`${cause}`);
    api = await startApi('koa', { issuer: provider.running.issuer, audience: JWT_API, tolerance: 5, onRefusal });
  });
  after(async () => {
    await api?.close();
    await provider?.close();
  });

  const errorOf = async (token: string, path = '/any') => {
    const answer = await ask(`${api.url}${path}`, token);
    return answer.status === 200 ? 'let in' : answer.body['error'];
  };

  it('lets a good one in', async () => {
    expect(await errorOf(await provider.forge({}), '/payslips')).to.equal('let in');
    expect(await errorOf(await provider.forge({ aud: ['https://other.example', JWT_API] }))).to.equal('let in');
    expect(await errorOf(await provider.forge({}, { typ: 'application/at+jwt' }))).to.equal('let in');
    expect(await errorOf(await provider.forge({ exp: now() - 2 }))).to.equal('let in');
  });

  const wrong: { [what: string]: [payload: () => object, header?: object] } = {
    'another issuer': [() => ({ iss: 'https://other.example' })],
    'another audience': [() => ({ aud: 'https://other.example' })],
    'no audience': [() => ({ aud: undefined })],
    'is over': [() => ({ exp: now() - 7 })],
    'no end': [() => ({ exp: undefined })],
    'not yet': [() => ({ nbf: now() + 60 })],
    'issued in the future': [() => ({ iat: now() + 60 })],
    'an ID token’s type': [() => ({}), { typ: 'JWT' }],
    'no type': [() => ({}), { typ: undefined }],
    'a logout token’s type': [() => ({}), { typ: 'logout+jwt' }],
    'a key that nobody has': [() => ({}), { kid: 'nobody' }],
    'no client': [() => ({ client_id: undefined })],
    'no subject': [() => ({ sub: undefined })],
    'bound to a certificate': [() => ({ cnf: { 'x5t#S256': 'A'.repeat(43) } })],
    'bound to nothing known': [() => ({ cnf: 'yes' })],
    'bound to a key, sent bare': [() => ({ cnf: { jkt: 'A'.repeat(43) } })],
  };
  for (const [what, [payload, header]] of Object.entries(wrong)) {
    it(`refuses: ${what}`, async () => {
      expect(await errorOf(await provider.forge({ ...payload() }, { ...header }))).to.equal('invalid_token');
    });
  }

  it('refuses what the issuer signed for another purpose, and what it did not sign', async () => {
    const { request, answer } = await signedIn(provider.running.issuer, provider.login);
    const { body } = await redeem(provider.running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    expect(await errorOf(String(body['id_token']))).to.equal('invalid_token');
    const { privateKey } = await generateKeyPair('ES256');
    const own = (alg: string) =>
      new SignJWT({ iss: provider.running.issuer, aud: JWT_API, sub: 's', client_id: 'c', jti: 'j' })
        .setIssuedAt()
        .setExpirationTime('1m')
        .setProtectedHeader({ alg, typ: 'at+jwt' });
    expect(await errorOf(await own('ES256').sign(privateKey))).to.equal('invalid_token');
    const [, payload = '', signature = ''] = (await provider.forge({})).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    expect(await errorOf(`${none}.${payload}.`)).to.equal('invalid_token');
    expect(await errorOf(`${none}.${payload}.${signature}`)).to.equal('invalid_token');
    const symmetric = new TextEncoder().encode('the published key, taken for a shared secret');
    expect(await errorOf(await own('HS256').sign(symmetric))).to.equal('invalid_token');
  });

  it('never tells the client why, and the log never a token', async () => {
    reasons.length = 0;
    const texts = new Set<string>();
    const token = await provider.forge({ aud: 'https://other.example' });
    for (const bad of [token, await provider.forge({ exp: now() - 100 }), 'a.b.c']) {
      const answer = await ask(`${api.url}/any`, bad);
      texts.add(`${answer.challenge} ${answer.text}`);
    }
    expect(texts.size).to.equal(1);
    expect(reasons).to.have.length(3);
    expect(reasons.join()).to.not.include(token.slice(-40));
  });

  it('asks for a fresh sign-in by its age, and counts a missing time as old', async () => {
    for (const auth_time of [now() - 1000, undefined, 'yesterday', null]) {
      const answer = await ask(`${api.url}/payslips`, await provider.forge({ auth_time }));
      expect(answer.challenge, `${auth_time}`).to.include('error="insufficient_user_authentication"');
      expect(answer.challenge)
        .to.include('A more recent')
        .and.include('max_age="900"')
        .and.include(`acr_values="${MFA}"`);
    }
    expect(await errorOf(await provider.forge({ auth_time: now() - 902 }), '/payslips')).to.equal('let in');
  });

  it('takes a higher level, and none that it does not know', async () => {
    for (const acr of ['urn:countersign:acr:phr', 'phr', 'https://refeds.org/profile/mfa'])
      expect(await errorOf(await provider.forge({ acr }), '/payslips'), acr).to.equal('let in');
    for (const acr of ['urn:countersign:acr:basic', 'urn:nobody', '', undefined, ['urn:countersign:acr:mfa']])
      expect(await errorOf(await provider.forge({ acr }), '/payslips'), `${acr}`).to.equal(
        'insufficient_user_authentication',
      );
  });

  it('looks for a scope as a whole word', async () => {
    for (const scope of ['payslips:approve', 'payslip', '', undefined, ['payslips']])
      expect(await errorOf(await provider.forge({ scope }), '/payslips')).to.equal('insufficient_scope');
  });

  it('takes a token from the Authorization header alone', async () => {
    const token = await provider.forge({});
    expect((await ask(`${api.url}/any?access_token=${token}`)).status).to.equal(401);
    for (const authorization of [`Basic ${token}`, token, `Bearerish ${token}`])
      expect((await ask(`${api.url}/any`, undefined, undefined, { authorization })).body['error']).to.equal(
        'token_missing',
      );
    for (const authorization of [
      `Bearer ${token} ${token}`,
      `Bearer ${token}, Bearer ${token}`,
      'Bearer',
      'Bearer "x"',
    ]) {
      const answer = await ask(`${api.url}/any`, undefined, undefined, { authorization });
      expect([answer.status, answer.body['error']], authorization).to.deep.equal([400, 'invalid_request']);
    }
    expect((await ask(`${api.url}/any`, undefined, undefined, { authorization: `bEaReR ${token}` })).status).to.equal(
      200,
    );
  });

  it('says 503 while the issuer cannot be reached, and works once it can', async () => {
    const token = await provider.forge({});
    const late = await startApi('koa', { issuer: provider.running.issuer, audience: JWT_API });
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      provider.down = path;
      const answer = await ask(`${late.url}/any`, token);
      expect([answer.status, answer.challenge], path).to.deep.equal([503, '']);
      expect(answer.text).to.not.include('localhost');
    }
    provider.down = undefined;
    expect((await ask(`${late.url}/any`, token)).status).to.equal(200);
    await late.close();
    const nobody = `http://localhost:${await freePort()}`;
    const gone = await startApi('koa', { issuer: nobody, audience: JWT_API });
    expect((await ask(`${gone.url}/any`, token)).status).to.equal(503);
    await gone.close();
  });

  it('takes keys and their address as they are given', async () => {
    const { issuer } = provider.running;
    const jwksUri = `${issuer}/jwks`;
    const keys = createLocalJWKSet((await (await fetch(jwksUri)).json()) as JSONWebKeySet);
    provider.down = '/.well-known/openid-configuration';
    for (const given of [{ jwksUri }, { keys }]) {
      const own = await startApi('koa', { issuer, audience: JWT_API, ...given });
      expect((await ask(`${own.url}/any`, await provider.forge({}))).status).to.equal(200);
      expect((await ask(`${own.url}/any`, await provider.forge({ iss: 'x' }))).status).to.equal(401);
      await own.close();
    }
    provider.down = undefined;
  });

  it('believes a discovery document only about the issuer that it asked', async () => {
    const alias = provider.running.issuer.replace('localhost', '127.0.0.1');
    const other = await startApi('koa', { issuer: alias, audience: JWT_API });
    const answer = await ask(`${other.url}/any`, await provider.forge({ iss: alias }));
    expect(answer.status).to.equal(503);
    await other.close();
  });
});

describe('step-up package: set-up', () => {
  const good: ResourceServerOptions = { issuer: 'https://id.example.org', audience: 'https://api.example.org' };
  const make = (more: Partial<ResourceServerOptions>) => () => new ResourceServer({ ...good, ...more });

  it('refuses options that are not safe or would never work', () => {
    expect(make({})).to.not.throw();
    expect(make({ issuer: 'http://id.example.org' })).to.throw(TypeError, 'https');
    expect(make({ issuer: 'id.example.org' })).to.throw(TypeError, 'https');
    expect(make({ jwksUri: 'http://id.example.org/jwks' })).to.throw(TypeError, 'jwksUri');
    expect(make({ audience: '' })).to.throw(TypeError, 'audience');
    expect(make({ algorithms: ['HS256'] })).to.throw(TypeError, 'HS256');
    expect(make({ algorithms: ['none'] })).to.throw(TypeError, 'none');
    expect(make({ algorithms: [] })).to.throw(TypeError, 'empty');
    expect(make({ tolerance: 3600 })).to.throw(TypeError, 'tolerance');
    expect(make({ dpop: { window: 86_400 } })).to.throw(TypeError, 'window');
    expect(make({ dpop: { algorithms: ['HS256'] } })).to.throw(TypeError, 'dpop.algorithms');
    expect(make({ realm: 'a\r\nb' })).to.throw(TypeError, 'realm');
    expect(make({ audience: 'payroll' })).to.throw(TypeError, 'publicUrl');
    expect(make({ audience: 'payroll', dpop: 'off' })).to.not.throw();
  });

  it('refuses a requirement that nothing or everything would meet by mistake', () => {
    const server = new ResourceServer(good);
    expect(() => server.guard({ level: 'mfaa' })).to.throw(
      TypeError,
      'no level is called "mfaa"; known: basic, mfa, phr',
    );
    expect(() => server.guard({ level: 'mfa', acrValues: ['x'] })).to.throw(TypeError, 'not both');
    expect(() => server.guard({ acrValues: [] })).to.throw(TypeError, 'empty');
    expect(() => server.guard({ scopes: ['a b'] })).to.throw(TypeError);
    expect(() => server.guard({ acrValues: ['a"b'] })).to.throw(TypeError);
    for (const maxAge of [0, -1, 1.5, Number.NaN]) expect(() => server.guard({ maxAge })).to.throw(TypeError, 'maxAge');
  });
});
