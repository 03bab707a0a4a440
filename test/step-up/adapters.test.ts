// The same API by four frameworks, against the real provider: refused with a challenge, stepped up by what the challenge says, let in.
import { expect } from 'chai';
import { authorizationParameters, parseChallenge, tokenOf } from '../../packages/step-up/src/index.ts';
import { MFA } from '../interactions/with-phone.ts';
import {
  API_SECRET,
  type Api,
  ask,
  type ClientKey,
  clientKey,
  FRAMEWORKS,
  JWT_API,
  OPAQUE_API,
  type Provider,
  startApi,
  startProvider,
} from './with-api.ts';

describe('step-up package: four frameworks', function () {
  this.timeout(120_000);
  let provider: Provider;
  let key: ClientKey;
  let weak: string;
  let strong: string;
  let bound: string;
  before(async () => {
    provider = await startProvider();
    key = await clientKey();
    weak = await provider.token(JWT_API);
  });
  after(() => provider?.close());

  for (const framework of Object.keys(FRAMEWORKS)) {
    describe(framework, () => {
      let api: Api;
      before(async () => {
        api = await startApi(framework, { issuer: provider.running.issuer, audience: JWT_API, realm: 'pay "all"' });
      });
      after(() => api?.close());

      it('tells who comes without a token which schemes there are, and no error', async () => {
        const answer = await ask(`${api.url}/payslips`);
        expect(answer.status).to.equal(401);
        expect(answer.challenge).to.equal(
          'Bearer realm="pay \\"all\\"", DPoP realm="pay \\"all\\"", algs="ES256 EdDSA PS256"',
        );
        expect(answer.headers.get('cache-control')).to.equal('no-store');
        expect(answer.headers.get('content-type')).to.match(/^application\/json/);
        expect(answer.body['error']).to.equal('token_missing');
      });

      it('says what is missing, and lets in who comes back with it', async () => {
        const refused = await ask(`${api.url}/payslips?month=11`, weak);
        expect(refused.status).to.equal(401);
        expect(refused.challenge).to.match(
          /^Bearer realm="pay \\"all\\"", error="insufficient_user_authentication", error_description="A stronger sign-in is needed\.", acr_values="urn:countersign:acr:mfa", max_age="900", DPoP realm="pay \\"all\\"", algs="ES256 EdDSA PS256"$/,
        );
        const challenge = parseChallenge(refused.challenge);
        expect(challenge?.error).to.equal('insufficient_user_authentication');
        const parameters = challenge && authorizationParameters(challenge);
        expect(parameters).to.deep.equal({ acr_values: MFA, max_age: '900' });
        strong ??= await provider.token(JWT_API, { ...parameters });
        const answer = await ask(`${api.url}/payslips?month=11`, strong);
        expect([answer.status, answer.body['acr'], answer.body['scheme']]).to.deep.equal([200, MFA, 'bearer']);
        expect(answer.body['subject']).to.be.a('string');
      });

      it('asks for a scope by 403', async () => {
        const refused = await ask(`${api.url}/approve`, weak);
        expect(refused.status).to.equal(403);
        expect(refused.challenge)
          .to.include('error="insufficient_scope"')
          .and.include('scope="payslips payslips:approve"');
        const challenge = parseChallenge(refused.challenge);
        expect(challenge && authorizationParameters(challenge, ['openid'])).to.deep.equal({
          scope: 'openid payslips payslips:approve',
        });
      });

      it('takes a token of the provider that is bound to a key, with its proof, once', async () => {
        bound ??= await provider.token(JWT_API, {}, key);
        const url = `${api.url}/any`;
        const proof = await key.proof('GET', url, bound);
        const headers = { authorization: `DPoP ${bound}`, dpop: proof };
        const answer = await ask(`${url}?a=b`, undefined, undefined, headers);
        expect([answer.status, answer.body['scheme']]).to.deep.equal([200, 'dpop']);
        const again = await ask(url, undefined, undefined, headers);
        expect(again.status).to.equal(401);
        expect(again.challenge).to.match(/DPoP realm="pay \\"all\\"", error="invalid_dpop_proof"/);
        const asBearer = await ask(url, bound);
        expect([asBearer.status, asBearer.body['error']]).to.deep.equal([401, 'invalid_token']);
      });

      it('refuses two proofs', async () => {
        const proofs = await Promise.all([0, 1].map(() => key.proof('GET', `${api.url}/any`, bound)));
        const answer = await ask(`${api.url}/any`, undefined, undefined, {
          authorization: `DPoP ${bound}`,
          dpop: proofs.join(', '),
        });
        expect([answer.status, answer.body['error']]).to.deep.equal([401, 'invalid_dpop_proof']);
      });
    });
  }

  it('refuses what no guard has let in', async () => {
    expect(() => tokenOf({})).to.throw('no guard stood before this handler');
    const api = await startApi('koa', { issuer: provider.running.issuer, audience: JWT_API });
    try {
      expect((await fetch(`${api.url}/without-a-guard`)).status).to.equal(500);
    } finally {
      await api.close();
    }
  });

  describe('opaque tokens', () => {
    let api: Api;
    let opaque: string;
    const introspection = { clientId: 'api', clientSecret: API_SECRET };
    before(async () => {
      api = await startApi('koa', { issuer: provider.running.issuer, audience: OPAQUE_API, introspection });
      opaque = await provider.token(OPAQUE_API, { acr_values: MFA });
    });
    after(() => api?.close());

    it('are asked about, with their level', async () => {
      expect(opaque).to.not.include('.');
      const answer = await ask(`${api.url}/payslips`, opaque);
      expect([answer.status, answer.body['acr']]).to.deep.equal([200, MFA]);
      const weakOpaque = await provider.token(OPAQUE_API);
      const refused = await ask(`${api.url}/payslips`, weakOpaque);
      expect(refused.challenge).to.include('error="insufficient_user_authentication"');
    });

    it('are bound to their key', async () => {
      const boundOpaque = await provider.token(OPAQUE_API, {}, key);
      expect((await ask(`${api.url}/any`, boundOpaque)).body['error']).to.equal('invalid_token');
      expect((await ask(`${api.url}/any`, boundOpaque, await clientKey())).body['error']).to.equal(
        'invalid_dpop_proof',
      );
      expect((await ask(`${api.url}/any`, boundOpaque, key)).status).to.equal(200);
    });

    it('are refused when they are revoked, unknown, or another service’s', async () => {
      const revoked = await provider.token(OPAQUE_API);
      expect((await ask(`${api.url}/any`, revoked)).status).to.equal(200);
      const body = new URLSearchParams({ token: revoked, client_id: 'payroll' });
      expect((await fetch(`${provider.running.issuer}/token/revocation`, { method: 'POST', body })).status).to.equal(
        200,
      );
      expect((await ask(`${api.url}/any`, revoked)).body['error']).to.equal('invalid_token');
      expect((await ask(`${api.url}/any`, 'nobody-knows-me')).body['error']).to.equal('invalid_token');
      const other = await startApi('koa', { issuer: provider.running.issuer, audience: JWT_API, introspection });
      expect((await ask(`${other.url}/any`, opaque)).body['error']).to.equal('invalid_token');
      await other.close();
    });

    it('are refused by what the answer says, whatever else stands in it, and never let in by an error', async () => {
      const claims = { aud: OPAQUE_API, exp: Math.floor(Date.now() / 1000) + 60 };
      const meet = async (status: number, body: object) => {
        provider.instead = { status, body };
        return (await ask(`${api.url}/any`, opaque)).status;
      };
      provider.down = '/token/introspection';
      try {
        expect(await meet(200, { active: true, ...claims })).to.equal(200);
        expect(await meet(200, { active: false, ...claims })).to.equal(401);
        expect(await meet(200, { active: true, ...claims, exp: 1 })).to.equal(401);
        expect(await meet(200, { active: true, ...claims, iss: 'https://other.example' })).to.equal(401);
        for (const active of ['true', 1, undefined]) expect(await meet(200, { active, ...claims })).to.equal(503);
        for (const status of [201, 401, 500]) expect(await meet(status, { active: true, ...claims })).to.equal(503);
      } finally {
        provider.down = undefined;
        provider.instead = { status: 502, body: {} };
      }
    });

    it('are answered with 503 where the issuer does not let us ask', async () => {
      const options = { issuer: provider.running.issuer, audience: OPAQUE_API };
      const wrong = await startApi('koa', { ...options, introspection: { ...introspection, clientSecret: 'wrong' } });
      const answer = await ask(`${wrong.url}/any`, opaque);
      expect([answer.status, answer.challenge, answer.headers.get('retry-after')]).to.deep.equal([503, '', '5']);
      await wrong.close();
    });
  });
});
