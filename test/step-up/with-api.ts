// A real provider, real tokens, and one API behind Koa, Express, Fastify and a fetch handler, for the tests of packages/step-up.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import express from 'express';
import fastify from 'fastify';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import Koa from 'koa';
import { guard as expressGuard, tokenOf } from '../../packages/step-up/src/express.ts';
import { guard as fastifyGuard } from '../../packages/step-up/src/fastify.ts';
import { guard as fetchGuard } from '../../packages/step-up/src/fetch.ts';
import { type Requirement, ResourceServer, type ResourceServerOptions } from '../../packages/step-up/src/index.ts';
import { guard as koaGuard } from '../../packages/step-up/src/koa.ts';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { addPhone, approveByScan, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { person, portOf, type RunningHouse, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, logIn, sentBack, signedIn, tokenRequest } from '../support/service.ts';

/** The API whose tokens are JWTs, and the one that asks about them. */
export const JWT_API = 'https://api.example.org/v1';
export const OPAQUE_API = 'https://ledger.example.org';
export const API_SECRET = 'a secret of the API that is long & + enough: 32';

const scopes = { payslips: {}, 'payslips:approve': {} };
const FILES = {
  'resources/api.yaml': { identifier: JWT_API, name: 'API', scopes, introspection_clients: ['api'] },
  'resources/ledger.yaml': {
    identifier: OPAQUE_API,
    name: 'Ledger',
    scopes,
    token_format: 'opaque',
    introspection_clients: ['api'],
  },
  'clients/api.yaml': {
    client_id: 'api',
    client_secret: API_SECRET,
    grant_types: ['client_credentials'],
  },
};

/** A key of a client, with the proofs that it makes (RFC 9449). */
export interface ClientKey {
  thumbprint: string;
  proof(method: string, url: string, token?: string, more?: ProofParts): Promise<string>;
}

/** What a forger changes in a proof. */
export interface ProofParts {
  payload?: { [claim: string]: unknown };
  header?: { [member: string]: unknown };
}

export async function clientKey(alg = 'ES256'): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const jwk = await exportJWK(publicKey);
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    proof: (htm, htu, token, more = {}) => {
      const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
      const payload = { jti: randomUUID(), htm, htu, iat: Math.floor(Date.now() / 1000), ...ath, ...more.payload };
      return new SignJWT(payload).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...more.header }).sign(privateKey);
    },
  };
}

/** A person with a phone, at a provider that knows both APIs. */
export interface Provider {
  running: RunningHouse;
  login: string;
  phone: HeadlessPhone;
  /** Signs in (with the phone where the parameters ask for it) and answers the access token. */
  token(resource: string, parameters?: { [name: string]: string }, key?: ClientKey): Promise<string>;
  /** A token that the issuer's own key signed, with whatever in it. */
  forge(payload: { [claim: string]: unknown }, header?: { [member: string]: unknown }): Promise<string>;
  /** A path that the provider does not answer for now. */
  down: string | undefined;
  /** What stands in the way of that path, a broken proxy say, answers instead. */
  instead: { status: number; body: object };
  close(): Promise<void>;
}

export async function startProvider(): Promise<Provider> {
  const state: Pick<Provider, 'down' | 'instead'> = { down: undefined, instead: { status: 502, body: {} } };
  const running = await startHouse({
    files: FILES,
    before: (request, response) => {
      if (request.url !== state.down) return false;
      const { status, body } = state.instead;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      return true;
    },
  });
  const { login } = await person(running.house);
  const first = await signedIn(running.issuer, login, { acr_values: MFA });
  const ready = await proveMailbox(running, first.browser, first.answer, `${login}@example.org`);
  const { phone } = await addPhone(running, first.browser, ready);
  const { keys } = JSON.parse(readFileSync(join(running.folder, 'data/secrets/signing.jwks.json'), 'utf8')) as {
    keys: JWK[];
  };

  async function token(resource: string, parameters: { [name: string]: string } = {}, key?: ClientKey) {
    const { issuer } = running;
    const browser = new HttpBrowser();
    const request = authorization(issuer, { resource, scope: 'openid payslips', ...parameters });
    let answer = await logIn(browser, await browser.visit(request.url, atService), login);
    if (answer.location === undefined) answer = await approveByScan(browser, phone, answer);
    const headers = key === undefined ? {} : { dpop: await key.proof('POST', `${issuer}/token`) };
    const fields = {
      grant_type: 'authorization_code',
      client_id: 'payroll',
      redirect_uri: CALLBACK,
      code: sentBack(answer).get('code') ?? '',
      code_verifier: request.verifier,
    };
    const { status, body } = await tokenRequest(issuer, fields, headers);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return String(body['access_token']);
  }

  async function forge(payload: { [claim: string]: unknown }, header: { [member: string]: unknown } = {}) {
    const jwk = keys.find(({ alg }) => alg === 'ES256') ?? {};
    const now = Math.floor(Date.now() / 1000);
    const usual = {
      iss: running.issuer,
      aud: JWT_API,
      sub: 'somebody',
      client_id: 'payroll',
      iat: now,
      exp: now + 60,
      jti: randomUUID(),
      scope: 'openid payslips',
      acr: MFA,
      auth_time: now,
    };
    return new SignJWT({ ...usual, ...payload })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...(jwk.kid ? { kid: jwk.kid } : {}), ...header })
      .sign(await importJWK(jwk, 'ES256'));
  }

  return Object.assign(state, { running, login, phone, token, forge, close: running.close });
}

