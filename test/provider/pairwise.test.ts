// Pairwise subjects: services of different sectors cannot tell that they serve the same person (OpenID Connect Core section 8.1).
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { pairwiseSubject } from '../../src/provider/pairwise.ts';
import { Secret } from '../../src/settings/secret.ts';
import { PASSWORD, person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { authorization, redeem } from '../support/service.ts';

const API = 'https://api.example.org/payslips';
const ELSEWHERE = 'http://localhost:90/callback';
const CALLBACK = 'http://localhost:9/callback';

describe('pairwise subjects', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let login: string;
  let userId: string;
  before(async () => {
    const pairwise = { ...SERVICE, subject_type: 'pairwise' };
    running = await startHouse({
      files: {
        'clients/here.yaml': { ...pairwise, client_id: 'here' },
        'clients/twin.yaml': { ...pairwise, client_id: 'twin' },
        'clients/elsewhere.yaml': { ...pairwise, client_id: 'elsewhere', redirect_uris: [ELSEWHERE] },
        'resources/payslips.yaml': { identifier: API, name: 'Payslips', token_format: 'jwt', scopes: { read: {} } },
      },
    });
    const made = await person(running.house);
    login = made.login;
    userId = made.id;
  });
  after(() => running?.close());

  /** Signs in to a service and answers what it learns. */
  async function learn(client_id: string, redirect_uri = CALLBACK, more: { [name: string]: string } = {}) {
    const browser = new HttpBrowser();
    const there = (url: string) => url.startsWith(redirect_uri);
    const request = authorization(running.issuer, { client_id, redirect_uri, ...more });
    const form = formOf(await browser.visit(request.url, there), '/login');
    const back = await browser.post(form.url, { ...form.fields, login, password: PASSWORD }, there);
    const code = new URL(back.location ?? '').searchParams.get('code') ?? '';
    const { resource } = more;
    return redeem(running.issuer, code, request.verifier, {
      client_id,
      redirect_uri,
      ...(resource === undefined ? {} : { resource }),
    });
  }

  it('are another one for another sector, the same within one, and nowhere our own', async () => {
    const [plain, here, twin, elsewhere] = await Promise.all([
      learn('payroll'),
      learn('here'),
      learn('twin'),
      learn('elsewhere', ELSEWHERE),
    ]);
    expect(plain.claims.sub).to.equal(userId);
    expect(here.claims.sub).to.match(/^[\w-]{43}$/);
    expect(twin.claims.sub).to.equal(here.claims.sub);
    expect(elsewhere.claims.sub)
      .to.match(/^[\w-]{43}$/)
      .and.not.to.equal(here.claims.sub);
    expect((await learn('here')).claims.sub, 'a second sign-in').to.equal(here.claims.sub);
    const token = String(here.body['access_token']);
    const me = await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(((await me.json()) as { sub: string }).sub).to.equal(here.claims.sub);
  });

  it('stand in a JWT access token too', async () => {
    const { body, claims } = await learn('here', CALLBACK, { resource: API, scope: 'openid read' });
    expect(decodeJwt(String(body['access_token'])).sub).to.equal(claims.sub);
    expect(claims.sub).not.to.equal(userId);
  });

  it('are told in discovery', async () => {
    const told = (await (await fetch(`${running.issuer}/.well-known/openid-configuration`)).json()) as {
      subject_types_supported: string[];
    };
    expect(told.subject_types_supported).to.have.members(['public', 'pairwise']);
  });

  it('stay when a new pepper is put in front', () => {
    const pepper = (id: string, byte: number) => ({
      id,
      secret: new Secret(Buffer.alloc(32, byte).toString('base64url'), 'test'),
    });
    const before = pairwiseSubject([pepper('a', 1)], 'example.org', 'ada');
    expect(pairwiseSubject([pepper('b', 2), pepper('a', 1)], 'example.org', 'ada')).to.equal(before);
    expect(pairwiseSubject([pepper('b', 2)], 'example.org', 'ada')).not.to.equal(before);
  });
});
