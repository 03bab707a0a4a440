// Mutual TLS (RFC 8705): clients that prove themselves by a certificate, tokens bound to one, and a header that only a trusted proxy can set.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { Agent, request } from 'undici';
import { certificateFromHeader } from '../../packages/step-up/src/index.ts';
import { type CertificateName, certificateOf, isNamed, signedBy } from '../../src/platform/certificates.ts';
import { type Api, startApi } from '../step-up/with-api.ts';
import { type ClientCertificate, selfSigned, signed } from '../support/client-certificates.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, logIn, sentBack } from '../support/service.ts';

const API = 'https://api.example.org/payslips';
const HEADER = 'x-client-cert';
const SUBJECT = 'CN=Bank\\, One,OU=Café,O=Bank Inc,C=DE';
const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.2';

/** As nginx writes a certificate into a header. */
const escaped = ({ pem }: ClientCertificate) => encodeURIComponent(pem);

describe('mutual TLS', function () {
  this.timeout(120_000);
  let folder: string;
  let running: RunningHouse;
  let api: Api;
  let login: string;
  let made: { [name in 'ca' | 'bank' | 'other' | 'forged' | 'server' | 'own' | 'another']: ClientCertificate };
  const agents: { [from: string]: Agent } = {};
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-mtls-'));
    const ca = selfSigned(folder, 'ca', '/CN=Clients CA');
    const strangers = selfSigned(folder, 'strangers', '/CN=Clients CA');
    const subject = '/C=DE/O=Bank Inc/OU=Café/CN=Bank, One';
    const client =
      'extendedKeyUsage=clientAuth\nsubjectAltName=DNS:bank.example.org,URI:https://bank.example.org/a,IP:192.0.2.7';
    made = {
      ca,
      bank: signed(folder, 'bank', ca, subject, client),
      other: signed(folder, 'other', ca, '/C=DE/O=Other/CN=Bank, One', client),
      forged: signed(folder, 'forged', strangers, subject, client),
      server: signed(folder, 'server', ca, subject, 'extendedKeyUsage=serverAuth'),
      own: selfSigned(folder, 'own', '/CN=own'),
      another: selfSigned(folder, 'another', '/CN=own'),
    };
    const x5c = [made.own.x509.raw.toString('base64')];
    const jwks = { keys: [{ ...made.own.x509.publicKey.export({ format: 'jwk' }), x5c }] };
    const robot = { grant_types: ['client_credentials'], tls_client_certificate_bound_access_tokens: true };
    const own = { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks };
    running = await startHouse({
      files: (port) => ({
        'server.yaml': {
          issuer: `http://localhost:${port}`,
          demo: true,
          data_folder: './data',
          log_level: 'silent',
          trusted_proxies: [`${PROXY}/32`],
          mtls: {
            certificate_header: 'X-Client-Cert',
            client_ca_file: ca.certFile,
            origin: `http://mtls.localhost:${port}`,
          },
        },
        'clients/bank.yaml': {
          client_id: 'bank',
          ...robot,
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: SUBJECT,
        },
        'clients/robot.yaml': { client_id: 'robot', ...robot, ...own },
        'clients/tv.yaml': {
          client_id: 'tv',
          client_name: 'Television',
          grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
          ...own,
        },
        'clients/ledger.yaml': {
          ...SERVICE,
          client_id: 'ledger',
          client_name: 'Ledger',
          profile: 'fapi2',
          ...own,
          tls_client_certificate_bound_access_tokens: true,
        },
        'resources/payslips.yaml': { identifier: API, name: 'Payslips', scopes: { read: {} } },
      }),
    });
    login = (await person(running.house)).login;
    api = await startApi('express', {
      issuer: running.issuer,
      audience: API,
      certificateOf: ({ header }) => certificateFromHeader(header(HEADER)),
    });
  });
  after(async () => {
    for (const agent of Object.values(agents)) await agent.close();
    await api?.close();
    await running?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function post(path: string, fields: { [name: string]: string }, header?: string, from = PROXY, host?: string) {
    agents[from] ??= new Agent({ localAddress: from, connect: { family: 4 } });
    const { statusCode, body } = await request(`${running.issuer}${path}`, {
      dispatcher: agents[from],
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(header === undefined ? {} : { [HEADER]: header }),
        ...(host === undefined ? {} : { host }),
      },
      body: new URLSearchParams(fields).toString(),
    });
    const text = await body.text();
    return { status: statusCode, body: (text.startsWith('{') ? JSON.parse(text) : {}) as { [name: string]: unknown } };
  }
  const grant = (client_id: string) => ({ grant_type: 'client_credentials', client_id, resource: API, scope: 'read' });
  const errorOf = async (client: string, certificate?: ClientCertificate, from?: string) =>
    (await post('/token', grant(client), certificate && escaped(certificate), from)).body['error'];

  it('takes a certificate of the authority with the registered subject, and binds the token to it', async () => {
    const { status, body } = await post('/token', grant('bank'), escaped(made.bank));
    expect(status, JSON.stringify(body)).to.equal(200);
    const { cnf } = decodeJwt(String(body['access_token'])) as { cnf?: { 'x5t#S256'?: string } };
    expect(cnf?.['x5t#S256']).to.match(/^[\w-]{43}$/);
  });

  it('refuses none, one of another authority by the same name, another subject, and one that is not for clients', async () => {
    expect(await errorOf('bank')).to.equal('invalid_client');
    for (const name of ['forged', 'other', 'server', 'own'] as const)
      expect(await errorOf('bank', made[name]), name).to.equal('invalid_client');
    const now = Date.now();
    expect(signedBy([made.ca.x509], made.bank.x509, now)).to.equal(true);
    expect(signedBy([made.ca.x509], made.bank.x509, now + 2 * 86_400_000), 'over').to.equal(false);
    expect(signedBy([made.bank.x509], made.bank.x509, now), 'no authority').to.equal(false);
  });

  it('takes no word about certificates from anybody but a trusted proxy', async () => {
    expect(await errorOf('bank', made.bank, STRANGER)).to.equal('invalid_client');
    expect(await errorOf('robot', made.own, STRANGER)).to.equal('invalid_client');
  });

  it('takes a certificate of the client’s own that is registered, and no other one', async () => {
    expect(await errorOf('robot', made.own)).to.equal(undefined);
    expect(await errorOf('robot', made.another)).to.equal('invalid_client');
    expect(await errorOf('robot', made.bank)).to.equal('invalid_client');
  });

  it('gives a FAPI 2.0 client tokens that only its certificate opens, without DPoP', async () => {
    const certificate = escaped(made.own);
    const { url, verifier } = authorization(running.issuer, { client_id: 'ledger', scope: 'openid' });
    const fields = Object.fromEntries(new URL(url).searchParams);
    expect((await post('/request', fields)).body['error']).to.equal('invalid_client');
    const pushed = await post('/request', fields, certificate);
    expect(pushed.status, JSON.stringify(pushed.body)).to.equal(201);
    const browser = new HttpBrowser();
    const query = new URLSearchParams({ client_id: 'ledger', request_uri: String(pushed.body['request_uri']) });
    const back = await logIn(browser, await browser.visit(`${running.issuer}/auth?${query}`, atService), login);
    const code = sentBack(back).get('code') ?? '';
    const redeemed = await post(
      '/token',
      { grant_type: 'authorization_code', client_id: 'ledger', redirect_uri: CALLBACK, code, code_verifier: verifier },
      certificate,
    );
    expect(redeemed.status, JSON.stringify(redeemed.body)).to.equal(200);
    const access_token = String(redeemed.body['access_token']);
    expect((await post('/me', { access_token })).status, 'without').to.equal(401);
    expect((await post('/me', { access_token }, escaped(made.another))).status, 'another one').to.equal(401);
    expect((await post('/me', { access_token }, certificate, STRANGER)).status, 'a stranger says so').to.equal(401);
    expect((await post('/me', { access_token }, certificate)).status).to.equal(200);
    const told = await post('/token/introspection', { client_id: 'ledger', token: access_token }, certificate);
    expect(told.body['cnf']).to.have.property('x5t#S256');
  });

  it('is checked by an API that is given the certificate', async () => {
    const { body } = await post('/token', grant('bank'), escaped(made.bank));
    const ask = async (header?: string) => {
      const headers = { authorization: `Bearer ${body['access_token']}`, ...(header && { [HEADER]: header }) };
      return (await fetch(`${api.url}/any`, { headers })).status;
    };
    expect(await ask(escaped(made.bank))).to.equal(200);
    expect(await ask(made.bank.x509.raw.toString('base64'))).to.equal(200);
    expect(await ask(escaped(made.other))).to.equal(401);
    expect(await ask('nothing of the kind')).to.equal(401);
    expect(await ask()).to.equal(401);
  });

  it('is told in discovery, and asked for at an origin where people have no page', async () => {
    const { port } = new URL(running.issuer);
    const answer = await fetch(`${running.issuer}/.well-known/openid-configuration`);
    const told = (await answer.json()) as { [name: string]: unknown };
    expect(told['tls_client_certificate_bound_access_tokens']).to.equal(true);
    expect(told['token_endpoint_auth_methods_supported']).to.include.members([
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ]);
    const aliases = told['mtls_endpoint_aliases'] as { [name: string]: string };
    expect(aliases).to.include({ token_endpoint: `http://mtls.localhost:${port}/token` });
    const host = `mtls.localhost:${port}`;
    for (const address of Object.values(aliases)) {
      const { pathname } = new URL(address);
      expect((await post(pathname, {}, undefined, PROXY, host)).status, pathname).to.not.equal(404);
    }
    expect((await post('/token', grant('robot'), escaped(made.own), PROXY, host)).status).to.equal(200);
    const device = await post('/device/auth', { client_id: 'tv' }, escaped(made.own), PROXY, host);
    expect(device.body['verification_uri'], 'people have no page there').to.equal(`${running.issuer}/device`);
    for (const path of ['/auth', '/interaction/x/login', '/account', '/device'])
      expect((await post(path, {}, undefined, PROXY, host)).status, path).to.equal(404);
  });

  it('reads a certificate as each proxy writes it, and nothing else', () => {
    const { pem, x509 } = made.bank;
    const der = x509.raw.toString('base64');
    for (const header of [encodeURIComponent(pem), der, `:${der}:`])
      expect(certificateOf(header)?.fingerprint256, header.slice(0, 20)).to.equal(x509.fingerprint256);
    for (const header of [undefined, '', 'x', '%', `${der}, ${der}`, pem.slice(0, 90), `:${der}`])
      expect(certificateOf(header), header).to.equal(undefined);
  });

  it('compares names as registered, and no part of one', () => {
    const named = (by: CertificateName, wanted: string) => isNamed(made.bank.x509, by, wanted);
    const subject = 'tls_client_auth_subject_dn';
    expect(named(subject, SUBJECT)).to.equal(true);
    expect(named(subject, 'cn=Bank\\2c One, ou=Caf\\C3\\A9, o=Bank Inc, c=DE')).to.equal(true);
    for (const wrong of ['CN=Bank\\, One', 'C=DE,O=Bank Inc,OU=Café,CN=Bank\\, One', `${SUBJECT},DC=org`, ''])
      expect(named(subject, wrong), wrong).to.equal(false);
    expect(named('tls_client_auth_san_dns', 'bank.example.org')).to.equal(true);
    expect(named('tls_client_auth_san_dns', 'a.bank.example.org')).to.equal(false);
    expect(named('tls_client_auth_san_uri', 'https://bank.example.org/a')).to.equal(true);
    expect(named('tls_client_auth_san_uri', 'https://bank.example.org/')).to.equal(false);
    expect(named('tls_client_auth_san_ip', '192.0.2.7')).to.equal(true);
    expect(named('tls_client_auth_san_ip', '192.0.2.8')).to.equal(false);
    expect(named('tls_client_auth_san_email', 'bank@example.org')).to.equal(false);
  });
});