// ── The API ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Routes of the API and what each needs. */
export const ROUTES: { [path: string]: Requirement } = {
  '/any': {},
  '/payslips': { scopes: ['payslips'], level: 'mfa', maxAge: 900 },
  '/approve': { scopes: ['payslips', 'payslips:approve'] },
};

/** A running API. */
export interface Api {
  url: string;
  close(): Promise<void>;
}

type Framework = (server: ResourceServer) => Promise<RequestListener> | RequestListener;

/** The same API by each framework; its handlers answer what `tokenOf` knows, or 500 where no guard stood before them. */
export const FRAMEWORKS: { [name: string]: Framework } = {
  koa: (server) => {
    const app = new Koa();
    app.silent = true;
    const guards = new Map(Object.entries(ROUTES).map(([path, need]) => [path, koaGuard(server, need)]));
    app.use(async (ctx, next) => {
      const own = guards.get(ctx.path);
      return own === undefined ? next() : own(ctx, next);
    });
    app.use((ctx) => {
      const { subject, acr, scheme } = tokenOf(ctx);
      ctx.body = { subject, acr, scheme };
    });
    return app.callback();
  },
  express: (server) => {
    const app = express();
    for (const [path, need] of Object.entries(ROUTES)) {
      // A router of its own: its requests have another `url` than the client asked for.
      const router = express.Router();
      router.get('/', expressGuard(server, need), (request, response) => {
        const { subject, acr, scheme } = tokenOf(request);
        response.json({ subject, acr, scheme });
      });
      app.use(path, router);
    }
    return app;
  },
  fastify: async (server) => {
    const app = fastify();
    for (const [path, need] of Object.entries(ROUTES)) {
      app.get(path, { onRequest: fastifyGuard(server, need) }, async (request) => {
        const { subject, acr, scheme } = tokenOf(request);
        return { subject, acr, scheme };
      });
    }
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
  fetch: (server) => {
    const handlers = new Map(
      Object.entries(ROUTES).map(([path, need]) => [
        path,
        fetchGuard(server, need, (_request, { subject, acr, scheme }) => Response.json({ subject, acr, scheme })),
      ]),
    );
    // As servers for fetch handlers do it: headers and address in, status, headers and body out.
    return (request, response) => {
      const url = new URL(request.url ?? '/', 'http://whatever.example');
      const handler = handlers.get(url.pathname) ?? (async () => new Response(null, { status: 404 }));
      const headers = Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      void handler(new Request(url, { method: request.method ?? 'GET', headers })).then(async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
      });
    };
  },
};

/** Starts the API by one framework. */
export async function startApi(framework: string, options: ResourceServerOptions): Promise<Api> {
  const app = FRAMEWORKS[framework];
  if (app === undefined) throw new Error(framework);
  let listener: RequestListener = () => {};
  const server: Server = createServer((request, response) => listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://localhost:${portOf(server)}`;
  listener = await app(new ResourceServer({ publicUrl: url, ...options }));
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A request with a token: by DPoP where there is a key. */
export async function ask(url: string, token?: string, key?: ClientKey, more: { [name: string]: string } = {}) {
  const own: { [name: string]: string } = {};
  if (token !== undefined) own['authorization'] = `${key === undefined ? 'Bearer' : 'DPoP'} ${token}`;
  if (key !== undefined && token !== undefined) own['dpop'] = await key.proof('GET', url.replace(/\?.*/, ''), token);
  const answer = await fetch(url, { headers: { ...own, ...more } });
  const text = await answer.text();
  return {
    status: answer.status,
    challenge: answer.headers.get('www-authenticate') ?? '',
    headers: answer.headers,
    text,
    body: JSON.parse(text || '{}') as { [name: string]: unknown },
  };
}
