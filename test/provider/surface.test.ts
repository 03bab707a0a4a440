// What a standard client library meets: discovery that is true, and each feature by its own standard.
import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as client from 'openid-client';
import request from 'supertest';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import {
  atService,
  authorization,
  CALLBACK,
  logIn,
  redeem,
  sentBack,
  signedIn,
  tokenRequest,
} from '../support/service.ts';
import { freePort } from '../support/services.ts';

const SECRET = 'a secret of the ledger service 9f1c';
const API = 'https://api.example.org/payslips';
const SAFE = 'https://api.example.org/safe';

describe('the surface of the provider', () => {
  let running: RunningHouse;
  let issuer: string;
  let login: string;
  let listener: Server;
  const told: string[] = [];
  before(async function () {
    this.timeout(120_000);
    const port = await freePort();
    listener = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        told.push(body);
        response.end();
      });
    });
    await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
    const ledger = {
      client_id: 'ledger',
      client_name: 'Ledger',
      client_secret: SECRET,
      redirect_uris: [CALLBACK],
      post_logout_redirect_uris: ['http://localhost:9/bye'],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      id_token_signed_response_alg: 'RS256',
      backchannel_logout_uri: `http://localhost:${port}/logout`,
      backchannel_logout_session_required: true,
      first_party: true,
    };
    const hidden = {
      ...ledger,
      client_id: 'hidden',
      client_name: 'Hidden',
      client_secret: 'a secret of the hidden service 77',
      backchannel_logout_uri: `http://127.0.0.1:${port}/canary`,
    };
    running = await startHouse({
      files: {
        'clients/ledger.yaml': ledger,
        'clients/hidden.yaml': hidden,
        'clients/guest.yaml': { ...SERVICE, client_id: 'guest', client_name: 'Guest', first_party: false },
        'resources/payslips.yaml': {
          identifier: API,
          name: 'Payslips',
          token_format: 'jwt',
          scopes: { read: {}, approve: { level: 'mfa' } },
        },
        // Nobody gets a token for it below the level, a client by itself least of all.
        'resources/safe.yaml': {
          identifier: SAFE,
          name: 'Safe',
          token_format: 'jwt',
          scopes: { open: {} },
          level: 'mfa',
        },
        'outbound.yaml': { allow: [`localhost:${port}`] },
      },
    });
    ({ issuer } = running);
    ({ login } = await person(running.house));
  });
  after(async () => {
    listener?.close();
    await running?.close();
  });

  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`,
  });
  const post = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch(`${issuer}${path}`, { method: 'POST', body: new URLSearchParams(fields), headers });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };

  it('publishes a discovery document that is complete and true', async () => {
    const found = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
    expect(found.issuer).to.equal(issuer);
    expect(found.acr_values_supported).to.deep.equal([
      'urn:countersign:acr:basic',
      'urn:countersign:acr:mfa',
      'https://refeds.org/profile/mfa',
    ]);
    expect(found.claims_supported).to.include.members(['sub', 'acr', 'amr', 'auth_time', 'iss', 'name', 'email']);
    expect(found.prompt_values_supported).to.have.members(['none', 'login', 'consent', 'enrol']);
    expect(found.code_challenge_methods_supported).to.deep.equal(['S256']);
    expect(found.id_token_signing_alg_values_supported).to.have.members(['ES256', 'RS256']);
    expect(found.authorization_response_iss_parameter_supported).to.equal(true);
    expect(found.claims_parameter_supported).to.equal(true);
    expect(found.backchannel_logout_supported).to.equal(true);
    expect(found.response_types_supported).to.deep.equal(['code']);
    for (const name of [
      'authorization_endpoint',
      'token_endpoint',
      'userinfo_endpoint',
      'jwks_uri',
      'end_session_endpoint',
      'introspection_endpoint',
      'revocation_endpoint',
      'pushed_authorization_request_endpoint',
    ]) {
      expect(found[name], name).to.match(new RegExp(`^${issuer}/`));
    }
    const jwks = await (await fetch(found.jwks_uri)).json();
    expect(jwks.keys.map((key: { kty: string }) => key.kty)).to.have.members(['EC', 'RSA']);
    expect(JSON.stringify(jwks)).not.to.match(/"(d|p|q|dp|dq|qi)":/);
  });

  it('builds every address from the issuer, whatever Host says (A57)', async () => {
    const { request: ask } = await import('node:http');
    const body = await new Promise<string>((resolve, reject) => {
      const headers = {
        host: 'evil.example',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        forwarded: 'host=evil.example',
      };
      ask(`${issuer}/.well-known/openid-configuration`, { headers }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
    expect(body).to.include(`${issuer}/auth`).and.not.include('evil');
  });

  it('works by discovery alone with a standard client, RS256 for the one that asks, and signs out', async () => {
    const config = await client.discovery(new URL(issuer), 'ledger', SECRET, undefined, {
      execute: [client.allowInsecureRequests],
    });
    const verifier = client.randomPKCECodeVerifier();
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid profile email offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      nonce,
      prompt: 'consent',
    });
    const browser = new HttpBrowser();
    const page = await logIn(browser, await browser.visit(url.href), login);
    const { url: action, fields } = formOf(page, '/consent');
    const back = await browser.post(action, { ...fields, answer: 'allow' }, atService);
    const tokens = await client.authorizationCodeGrant(config, new URL(back.location ?? ''), {
      pkceCodeVerifier: verifier,
      expectedNonce: nonce,
    });
    expect(decodeProtectedHeader(tokens.id_token ?? '').alg).to.equal('RS256');
    const claims = tokens.claims();
    expect(claims).to.include({ acr: 'urn:countersign:acr:basic' });
    const info = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '');
    expect(info).to.include({ preferred_username: login, email: `${login}@example.org` });
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(renewed.claims()?.['auth_time']).to.equal(claims?.['auth_time']);
    const introspected = await client.tokenIntrospection(config, renewed.access_token);
    expect(introspected).to.include({
      active: true,
      acr: 'urn:countersign:acr:basic',
      auth_time: claims?.['auth_time'],
    });
    await client.tokenRevocation(config, renewed.access_token);
    expect((await client.tokenIntrospection(config, renewed.access_token)).active).to.equal(false);

    const end = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://localhost:9/bye',
    });
    const question = await browser.visit(end.href);
    expect(question.status).to.equal(200);
    const confirm = formOf(question, '/session/end/confirm');
    const left = await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' }, (next) =>
      next.startsWith('http://localhost:9/bye'),
    );
    expect(left.location).to.match(/^http:\/\/localhost:9\/bye/);
    for (let wait = 0; told.length === 0 && wait < 40; wait += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
    const logoutToken = new URLSearchParams(told[0]).get('logout_token') ?? '';
    const { payload } = await jwtVerify(logoutToken, createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
      issuer,
      audience: 'ledger',
    });
    expect(payload['events']).to.have.property('http://schemas.openid.net/event/backchannel-logout');
    expect(payload['sid']).to.be.a('string');
    const after = await browser.visit(authorization(issuer, { prompt: 'none' }).url, atService);
    expect(sentBack(after).get('error')).to.equal('login_required');
  });

  it('tells nobody of a sign-out at an address that is not allowed (A50)', async () => {
    told.length = 0;
    const { browser } = await signedIn(issuer, login, { client_id: 'hidden' });
    const question = await browser.visit(`${issuer}/session/end?client_id=hidden`);
    const confirm = formOf(question, '/session/end/confirm');
    await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(told).to.deep.equal([]);
  });

  it('gives JWT access tokens for a resource, with acr, amr and auth_time (RFC 9068, RFC 9470)', async () => {
    const { request, answer } = await signedIn(issuer, login, { resource: API, scope: 'openid read' });
    const tokens = await redeem(issuer, sentBack(answer).get('code') ?? '', request.verifier);
    const { payload } = await jwtVerify(
      String(tokens.body['access_token']),
      createRemoteJWKSet(new URL(`${issuer}/jwks`)),
      { issuer, audience: API, typ: 'at+jwt' },
    );
    expect(payload).to.include({
      acr: 'urn:countersign:acr:basic',
      auth_time: tokens.claims['auth_time'],
      scope: 'read',
    });
    expect(payload['amr']).to.deep.equal(['pwd']);
  });

  it('asks for the level of a scope', async () => {
    const { answer } = await signedIn(issuer, login, { resource: API, scope: 'openid approve' });
    expect(new URL(answer.url).pathname).to.match(/\/(approve|enrol)/);
  });

  it('refuses a resource that it does not know', async () => {
    const answer = await new HttpBrowser().visit(
      authorization(issuer, { resource: 'https://other.example' }).url,
      atService,
    );
    expect(sentBack(answer).get('error')).to.equal('invalid_target');
  });

  it('wants PKCE with S256 of everybody (A47)', async () => {
    for (const parameters of [
      { code_challenge: undefined, code_challenge_method: undefined },
      { code_challenge_method: 'plain' },
    ]) {
      const answer = await new HttpBrowser().visit(authorization(issuer, parameters).url, atService);
      expect(sentBack(answer).get('error')).to.equal('invalid_request');
    }
    const { request, answer } = await signedIn(issuer, login);
    const code = sentBack(answer).get('code') ?? '';
    const fields = {
      grant_type: 'authorization_code',
      client_id: 'payroll',
      redirect_uri: CALLBACK,
      code,
      code_verifier: `${request.verifier.slice(0, -2)}xx`,
    };
    expect((await tokenRequest(issuer, fields)).body['error']).to.equal('invalid_grant');
  });

  it('gives client_credentials, and tells a client of its own tokens only', async () => {
    const own = await post('/token', { grant_type: 'client_credentials' }, basic('ledger', SECRET));
    expect(own.status, JSON.stringify(own.body)).to.equal(200);
    const token = own.body.access_token;
    expect((await post('/token/introspection', { token }, basic('ledger', SECRET))).body.active).to.equal(true);
    expect(
      (await post('/token/introspection', { token }, basic('hidden', 'a secret of the hidden service 77'))).body,
    ).to.deep.equal({ active: false });
    expect((await post('/token', { grant_type: 'client_credentials' }, basic('ledger', 'wrong'))).body.error).to.equal(
      'invalid_client',
    );
    for (const [more, wanted] of [
      [{ resource: API, scope: 'read' }, 'read'],
      [{ resource: API, scope: 'read write' }, 'invalid_scope'],
      [{ resource: API, scope: 'approve' }, 'invalid_scope'],
      [{ resource: SAFE }, 'invalid_target'],
      [{ scope: 'read' }, 'invalid_scope'],
      [{ scope: 'openid' }, 'invalid_scope'],
    ] as const) {
      const { body } = await post('/token', { grant_type: 'client_credentials', ...more }, basic('ledger', SECRET));
      expect(body.error ?? body.scope, JSON.stringify(more)).to.equal(wanted);
    }
  });

  it('shows a consent page for a service of others, remembers the answer, and tells a refusal', async () => {
    const { browser, answer } = await signedIn(issuer, login, { client_id: 'guest', scope: 'openid profile' });
    const { url, fields } = formOf(answer, '/consent');
    expect(answer.text).to.include('Guest');
    expect(sentBack(await browser.post(url, { ...fields, answer: 'refuse' }, atService)).get('error')).to.equal(
      'access_denied',
    );
    const again = await browser.visit(
      authorization(issuer, { client_id: 'guest', scope: 'openid profile' }).url,
      atService,
    );
    const form = formOf(again, '/consent');
    expect(sentBack(await browser.post(form.url, { ...form.fields, answer: 'allow' }, atService)).get('code')).to.be.a(
      'string',
    );
    const third = await browser.visit(
      authorization(issuer, { client_id: 'guest', scope: 'openid profile' }).url,
      atService,
    );
    expect(sentBack(third).get('code')).to.be.a('string');
  });

  it('does not move auth_time while a person reads the consent page', async () => {
    const before = Math.floor(Date.now() / 1000);
    const { browser, request, answer } = await signedIn(issuer, login, { client_id: 'guest', scope: 'openid email' });
    const typed = Math.ceil(Date.now() / 1000);
    await new Promise((resolve) => setTimeout(resolve, 1900));
    const { url, fields } = formOf(answer, '/consent');
    const back = sentBack(await browser.post(url, { ...fields, answer: 'allow' }, atService));
    const { claims } = await redeem(issuer, back.get('code') ?? '', request.verifier, { client_id: 'guest' });
    expect(claims['auth_time']).to.be.within(before, typed);
  });

  it('has no dynamic registration, no development pages, and a friendly 404', async () => {
    for (const path of ['/reg', '/interaction/x/submit', '/.git/config', '/metrics', '/device/v1/nothing']) {
      expect((await request(issuer).get(path)).status, path).to.be.oneOf([404, 405]);
    }
  });
});
