// What an operator changes while the server runs: each section of the configuration holds from the reload on, and nobody is signed out.
import { expect } from 'chai';
import pg from 'pg';
import { selfSigned } from '../support/client-certificates.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { atService, authorization, redeem, sentBack, signedIn } from '../support/service.ts';

const LEVELS = [
  { name: 'basic', acr: ['urn:countersign:acr:basic'], any_of: [['password']] },
  { name: 'mfa', acr: ['urn:countersign:acr:mfa'], any_of: [['password', 'phone']] },
];

describe('settings that change while the server runs', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let database: pg.Client;
  let login: string;
  let id: string;

  before(async () => {
    running = await startHouse({ files: { 'levels.yaml': { levels: LEVELS } } });
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    ({ login, id } = await person(running.house));
  });
  after(async () => {
    await database?.end();
    await running?.close();
  });

  const json = async (path: string) =>
    (await (await fetch(`${running.issuer}${path}`)).json()) as { [name: string]: unknown };
  const discovery = () => json('/.well-known/openid-configuration');
  const metadata = () => json('/device/v1/metadata');
  /** Signs in anew: the browser, and what the service was given. */
  async function signIn() {
    const { browser, request, answer } = await signedIn(running.issuer, login);
    return { browser, ...(await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier)) };
  }
  /** Takes files over; nothing may wait for the next start. */
  async function change(files: Parameters<RunningHouse['reload']>[0]): Promise<void> {
    expect((await running.reload(files)).needsRestart, Object.keys(files).join()).to.deep.equal([]);
  }

  it('a new level is offered, asked for and reached, by a session of before', async () => {
    const { browser } = await signIn();
    const level = 'urn:example:plain';
    await change({
      'levels.yaml': { levels: [...LEVELS, { name: 'plain', acr: [level], any_of: [['password']] }] },
      // It names the level that comes with it: they are tried together.
      'clients/payroll.yaml': { ...SERVICE, minimum_level: 'plain', default_acr_values: [level] },
    });
    expect((await discovery())['acr_values_supported']).to.include(level);
    const request = authorization(running.issuer, { acr_values: level, prompt: 'none' });
    const answer = sentBack(await browser.visit(request.url, atService));
    const { claims } = await redeem(running.issuer, answer.get('code') ?? '', request.verifier);
    expect(claims['acr']).to.equal(level);

    await change({ 'clients/payroll.yaml': SERVICE });
    // A client that stays as it was is tried again where a level goes.
    await change({ 'clients/payroll.yaml': { ...SERVICE, default_acr_values: [level] } });
    const refused = await running.reload({ 'levels.yaml': { levels: LEVELS } }).catch((error: Error) => error.message);
    expect(refused).to.contain('payroll.yaml').and.contain('default_acr_values');
    expect((await discovery())['acr_values_supported'], 'nothing changed').to.include(level);
    await change({ 'clients/payroll.yaml': SERVICE, 'levels.yaml': { levels: LEVELS } });
    expect((await discovery())['acr_values_supported']).not.to.include(level);
  });

  it('tokens live as long as lifetimes.yaml says by then', async () => {
    await change({ 'lifetimes.yaml': { id_token: '7m', access_token: '11m' } });
    const { claims, body } = await signIn();
    expect(Number(claims.exp) - Number(claims.iat)).to.equal(420);
    expect(body['expires_in']).to.equal(660);
  });

  it('a password is hashed anew at the next sign-in, with the costs of methods.yaml', async () => {
    const hash = async () =>
      (await database.query<{ password_hash: string }>('select password_hash from users where id = $1', [id])).rows[0]
        ?.password_hash;
    await signIn();
    expect(await hash()).to.contain('m=1024,');
    await change({ 'methods.yaml': { password: { memory_kib: 2048 } } });
    await signIn();
    expect(await hash()).to.contain('m=2048,');
  });

  it('phones are told the rules of devices.yaml, and whether there is push', async () => {
    const before = await metadata();
    expect(before).to.include({ number_digits: 6, offline: true }).and.to.have.property('vapid_public_key');
    await change({
      'devices.yaml': { kdf_iterations: 1000, number_digits: 8, offline: false, push: { enabled: false } },
    });
    expect(await metadata())
      .to.include({ number_digits: 8, offline: false })
      .and.not.to.have.property('vapid_public_key');
    await change({ 'devices.yaml': { kdf_iterations: 1000 } });
    expect((await metadata())['vapid_public_key'], 'the key that phones subscribed with').to.equal(
      before['vapid_public_key'],
    );
  });

  it('of the server, what is behind which proxy holds at once; where it listens does not, and is named', async () => {
    const server = { issuer: running.issuer, demo: true, data_folder: './data', log_level: 'silent' };
    const seen = async () => {
      await fetch(`${running.issuer}/interaction/none/login`, {
        method: 'POST',
        headers: { 'x-forwarded-for': '198.51.100.7', 'sec-fetch-site': 'cross-site' },
      });
      const { rows } = await database.query<{ ip: string }>(
        "select event ->> 'ip' as ip from audit_events where event ->> 'ip' is not null order by id desc limit 1",
      );
      return rows[0]?.ip;
    };
    await change({ 'server.yaml': { ...server, trusted_proxies: [] } });
    expect(await seen()).not.to.contain('198.51.100');
    await change({ 'server.yaml': { ...server, trusted_proxies: ['127.0.0.0/8', '::1/128'] } });
    expect(await seen()).to.contain('198.51.100');
    // A service that shows a certificate, together with the rules for it: they are tried together.
    const { x509 } = selfSigned(running.folder, 'machine', '/CN=machine');
    const machine = {
      client_id: 'machine',
      client_name: 'Machine',
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      jwks: { keys: [{ ...x509.publicKey.export({ format: 'jwk' }), x5c: [x509.raw.toString('base64')] }] },
    };
    const behind = { trusted_proxies: ['127.0.0.0/8'], mtls: { certificate_header: 'X-Client-Cert' } };
    await change({
      'server.yaml': { ...server, ...behind },
      'clients/machine.yaml': machine,
    });
    expect((await discovery())['token_endpoint_auth_methods_supported']).to.include('self_signed_tls_client_auth');

    const { needsRestart } = await running.reload({
      'server.yaml': { ...server, ...behind, port: 1, log_level: 'error' },
    });
    expect(needsRestart).to.deep.equal(['server.port']);
    expect(running.house.settings().server).to.include({ logLevel: 'error' }).and.not.to.include({ port: 1 });
  });
});
