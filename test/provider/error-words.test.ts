// `error_description` over raw HTTP: each says what to change, in the words that docs/relying-services/errors.md lists under its code.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import pg from 'pg';
import { ERROR_WORDS, errorWords } from '../../src/provider/error-words.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { approveByScan } from '../interactions/with-phone.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, CALLBACK, logIn, type Parameters, sentBack, signedIn } from '../support/service.ts';

const CIBA = 'urn:openid:params:grant-type:ciba';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const API = 'https://api.example.org/';
const PLAIN = 'https://plain.example.org/';
const HIGH = 'https://high.example.org/';
const MFA = 'urn:countersign:acr:mfa';
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

/** Claims of a JWT; `undefined` leaves a default out. */
type Claims = { readonly [claim: string]: unknown };

/** What a service was told. */
interface Told {
  error: string;
  error_description?: string;
  /** WWW-Authenticate. */
  challenge?: string;
}

/** The descriptions that the page lists, by code. `…` stands for anything. */
function listed(): Map<string, string[]> {
  const parts = readFileSync('docs/relying-services/errors.md', 'utf8').split(/^## /m).slice(1);
  return new Map(
    parts.map((part) => [
      /^`(\w+)`/.exec(part)?.[1] ?? '',
      [...part.matchAll(/^- `([^`]+)`$/gm)].map(([, text]) => text ?? ''),
    ]),
  );
}

/** A description as a pattern. */
function patternOf(text: string): RegExp {
  const parts = text.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.+')}$`);
}

describe('error descriptions', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let login: string;
  let key: CryptoKey;
  let stranger: CryptoKey;
  /** RS256. */
  let weakPair: CryptoKeyPair;
  let other: string;
  let owner: Awaited<ReturnType<typeof personWithPhone>>;
  const page = listed();

  before(async () => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    key = pair.privateKey;
    stranger = (await generateKeyPair('ES256')).privateKey;
    const signer = {
      ...SERVICE,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] },
    };
    const weak = (await crypto.subtle.generateKey(RSA, true, ['sign', 'verify'])) as CryptoKeyPair;
    weakPair = weak;
    const secret = (name: string) => `${name}-Zq8vT2mX9rLw4KpY7sNd1HcJ5bGf3-of-this-one`;
    running = await startHouse({
      files: {
        'clients/secret.yaml': {
          ...SERVICE,
          client_id: 'secret',
          token_endpoint_auth_method: 'client_secret_basic',
          client_secret: secret('secret'),
          scope: 'openid profile',
        },
        'clients/signer.yaml': { ...signer, client_id: 'signer' },
        'clients/guest.yaml': { ...SERVICE, client_id: 'guest', first_party: false },
        'clients/pusher.yaml': { ...SERVICE, client_id: 'pusher', require_pushed_authorization_requests: true },
        'clients/worker.yaml': {
          client_id: 'worker',
          client_secret: secret('worker'),
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: ['client_credentials'],
        },
        'clients/bank.yaml': {
          ...signer,
          client_id: 'bank',
          profile: 'fapi2',
          grant_types: ['authorization_code', 'client_credentials'],
        },
        'clients/native.yaml': {
          ...SERVICE,
          client_id: 'native',
          application_type: 'native',
          first_party: false,
        },
        'clients/raised.yaml': { ...SERVICE, client_id: 'raised' },
        'clients/pinged.yaml': {
          client_id: 'pinged',
          client_secret: secret('pinged'),
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: [CIBA],
          backchannel_token_delivery_mode: 'ping',
          backchannel_client_notification_endpoint: 'http://localhost:9/ping',
          first_party: true,
        },
        'clients/signdesk.yaml': {
          ...signer,
          client_id: 'signdesk',
          redirect_uris: undefined,
          homepage: undefined,
          grant_types: [CIBA],
          require_signed_request_object: true,
        },
        'clients/jar.yaml': { ...signer, client_id: 'jar', require_signed_request_object: true },
        'clients/bound.yaml': { ...SERVICE, client_id: 'bound', dpop_bound_access_tokens: true },
        'clients/desk.yaml': {
          client_id: 'desk',
          client_secret: secret('desk'),
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: [CIBA],
          first_party: true,
        },
        'clients/tv.yaml': {
          client_id: 'tv',
          token_endpoint_auth_method: 'none',
          grant_types: [DEVICE],
          first_party: true,
        },
        'lifetimes.yaml': { refresh_grace: '0s' },
        'resources/api.yaml': {
          identifier: API,
          name: 'API',
          scopes: { read: {}, approve: { level: 'mfa' } },
          token_format: 'jwt',
        },
        'resources/plain.yaml': { identifier: PLAIN, name: 'Plain', scopes: { read: {} }, token_format: 'opaque' },
        'resources/high.yaml': { identifier: HIGH, name: 'High', scopes: { see: {} }, level: 'mfa' },
      },
    });
    ({ login } = await person(running.house));
    other = (await person(running.house)).login;
    owner = await personWithPhone(running);
  });
  after(() => running?.close());

  const ofClient = (id: string) => ({
    client_id: id,
    client_secret: `${id}-Zq8vT2mX9rLw4KpY7sNd1HcJ5bGf3-of-this-one`,
  });
  const deskSecret = () => ofClient('desk');
  const basic = (id: string, secret: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  });

  async function post(path: string, fields: Parameters | string, headers: Record<string, string> = {}): Promise<Told> {
    const given = typeof fields === 'string' ? fields : Object.entries(fields).filter((one) => one[1] !== undefined);
    const body = new URLSearchParams(given as string);
    const response = await fetch(`${running.issuer}${path}`, { method: 'POST', body, headers });
    const challenge = response.headers.get('www-authenticate');
    const answer = (await response.json()) as Told;
    return { ...answer, ...(challenge === null ? {} : { challenge }) };
  }
  const ofTable = (answer: Answer): Told => {
    const cell = (name: string) =>
      new RegExp(`<dt[^>]*>${name}</dt>\\s*<dd[^>]*>(?:<code[^>]*>)?([^<]*)`)
        .exec(answer.text)?.[1]
        ?.replaceAll('&#39;', "'");
    return { error: cell('Code') ?? answer.text, error_description: cell('Description') ?? answer.text };
  };
  async function authorize(parameters: Parameters, more = ''): Promise<Told> {
    const { url } = authorization(running.issuer, parameters);
    const answer = await new HttpBrowser().visit(`${url}${more}`, atService);
    if (answer.location === undefined || !atService(answer.location)) return ofTable(answer);
    const address = new URL(answer.location);
    return Object.fromEntries(
      address.search === '' ? new URLSearchParams(address.hash.slice(1)) : address.searchParams,
    ) as unknown as Told;
  }
  async function code(parameters: Parameters = {}): Promise<{ code: string; verifier: string }> {
    const browser = new HttpBrowser();
    const { url, verifier } = authorization(running.issuer, parameters);
    let answer = await logIn(browser, await browser.visit(url, atService), login);
    if (answer.location === undefined) {
      const form = formOf(answer, '/consent');
      answer = await browser.post(form.url, { ...form.fields, answer: 'allow' }, atService);
    }
    return { code: sentBack(answer).get('code') ?? '', verifier };
  }
  /** All tokens of a sign-in. */
  async function tokensOf(parameters: Parameters = {}): Promise<{ [name: string]: string }> {
    const got = await code(parameters);
    return (await redeem({ code: got.code, code_verifier: got.verifier })) as unknown as { [name: string]: string };
  }
  /** The same from a browser in which somebody is signed in. */
  async function again(parameters: Parameters, who = login): Promise<Told> {
    const browser = new HttpBrowser();
    await logIn(browser, await browser.visit(authorization(running.issuer).url, atService), who);
    return Object.fromEntries(
      sentBack(await browser.visit(authorization(running.issuer, parameters).url, atService)),
    ) as unknown as Told;
  }
  const redeem = (fields: Parameters, headers: Record<string, string> = {}) =>
    post(
      '/token',
      { grant_type: 'authorization_code', client_id: 'payroll', redirect_uri: CALLBACK, ...fields },
      headers,
    );
  async function accessToken(scope = 'openid', resource?: string): Promise<string> {
    const got = await code({ scope, resource, ...(scope.includes('openid') ? {} : { nonce: undefined }) });
    const tokens = (await redeem({ code: got.code, code_verifier: got.verifier })) as unknown as {
      access_token: string;
    };
    return tokens.access_token;
  }
  async function me(authorization: string, headers: Record<string, string> = {}, query = ''): Promise<Told> {
    const response = await fetch(`${running.issuer}/me${query}`, { headers: { authorization, ...headers } });
    const challenge = response.headers.get('www-authenticate');
    return { ...((await response.json()) as Told), ...(challenge === null ? {} : { challenge }) };
  }
  /** By another method; the answer names those that are allowed. */
  async function asked(method: string, path: string): Promise<Told> {
    const response = await fetch(`${running.issuer}${path}`, { method });
    expect([response.status, response.headers.get('allow')?.includes('POST')]).to.deep.equal([405, true]);
    return (await response.json()) as Told;
  }
  const jwt = (claims: Claims, signedBy: CryptoKey | Uint8Array = key, header: object = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k', ...header }).sign(signedBy);
  const now = () => Math.floor(Date.now() / 1000);
  /** What a client that signs proves itself with. */
  async function signed(client: string, claims: Claims = {}, signedBy: CryptoKey | Uint8Array = key, header = {}) {
    const all = {
      iss: client,
      sub: client,
      aud: running.issuer,
      jti: crypto.randomUUID(),
      exp: now() + 60,
      iat: now(),
    };
    const given = Object.fromEntries(Object.entries({ ...all, ...claims }).filter(([, value]) => value !== undefined));
    const client_assertion = await jwt(given, signedBy, header);
    return { client_assertion, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };
  }
  async function assertion(claims: Claims, signedBy: CryptoKey | Uint8Array = key, header = {}): Promise<Told> {
    const proof = await signed('signer', claims, signedBy, header);
    return post('/token', { grant_type: 'client_credentials', ...proof });
  }
  async function proofOf(claims: Claims = {}, headers: object = {}, pair?: CryptoKeyPair): Promise<{ dpop: string }> {
    const { publicKey, privateKey } = pair ?? (await generateKeyPair('ES256'));
    const all = { htm: 'POST', htu: `${running.issuer}/token`, jti: crypto.randomUUID(), iat: now() };
    const given = Object.fromEntries(Object.entries({ ...all, ...claims }).filter(([, value]) => value !== undefined));
    const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey), ...headers };
    return { dpop: await new SignJWT(given).setProtectedHeader(header).sign(privateKey) };
  }
  const dpop = async (claims: Claims, headers: object = {}) =>
    redeem({ client_id: 'bound', code: 'x', code_verifier: 'y'.repeat(43) }, await proofOf(claims, headers));
  /** What a client whose tokens are bound gets for a proof. */
  async function bound(
    proof: { dpop: string },
    parameters: Parameters = {},
  ): Promise<Told & { access_token?: string }> {
    const got = await code({ client_id: 'bound', ...parameters });
    return redeem({ client_id: 'bound', code: got.code, code_verifier: got.verifier }, proof);
  }
  /** A token bound to a key, and a way to prove that it is held. */
  async function held() {
    const pair = (await generateKeyPair('ES256', { extractable: true })) as CryptoKeyPair;
    const { access_token = '' } = await bound(await proofOf({}, {}, pair));
    const ath = createHash('sha256').update(access_token).digest('base64url');
    return { access_token, proof: await proofOf({ htm: 'GET', htu: `${running.issuer}/me`, ath }, {}, pair) };
  }
  const object = (client: string, claims: Claims, signedBy: CryptoKey | Uint8Array = key, header = {}) =>
    jwt({ iss: client, aud: running.issuer, exp: now() + 60, client_id: client, ...claims }, signedBy, header);
  const request = async (claims: Claims, signedBy: CryptoKey | Uint8Array = key, header = {}) =>
    authorize({ client_id: 'jar', request: await object('jar', claims, signedBy, header) });
  /** The same, pushed by a client that holds itself to FAPI 2.0. */
  const pushed = async (claims: Claims) =>
    post('/request', { ...(await signed('bank')), request: await object('bank', claims) });
  /** A token of the client itself. */
  const alone = (more: Parameters) =>
    post('/token', { ...ofClient('worker'), grant_type: 'client_credentials', ...more });
  const aside = async (fields: Parameters) =>
    (await post('/backchannel', { ...deskSecret(), scope: 'openid', ...fields })) as unknown as { auth_req_id: string };

  /** What is done, and the code and the beginning of the words that it is answered with. */
  const cases: readonly [() => Promise<Told>, string, string][] = [
    // The authorization endpoint.
    [() => authorize({ client_id: 'nobody' }), 'invalid_client', 'client_id is not known here'],
    [() => authorize({ client_id: undefined }), 'invalid_request', 'the request lacks client_id'],
    [
      () => authorize({ redirect_uri: `${CALLBACK}/` }),
      'invalid_redirect_uri',
      'redirect_uri is none of redirect_uris',
    ],
    [() => authorize({ redirect_uri: undefined }), 'invalid_request', 'the request lacks redirect_uri'],
    [() => authorize({ response_type: undefined }), 'invalid_request', 'the request lacks response_type'],
    [() => authorize({ response_type: 'token' }), 'unsupported_response_type', 'response_type must be code'],
    [() => authorize({ response_mode: 'smoke' }), 'unsupported_response_mode', 'response_mode can be query'],
    [() => authorize({}, '&scope=openid'), 'invalid_request', 'scope stands there twice'],
    [
      () => authorize({ code_challenge: undefined, code_challenge_method: undefined }),
      'invalid_request',
      'PKCE is required',
    ],
    [() => authorize({ code_challenge_method: undefined }), 'invalid_request', 'send code_challenge_method=S256'],
    [() => authorize({ code_challenge_method: 'plain' }), 'invalid_request', 'code_challenge_method must be S256'],
    [() => authorize({ code_challenge: undefined }), 'invalid_request', 'code_challenge_method came alone'],
    [() => authorize({ code_challenge: 'short' }), 'invalid_request', 'code_challenge must have 43 to 128'],
    [() => authorize({ prompt: 'dance' }), 'invalid_request', 'prompt can be none'],
    [() => authorize({ prompt: 'none login' }), 'invalid_request', 'prompt=none goes with no other'],
    [() => authorize({ max_age: '-1' }), 'invalid_request', 'max_age must be whole seconds'],
    [() => authorize({ claims: '{' }), 'invalid_request', 'claims must be a JSON object'],
    [() => authorize({ claims: '{"id_token":{"acr":7}}' }), 'invalid_request', 'claims must be a JSON object'],
    [() => authorize({ id_token_hint: 'x' }), 'invalid_request', 'id_token_hint must be an ID token'],
    [() => authorize({ scope: 'profile', max_age: '5' }), 'invalid_request', 'scope must have openid'],
    [() => authorize({ scope: 'openid  "' }), 'invalid_scope', 'scope must be names with one space'],
    [
      () => authorize({ client_id: 'secret', scope: 'openid email' }),
      'invalid_scope',
      'the client may not ask for this scope',
    ],
    [
      () => authorize({ client_id: 'tv', redirect_uri: undefined }),
      'invalid_request',
      'the client signs nobody in by a browser',
    ],
    [() => authorize({ resource: 'not-an-address' }), 'invalid_target', 'resource must be an absolute address'],
    [() => authorize({ resource: 'https://other.example.org/' }), 'invalid_target', 'this resource is not known here'],
    [() => authorize({ request_uri: 'https://attacker.example/x' }), 'request_uri_not_supported', 'only a request_uri'],
    [
      () => authorize({ request_uri: 'urn:ietf:params:oauth:request_uri:gone' }),
      'invalid_request_uri',
      'this request_uri is unknown',
    ],
    [() => authorize({ client_id: 'pusher' }), 'invalid_request', 'the client must push its requests'],
    [() => authorize({ client_id: 'jar' }), 'invalid_request', 'the client must sign its requests'],
    [() => authorize({ client_id: 'jar', request: 'x' }), 'invalid_request_object', 'request is not a JWT'],
    [() => request({ client_id: 'signer' }), 'invalid_request_object', 'client_id inside the request object'],
    [() => request({}, stranger), 'invalid_request_object', 'the request object is not valid'],
    [() => request({ aud: 'https://other.example.org' }), 'invalid_request_object', 'the request object is not valid'],
    [() => request({ request: 'x' }), 'invalid_request_object', 'a request object holds no request'],
    [() => request({ response_type: 'token' }), 'invalid_request_object', 'response_type inside the request object'],
    [
      () => request({}, new TextEncoder().encode('x'.repeat(32)), { alg: 'HS256' }),
      'invalid_request_object',
      'the request object is signed with an algorithm',
    ],
    [
      () => authorize({ request: 'x', request_uri: 'urn:ietf:params:oauth:request_uri:x' }),
      'invalid_request',
      'request and request_uri do not go together',
    ],
    [
      async () => again({ prompt: 'none', id_token_hint: (await tokensOf())['id_token'] }, other),
      'login_required',
      'id_token_hint or the sub of claims names another person',
    ],
    [
      () => again({ prompt: 'none', claims: '{"id_token":{"sub":{"value":"another"}}}' }, other),
      'login_required',
      'id_token_hint or the sub of claims names another person',
    ],
    [
      async () => {
        const asked = { client_id: 'native', scope: 'openid' };
        const { browser, answer } = await signedIn(running.issuer, login, asked);
        const form = formOf(answer, '/consent');
        sentBack(await browser.post(form.url, { ...form.fields, answer: 'allow' }, atService));
        const silent = await browser.visit(authorization(running.issuer, { ...asked, prompt: 'none' }).url, atService);
        return Object.fromEntries(sentBack(silent)) as unknown as Told;
      },
      'interaction_required',
      'a page must be shown',
    ],
    [() => authorize({ prompt: 'none' }), 'login_required', 'nobody is signed in here'],
    [
      () => authorize({ claims: '{"id_token":{"acr":{"essential":true,"value":"x"}}}' }),
      'unmet_authentication_requirements',
      'none of the essential acr values',
    ],
    [
      () => again({ prompt: 'none', client_id: 'guest' }),
      'consent_required',
      'the person has not allowed all of this yet',
    ],
    [
      () => again({ prompt: 'none', acr_values: 'urn:countersign:acr:mfa' }),
      'unmet_authentication_requirements',
      'the session has not reached the level',
    ],
    // In a fragment, as the response mode says.
    [() => authorize({ prompt: 'none', response_mode: 'fragment' }), 'login_required', 'nobody is signed in here'],

    // Pushed requests.
    [() => post('/request', { client_id: 'payroll', scope: 'openid' }), 'invalid_request', 'the request lacks'],
    [
      () => post('/request', { client_id: 'nobody' }),
      'invalid_client',
      'the client is unknown or its secret is another',
    ],

    [
      async () => post('/request', { ...authorizationOf({ redirect_uri: 'http://localhost:9/other' }) }),
      'invalid_request',
      'redirect_uri is none of redirect_uris',
    ],
    [
      async () =>
        post(
          '/request',
          { ...authorizationOf({ dpop_jkt: 'x'.repeat(43) }) },
          await proofOf({ htu: `${running.issuer}/request` }),
        ),
      'invalid_request',
      'dpop_jkt is not the thumbprint',
    ],
    [() => pushed({}), 'invalid_request_object', 'the request object lacks the claim nbf'],
    [
      () => pushed({ nbf: now() - 10, exp: now() + 3700 }),
      'invalid_request_object',
      'exp of the request object must be at most an hour',
    ],

    // The proof of the client.
    [() => redeem({ client_id: undefined, code: 'x' }), 'invalid_request', 'nothing says which client asks'],
    [
      () => redeem({ client_id: 'nobody', code: 'x' }),
      'invalid_client',
      'the client is unknown or its secret is another',
    ],
    [
      () => redeem({ client_id: undefined, code: 'x' }, basic('nobody', 'x')),
      'invalid_client',
      'the client is unknown or its secret',
    ],
    [
      () => redeem({ client_id: undefined, code: 'x' }, basic('secret', 'x')),
      'invalid_client',
      'the client is unknown or its secret',
    ],
    [() => redeem({ client_id: 'secret', code: 'x' }), 'invalid_client', 'the client proves itself in another way'],
    [
      () => redeem({ client_id: 'payroll', code: 'x' }, basic('secret', 'x')),
      'invalid_request',
      'client_id of the form and of the proof',
    ],
    [
      () => redeem({ client_id: 'secret', client_secret: 'y', code: 'x' }, basic('secret', 'x')),
      'invalid_request',
      'the client proves itself in two ways',
    ],
    [
      () => redeem({ client_id: undefined, code: 'x' }, { authorization: 'Bearer' }),
      'invalid_request',
      'the Authorization header must be the scheme',
    ],
    [
      () => redeem({ client_id: undefined, code: 'x' }, basic('secret', '')),
      'invalid_request',
      'the Basic header has no secret',
    ],
    [
      () => redeem({ client_id: undefined, code: 'x' }, basic('secret', '%zz')),
      'invalid_request',
      'form-encode client_id and client_secret each',
    ],
    [() => redeem({ client_id: undefined, client_assertion: 'x' }), 'invalid_request', 'client_assertion is not a JWT'],
    [
      () => assertion({ aud: 'https://other.example.org' }),
      'invalid_client',
      'aud of client_assertion must be the issuer',
    ],
    [() => assertion({ iss: 'another' }), 'invalid_client', 'iss and sub of client_assertion'],
    [() => assertion({ exp: undefined }), 'invalid_client', 'client_assertion needs exp'],
    [() => assertion({ exp: now() + 86_500 }), 'invalid_client', 'exp of client_assertion is too far'],
    [() => assertion({ exp: 1e17 }), 'invalid_client', 'exp of client_assertion is too far'],
    [() => assertion({ jti: undefined }), 'invalid_client', 'client_assertion needs jti'],
    [() => assertion({}, stranger), 'invalid_client', 'client_assertion is not valid'],
    [
      () => assertion({}, new TextEncoder().encode('x'.repeat(32)), { alg: 'HS256' }),
      'invalid_client',
      'client_assertion is signed with another algorithm',
    ],
    [
      () => assertion({ jti: 'the-same' }).then(() => assertion({ jti: 'the-same' })),
      'invalid_client',
      'this client_assertion was used already',
    ],

    // The token endpoint.
    [() => redeem({ grant_type: 'password' }), 'unsupported_grant_type', 'grant_type is misspelt'],
    [() => redeem({ grant_type: CIBA, auth_req_id: 'x' }), 'invalid_request', 'the client may not use this grant_type'],
    [() => redeem({}), 'invalid_request', 'the request lacks code'],
    [() => redeem({ code: 'x', code_verifier: 'short' }), 'invalid_grant', 'the code or token is unknown'],
    [
      async () => redeem({ code: (await code()).code, code_verifier: 'z'.repeat(43) }),
      'invalid_grant',
      'code_verifier is not the one',
    ],
    [async () => redeem({ code: (await code()).code }), 'invalid_grant', 'the code was asked for with code_challenge'],
    [
      async () => {
        const { code: one, verifier } = await code();
        return redeem({ code: one, code_verifier: verifier, redirect_uri: `${CALLBACK}2` });
      },
      'invalid_grant',
      'redirect_uri must be the same',
    ],
    [
      async () => {
        const { code: one, verifier } = await code();
        await redeem({ code: one, code_verifier: verifier });
        return redeem({ code: one, code_verifier: verifier });
      },
      'invalid_grant',
      'the code was used already',
    ],
    [
      async () => {
        const { code: one, verifier } = await code();
        return redeem({ code: one, code_verifier: verifier, client_id: 'pusher' });
      },
      'invalid_grant',
      'the code or token is unknown',
    ],
    [
      async () => {
        const { code: one, verifier } = await code({ resource: API, scope: 'openid read' });
        return redeem({ code: one, code_verifier: verifier, resource: 'https://other.example.org/' });
      },
      'invalid_target',
      '',
    ],
    [
      () => redeem({ grant_type: 'refresh_token', refresh_token: 'x' }),
      'invalid_grant',
      'the refresh token is unknown',
    ],
    [() => dpop({ htm: 'GET' }), 'invalid_dpop_proof', 'htm of the DPoP proof'],
    [() => dpop({ htu: 'https://other.example.org/token' }), 'invalid_dpop_proof', 'htu of the DPoP proof'],
    [() => dpop({ iat: 5 }), 'invalid_dpop_proof', 'iat of the DPoP proof must be now'],
    [() => dpop({ jti: undefined }), 'invalid_dpop_proof', 'the DPoP proof needs jti'],
    [() => dpop({ nonce: 'x' }), 'invalid_dpop_proof', 'leave nonce out'],
    [() => dpop({}, { typ: 'jwt' }), 'invalid_dpop_proof', 'the DPoP header must be one JWT'],

    [
      async () => {
        const got = await code({ client_id: 'bound' });
        return redeem({ client_id: 'bound', code: got.code, code_verifier: got.verifier });
      },
      'invalid_grant',
      'tokens of this client are bound to a key',
    ],
    [
      () => post('/token', '{}', { 'content-type': 'application/json' }),
      'invalid_request',
      'send the parameters as application/x-www-form-urlencoded',
    ],
    [() => post('/token', `code=${'x'.repeat(60_000)}`), 'invalid_request', 'the body is too long'],
    [() => redeem({ code: 'x' }, { origin: 'https://attacker.example' }), 'invalid_request', 'the origin of this app'],
    [
      () => redeem({ client_id: undefined, client_assertion: 'e30.eyJzdWIiOiJ4In0.x', client_assertion_type: 'x' }),
      'invalid_request',
      'client_assertion_type must be',
    ],

    [
      async () => bound(await proofOf(), { dpop_jkt: 'x'.repeat(43) }),
      'invalid_grant',
      'the DPoP proof is of another key',
    ],
    [
      async () => {
        const proof = await proofOf();
        await bound(proof);
        return bound(proof);
      },
      'invalid_grant',
      'this DPoP proof was used already',
    ],
    [
      async () => {
        const { refresh_token } = await tokensOf({ scope: 'openid offline_access', prompt: 'consent' });
        return redeem({ grant_type: 'refresh_token', refresh_token, scope: 'openid email' });
      },
      'invalid_scope',
      'a refresh can drop scopes',
    ],
    [
      async () => {
        const { refresh_token } = await tokensOf({ scope: 'openid offline_access', prompt: 'consent' });
        await redeem({ grant_type: 'refresh_token', refresh_token });
        return redeem({ grant_type: 'refresh_token', refresh_token });
      },
      'invalid_grant',
      'the refresh token was used already, and its family has ended',
    ],

    [
      async () => {
        const got = await code({ client_id: 'raised' });
        await running.reload({ 'clients/raised.yaml': { ...SERVICE, client_id: 'raised', minimum_level: 'mfa' } });
        return redeem({ client_id: 'raised', code: got.code, code_verifier: got.verifier });
      },
      'invalid_grant',
      'the sign-in did not reach the level mfa',
    ],
    [
      async () => {
        const { browser, request, answer } = await signedIn(running.issuer, owner.login, { acr_values: MFA });
        const got = sentBack(await approveByScan(browser, owner.phone, answer)).get('code') ?? '';
        const { deviceId } = await owner.phone.account();
        await removeDevice(running.house.world, { userId: owner.id, deviceId });
        return redeem({ code: got, code_verifier: request.verifier });
      },
      'invalid_grant',
      'the phone that this sign-in rests on was removed',
    ],
    [
      async () => {
        const { url, verifier } = authorization(running.issuer, { resource: API, scope: 'openid read' });
        const browser = new HttpBrowser();
        const page = await browser.visit(`${url}&${new URLSearchParams({ resource: PLAIN })}`, atService);
        const got = sentBack(await logIn(browser, page, login)).get('code') ?? '';
        return redeem({ code: got, code_verifier: verifier });
      },
      'invalid_target',
      'a token is for one resource',
    ],
    [() => alone({ scope: 'read' }), 'invalid_scope', 'a token of the client itself has scopes of one resource'],
    [() => alone({ scope: 'approve', resource: API }), 'invalid_scope', 'this scope needs a level'],
    [() => alone({ scope: 'see', resource: HIGH }), 'invalid_target', 'this resource needs a level'],
    [
      async () =>
        post(
          '/token',
          { ...(await signed('bank')), grant_type: 'client_credentials', scope: 'read', resource: API },
          await proofOf({}, { alg: 'RS256' }, weakPair),
        ),
      'invalid_dpop_proof',
      'sign the DPoP proof with ES256',
    ],

    // Endpoints that are asked in another way.
    [() => asked('GET', '/token'), 'invalid_request', 'this endpoint is not for GET: send POST'],
    [() => asked('DELETE', '/me'), 'invalid_request', 'this endpoint is not for DELETE: send GET or POST'],

    // Devices and requests without a browser.
    [
      () => post('/device/auth', { client_id: 'payroll', scope: 'openid' }),
      'invalid_request',
      `the client may not use ${DEVICE}`,
    ],
    [
      () => post('/token', { grant_type: DEVICE, client_id: 'tv', device_code: 'x' }),
      'invalid_grant',
      'the device_code is unknown',
    ],
    [
      async () => {
        const asked = (await post('/device/auth', { client_id: 'tv', scope: 'openid' })) as unknown as {
          device_code: string;
        };
        return post('/token', { grant_type: DEVICE, client_id: 'tv', device_code: asked.device_code });
      },
      'authorization_pending',
      'the person has not answered yet',
    ],
    [
      async () => {
        const asked = (await post('/device/auth', { client_id: 'tv', scope: 'openid' })) as unknown as {
          device_code: string;
        };
        const poll = () => post('/token', { grant_type: DEVICE, client_id: 'tv', device_code: asked.device_code });
        return poll().then(poll);
      },
      'slow_down',
      'too quick',
    ],
    [() => post('/backchannel', { ...deskSecret(), scope: 'openid' }), 'invalid_request', 'nothing says who is asked'],
    [
      () => post('/backchannel', { ...deskSecret(), scope: 'openid', login_hint: 'x', id_token_hint: 'y' }),
      'invalid_request',
      'two hints at once',
    ],
    [
      () => post('/backchannel', { ...deskSecret(), scope: 'openid', login_hint: 'nobody' }),
      'unknown_user_id',
      'the hint names nobody',
    ],
    [
      () => post('/backchannel', { ...deskSecret(), scope: 'openid', login_hint: login }),
      'access_denied',
      'this person has no phone',
    ],
    [
      () => post('/backchannel', { ...deskSecret(), scope: 'openid', login_hint: login, requested_expiry: 'x' }),
      'invalid_request',
      'requested_expiry must be whole',
    ],
    [
      () => post('/token', { ...deskSecret(), grant_type: CIBA, auth_req_id: 'x' }),
      'invalid_grant',
      'the auth_req_id is unknown',
    ],

    [
      async () => {
        const { phone: _phone, login: asked } = await personWithPhone(running);
        const { auth_req_id } = await aside({ login_hint: asked, requested_expiry: '1' });
        await wait(2000);
        return post('/token', { ...deskSecret(), grant_type: CIBA, auth_req_id });
      },
      'expired_token',
      'the person did not answer in time',
    ],
    [
      () => post('/backchannel', { ...ofClient('pinged'), scope: 'openid', client_notification_token: 'two words' }),
      'invalid_request',
      'ping needs client_notification_token',
    ],
    [
      async () =>
        post('/backchannel', { ...(await signed('signdesk')), request: await object('signdesk', { scope: 'openid' }) }),
      'invalid_request',
      'the request object lacks the claim iat',
    ],

    // Access tokens.
    [() => me(''), 'invalid_token', 'no access token came'],
    [
      () => me('', {}, '?access_token=x'),
      'invalid_request',
      'send the access token in the Authorization header, never',
    ],
    [
      async () => me('Bearer x', await proofOf()),
      'invalid_request',
      'a token that is bound to a key goes with the scheme',
    ],
    [
      async () => post('/me', { access_token: 'x' }, await proofOf()),
      'invalid_request',
      'a token that is bound to a key goes in the Authorization header',
    ],
    [
      async () => me(`Bearer ${await accessToken('openid read', PLAIN)}`),
      'insufficient_scope',
      'the access token has no scope openid, or is for a resource',
    ],
    [
      async () => me(`Bearer ${await accessToken('openid read', API)}`),
      'invalid_token',
      'the access token is unknown, expired or ended, or a JWT for a resource',
    ],
    [
      async () => me(`Bearer ${await accessToken()}`, {}, '?scope=openid+email'),
      'insufficient_scope',
      'the access token lacks a scope',
    ],
    [
      async () => {
        const { access_token, proof } = await held();
        await me(`DPoP ${access_token}`, proof);
        return me(`DPoP ${access_token}`, proof);
      },
      'invalid_token',
      'this DPoP proof was used already',
    ],
    [
      async () => {
        const token = await accessToken();
        const ath = createHash('sha256').update(token).digest('base64url');
        return me(`DPoP ${token}`, await proofOf({ htm: 'GET', htu: `${running.issuer}/me`, ath }));
      },
      'invalid_token',
      'this access token is bound to no key',
    ],
    [() => me('Bearer nothing'), 'invalid_token', 'the access token is unknown'],
    [() => me('Basic eDp5'), 'invalid_request', 'the Authorization header must be Bearer'],
    [
      async () => me(`Bearer ${await accessToken()}`, {}, '?access_token=x'),
      'invalid_request',
      'send the access token',
    ],
    [() => me('DPoP nothing'), 'invalid_request', 'the scheme DPoP needs'],
    [
      async () => me(`Bearer ${await accessToken('profile')}`),
      'insufficient_scope',
      'the access token has no scope openid',
    ],
    [
      async () => post('/token/introspection', { client_id: 'payroll', token: await accessToken('read', API) }),
      'unsupported_token_type',
      'JWT access tokens are not stored',
    ],
    [() => post('/token/introspection', { client_id: 'payroll' }), 'invalid_request', 'the request lacks token'],
    [() => post('/token/revocation', { client_id: 'payroll' }), 'invalid_request', 'the request lacks token'],

    [
      async () => me(`Bearer ${(await bound(await proofOf())).access_token}`),
      'invalid_token',
      'this access token is bound to a key',
    ],
    [
      async () => me(`DPoP ${await accessToken()}`, await proofOf({ htm: 'GET', htu: `${running.issuer}/me` })),
      'invalid_dpop_proof',
      'ath of the DPoP proof',
    ],

    // Signing out.
    [() => endSession({ id_token_hint: 'x' }), 'invalid_request', 'id_token_hint must be an ID token'],
    [
      async () => endSession({ id_token_hint: (await tokensOf())['id_token'] ?? '', client_id: 'pusher' }),
      'invalid_request',
      'client_id is not the client that id_token_hint was made for',
    ],
    [
      () => endSession({ client_id: 'payroll', post_logout_redirect_uri: 'https://other.example.org/' }),
      'invalid_request',
      'post_logout_redirect_uri is none',
    ],
    [() => endSession({ client_id: 'nobody' }), 'invalid_client', 'client_id is not known here'],
    [
      async () => endSession({ id_token_hint: await jwt({ aud: 'nobody' }) }),
      'invalid_client',
      'id_token_hint was made for no client of today',
    ],

    // What nobody foresaw: a table that is not there.
    [
      async () => {
        const database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
        await database.connect();
        try {
          await database.query('alter table oidc_artefacts rename to elsewhere');
          return await redeem({ grant_type: 'refresh_token', refresh_token: 'x'.repeat(44) });
        } finally {
          await database.query('alter table elsewhere rename to oidc_artefacts');
          await database.end();
        }
      },
      'server_error',
      'something failed here',
    ],
  ];
  /** The parameters of an authorization request, to be pushed. */
  function authorizationOf(parameters: Parameters): Parameters {
    return Object.fromEntries(new URL(authorization(running.issuer, parameters).url).searchParams);
  }
  async function endSession(parameters: Record<string, string>): Promise<Told> {
    return ofTable(await new HttpBrowser().visit(`${running.issuer}/session/end?${new URLSearchParams(parameters)}`));
  }

  it('say what to change, in the words of the page', async () => {
    const wrong: string[] = [];
    const unheard = new Map(
      ERROR_WORDS.map(([code, , words]) => [`${code}: ${words}`, [code, patternOf(words.replace('$1', '…'))] as const]),
    );
    for (const [ask, code, words] of cases) {
      const told = await ask().catch((broken: Error): Told => ({ error: broken.message }));
      const { error, error_description: description = '', challenge } = told;
      const shown = `${ask}`.slice(0, 160).replace(/\s+/g, ' ');
      const onPage = (page.get(error) ?? []).some((text) => patternOf(text).test(description));
      for (const [rule, [of, pattern]] of unheard) if (of === error && pattern.test(description)) unheard.delete(rule);
      if (error !== code || !description.startsWith(words)) wrong.push(`${shown}: ${error}: ${description}`);
      else if (!onPage) wrong.push(`${shown}: the page does not list ${error}: ${description}`);
      if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(description)) wrong.push(`${shown}: characters: ${description}`);
      if (challenge?.includes('error=') && !challenge.includes(`error_description="${description}"`))
        wrong.push(`${shown}: the header says ${challenge}`);
    }
    expect(wrong.join('\n')).to.equal('');
    expect([...unheard.keys()].join('\n'), 'descriptions that no request here was answered with').to.equal('');
  });

  it('stand on the page, each of them, under its code', () => {
    for (const [code, , words] of ERROR_WORDS) expect(page.get(code), code).to.include(words.replace('$1', '…'));
  });

  it('keep to the characters of RFC 6749, whatever the library says', () => {
    const told = errorWords({ message: 'invalid_request', error_description: 'a "quoted" \\ thing … é\n' });
    expect(told).to.equal("a 'quoted' ' thing ? ??");
  });
});
