// Every request's way through the house, as one list. Order is a security property: read it from top to bottom.
import Koa, { type Context, type Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { World } from '../domain/ports.ts';
import { answerBy } from '../provider/availability.ts';
import type { Settings } from '../settings/settings.ts';
import { auditStrangers } from '../usecases/audit-strangers.ts';
import { clientAddress } from '../web/address.ts';
import { clientCertificateHeader } from '../web/client-certificate.ts';
import { errors, type ProblemPage } from '../web/errors.ts';
import { addressOf } from '../web/request.ts';
import { requestLog } from '../web/request-log.ts';
import { sameOrigin } from '../web/same-origin.ts';
import { securityHeaders } from '../web/security-headers.ts';
import { staticFiles } from '../web/static.ts';
import { traced } from '../web/traced.ts';
import type { NodeWatch } from './watch.ts';

/** What the list is made of. */
export interface AppParts {
  world: World;
  settings: Settings;
  /** The provider in force; a reload swaps it. */
  provider: () => Provider;
  problemPage: ProblemPage;
  /** Folders of built files. */
  folders: { assets: string; phone: string };
  /** The device API (its own rules: no cookies, signed messages). */
  device: Middleware;
  /** Who watches: metrics, traces. */
  watch?: Pick<NodeWatch, 'metrics' | 'tracing'>;
  /** The pages, in the order in which they are asked. */
  pages: Middleware[];
}

/** Builds the Koa application. */
export function createApp(parts: AppParts): Koa {
  const { world, settings } = parts;
  const { issuer } = settings.server;
  const { appOrigin } = settings.devices;
  const onPages = onlyAt(new URL(issuer).host);
  const onPhone = onlyAt(new URL(appOrigin).host);
  const app = new Koa({ proxy: true });
  app.silent = true;
  const list: Middleware[] = [
    ...(parts.watch?.tracing ? [traced(parts.watch.tracing)] : []),
    requestLog({
      log: world.log,
      clock: world.clock,
      random: world.random,
      quiet: isQuiet,
      ...(parts.watch ? { observe: parts.watch.metrics.request } : {}),
      ...(parts.watch?.tracing ? { traceId: parts.watch.tracing.traceId } : {}),
    }),
    securityHeaders({ issuer, random: world.random }),
    clientAddress({ trustedProxies: settings.server.trustedProxies }),
    clientCertificateHeader({
      header: settings.server.mtls?.header,
      trustedProxies: settings.server.trustedProxies,
    }),
    errors({ page: parts.problemPage }),
    atCertificates(settings.server.mtls?.origin),
    pinHost(issuer, appOrigin, settings.server.mtls?.origin),
    onPhone(staticFiles({ folder: parts.folders.phone, prefix: '/phone/', index: 'index.html' })),
    onPhone(parts.device),
    onPhone(helpAt(issuer, appOrigin)),
    onPages(staticFiles({ folder: parts.folders.assets, prefix: '/assets/' })),
    onPages(askedRight),
    onPages(atProvider(parts.provider)),
    onPages(sameOrigin({ issuer, refused: auditCrossSite(world) })),
    ...parts.pages.map(onPages),
  ];
  for (const middleware of list) app.use(middleware);
  return app;
}

const isQuiet = (path: string) =>
  path.startsWith('/assets/') || path.startsWith('/phone/') || path.startsWith('/health/');

/** Marks which of our two names was asked for, so that the phone's origin serves no sign-in page and the issuer no device API. */
const hosts = new WeakMap<object, string>();

/**
 * The request's Host is never trusted (design, decision 15): it only chooses between our own names, and everything behind this
 * line sees the configured one. oidc-provider builds addresses from it, and compares them with those in proofs of possession: a proof
 * that is sent to the origin of certificates names that one (RFC 9449 section 4.3, `htu`; RFC 8705 section 5).
 */
function pinHost(issuer: string, appOrigin: string, certificateOrigin: string = issuer): Middleware {
  const plain = (url: string) => ({ host: new URL(url).host, scheme: new URL(url).protocol.replace(':', '') });
  const [first, second, third] = [plain(issuer), plain(appOrigin), plain(certificateOrigin)];
  return (ctx, next) => {
    const { headers } = ctx.req;
    const asked = headers.host?.toLowerCase();
    const page = asked === second.host && asked !== first.host ? second : first;
    // The answer of /device/auth names pages, which are at the issuer alone.
    const { host, scheme } = asked === third.host && ctx.path !== '/device/auth' ? third : page;
    hosts.set(ctx.req, page.host);
    for (const name of ['forwarded', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix'])
      delete headers[name];
    headers.host = host;
    headers['x-forwarded-proto'] = scheme;
    headers['x-forwarded-for'] = addressOf(ctx).address;
    return next();
  };
}

/** Endpoints that clients call themselves. Only they are reached where certificates are asked for: a page there would ask people for one. */
const CALLED = /^\/(?:backchannel|device\/auth|me|request|token(?:\/(?:introspection|revocation))?)$/;

function atCertificates(origin: string | undefined): Middleware {
  const host = origin === undefined ? undefined : new URL(origin).host;
  return (ctx, next) => {
    if (host === undefined || ctx.req.headers.host?.toLowerCase() !== host || CALLED.test(ctx.path)) return next();
    ctx.status = 404;
    ctx.body = 'Not Found';
    return undefined;
  };
}

/** The app leads to the help at its own origin; where that is another one, the help is with the other pages. */
function helpAt(issuer: string, appOrigin: string): Middleware {
  return (ctx, next) => {
    if (new URL(issuer).host === new URL(appOrigin).host || ctx.path !== '/help') return next();
    ctx.redirect(new URL('/help', issuer).href);
    return undefined;
  };
}

function onlyAt(host: string): (middleware: Middleware) => Middleware {
  return (middleware) => (ctx, next) => (hosts.get(ctx.req) === host ? middleware(ctx, next) : next());
}

/** Paths that oidc-provider answers (its default routes); everything else is ours. */
const PROVIDER_PATHS =
  /^\/(?:\.well-known\/(?:openid-configuration|oauth-authorization-server)|auth(?:\/[^/]+)?|backchannel|device(?:\/(?!v1$)[^/]+)?|jwks|me|request|session\/end(?:\/(?:confirm|success))?|token(?:\/(?:introspection|revocation))?)$/;

/**
 * A program that asks such an endpoint in another way is told so, where oidc-provider would say *Not Found* of an address that
 * discovery names (RFC 9110 section 15.5.6). OPTIONS is for CORS.
 */
const askedRight: Middleware = (ctx, next) => {
  if (!CALLED.test(ctx.path)) return next();
  const allowed = ctx.path === '/me' ? ['GET', 'HEAD', 'POST', 'OPTIONS'] : ['POST', 'OPTIONS'];
  if (allowed.includes(ctx.method)) return next();
  ctx.status = 405;
  ctx.set('Allow', allowed.join(', '));
  ctx.body = {
    error: 'invalid_request',
    error_description: `this endpoint is not for ${ctx.method}: send ${ctx.path === '/me' ? 'GET or POST' : 'POST'}`,
  };
  return undefined;
};

function atProvider(provider: () => Provider): Middleware {
  const callbacks = new WeakMap<Provider, ReturnType<Provider['callback']>>();
  return async (ctx, next) => {
    if (!PROVIDER_PATHS.test(ctx.path)) return next();
    const current = provider();
    const callback = callbacks.get(current) ?? current.callback();
    callbacks.set(current, callback);
    ctx.respond = false;
    try {
      await answerBy(callback, ctx.req, ctx.res);
    } catch (error) {
      // Told by the same page as any error of our own.
      ctx.respond = true;
      throw error;
    }
  };
}

function auditCrossSite(world: World) {
  const audit = auditStrangers(world, world.records.audit);
  return (ctx: Context) =>
    audit.record({
      event: 'malicious_csrf',
      outcome: 'failure',
      ip: addressOf(ctx).address,
      detail: { path: ctx.path.slice(0, 100) },
    });
}
