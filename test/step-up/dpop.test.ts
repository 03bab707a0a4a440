// DPoP proofs that must not pass (RFC 9449 section 4.3): each differs from a good one in one thing.
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { MemoryReplayStore, type ReplayStore } from '../../packages/step-up/src/index.ts';
import {
  type Api,
  ask,
  type ClientKey,
  clientKey,
  JWT_API,
  type ProofParts,
  type Provider,
  startApi,
  startProvider,
} from './with-api.ts';

describe('step-up package: DPoP', function () {
  this.timeout(120_000);
  let provider: Provider;
  let api: Api;
  let key: ClientKey;
  let token: string;
  const now = () => Math.floor(Date.now() / 1000);
  before(async () => {
    provider = await startProvider();
    key = await clientKey();
    token = await provider.forge({ cnf: { jkt: key.thumbprint } });
    api = await startApi('express', { issuer: provider.running.issuer, audience: JWT_API, tolerance: 5 });
  });
  after(async () => {
    await api?.close();
    await provider?.close();
  });

  const send = async (dpop: string | undefined, path = '/any', authorization = `DPoP ${token}`) => {
    const headers: { [name: string]: string } = { authorization, ...(dpop === undefined ? {} : { dpop }) };
    const answer = await ask(`${api.url}${path}`, undefined, undefined, headers);
    return answer.status === 200 ? 'let in' : answer.body['error'];
  };
  const proof = (more: ProofParts = {}, method = 'GET', url = `${api.url}/any`) => key.proof(method, url, token, more);

  it('lets a good one in, its address compared as addresses are', async () => {
    expect(await send(await proof())).to.equal('let in');
    for (const htu of ['/any?x=y', '/any#z', '/%61ny', '/./any'])
      expect(await send(await proof({ payload: { htu: `${api.url}${htu}` } })), htu).to.equal('let in');
    expect(await send(await proof({ payload: { htu: `${api.url.replace('http', 'HTTP')}/any` } }))).to.equal('let in');
    expect(await send(await proof({ payload: { iat: now() - 50 } }))).to.equal('let in');
  });

  const wrong: { [what: string]: () => ProofParts } = {
    'another method': () => ({ payload: { htm: 'POST' } }),
    'another path': () => ({ payload: { htu: `${api.url}/payslips` } }),
    'another host': () => ({ payload: { htu: 'http://other.example/any' } }),
    'an address that is none': () => ({ payload: { htu: '/any' } }),
    'no address': () => ({ payload: { htu: undefined } }),
    'another token’s hash': () => ({ payload: { ath: 'A'.repeat(43) } }),
    'no hash of the token': () => ({ payload: { ath: undefined } }),
    'too old': () => ({ payload: { iat: now() - 70 } }),
    'of the future': () => ({ payload: { iat: now() + 30 } }),
    'no time': () => ({ payload: { iat: undefined } }),
    'no id': () => ({ payload: { jti: undefined } }),
    'an endless id': () => ({ payload: { jti: 'x'.repeat(5000) } }),
    'another type': () => ({ header: { typ: 'JWT' } }),
    'no key': () => ({ header: { jwk: undefined } }),
  };
  for (const [what, parts] of Object.entries(wrong)) {
    it(`refuses: ${what}`, async () => {
      expect(await send(await proof(parts()))).to.equal('invalid_dpop_proof');
    });
  }

  it('refuses another key, a key that is shown whole, and one that is shared', async () => {
    const other = await clientKey();
    expect(await send(await other.proof('GET', `${api.url}/any`, token))).to.equal('invalid_dpop_proof');
    const whole = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(whole.privateKey);
    const claims = { jti: 'j', htm: 'GET', htu: `${api.url}/any`, iat: now(), ath: 'x' };
    const shown = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk });
    expect(await send(await shown.sign(whole.privateKey))).to.equal('invalid_dpop_proof');
    const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef');
    const shared = { kty: 'oct', k: Buffer.from(secret).toString('base64url') };
    const symmetric = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: shared });
    expect(await send(await symmetric.sign(secret))).to.equal('invalid_dpop_proof');
  });

  it('refuses a token without its proof, a proof without its scheme, and a bare token by DPoP', async () => {
    expect(await send(undefined)).to.equal('invalid_dpop_proof');
    expect(await send(await proof(), '/any', `Bearer ${token}`)).to.equal('invalid_token');
    const bare = await provider.forge({});
    expect(await send(await key.proof('GET', `${api.url}/any`, bare), '/any', `DPoP ${bare}`)).to.equal(
      'invalid_token',
    );
  });

  it('spends a proof once, of many at the same time too', async () => {
    const dpop = await proof();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(dpop)));
    expect(answers.filter((answer) => answer === 'let in')).to.have.length(1);
  });

  it('never believes the Host header or an absolute address', async () => {
    const htu = 'http://other.example/any';
    const answer = await ask(`${api.url}/any`, undefined, undefined, {
      authorization: `DPoP ${token}`,
      dpop: await proof({ payload: { htu } }),
      'x-forwarded-host': 'other.example',
    });
    expect(answer.body['error']).to.equal('invalid_dpop_proof');
  });

  it('takes nothing but DPoP where that is required, and no bound token where it is off', async () => {
    const options = { issuer: provider.running.issuer, audience: JWT_API };
    const required = await startApi('koa', { ...options, dpop: { required: true } });
    const bare = await ask(`${required.url}/any`, await provider.forge({}));
    expect([bare.status, bare.body['error']]).to.deep.equal([401, 'invalid_token']);
    expect(bare.challenge).to.match(/^DPoP error="invalid_token".*algs="ES256 EdDSA PS256"$/);
    expect((await ask(`${required.url}/any`, token, key)).status).to.equal(200);
    await required.close();
    const off = await startApi('koa', { ...options, dpop: 'off' });
    for (const by of [key, undefined])
      expect((await ask(`${off.url}/any`, token, by)).body['error']).to.equal('invalid_token');
    expect((await ask(`${off.url}/any`)).challenge).to.equal('Bearer');
    await off.close();
  });

  it('asks a store of one’s own, after everything else, and lets nobody in when it fails', async () => {
    const asked: [string, number][] = [];
    let work: ReplayStore['spend'] = (...what) => asked.push(what) === 1;
    const replays: ReplayStore = { spend: (...what) => work(...what) };
    const options = { issuer: provider.running.issuer, audience: JWT_API, tolerance: 5 };
    const own = await startApi('koa', { ...options, dpop: { replays, window: 30 } });
    expect((await ask(`${own.url}/any`, token, await clientKey())).status).to.equal(401);
    expect(asked).to.deep.equal([]);
    expect((await ask(`${own.url}/any`, token, key)).status).to.equal(200);
    expect((await ask(`${own.url}/any`, token, key)).status).to.equal(401);
    expect(asked[0]?.[0]).to.match(/^[\w-]{43}$/);
    expect(asked[0]?.[1]).to.equal(36);
    work = () => Promise.reject(new Error('the store is away'));
    const answer = await ask(`${own.url}/any`, token, key);
    expect([answer.status, answer.text.includes('store is away')]).to.deep.equal([503, false]);
    await own.close();
  });

  it('has a memory that is bounded, forgets what is over, and never forgets early', async () => {
    const store = new MemoryReplayStore(2);
    expect([store.spend('a', 60), store.spend('a', 60), store.spend('b', 0.05)]).to.deep.equal([true, false, true]);
    expect(() => store.spend('c', 60)).to.throw('full');
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect([store.spend('c', 60), store.spend('a', 60)]).to.deep.equal([true, false]);
  });
});
