// The headers of every answer: what a page may load, who may frame it, and what the browser must not tell others.
import type { Context, Middleware } from 'koa';
import type { Random } from '../platform/random.ts';
import { fact, note } from './request.ts';

/** CSP directives by name; an empty list is a directive without a value. */
export type Policy = { readonly [directive: string]: readonly string[] };

/**
 * The policy of the sign-in pages. There is no `form-action`: Chromium applies it to the whole redirect chain after a POST, and ours
 * ends at the service's own address. oidc-provider adds the hashes of its own scripts to `script-src`.
 */
export function pagePolicy(nonce: string): Policy {
  return {
    'default-src': ["'none'"],
    'script-src': [`'nonce-${nonce}'`],
    'style-src': [`'nonce-${nonce}'`],
    'img-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'frame-ancestors': ["'none'"],
    'base-uri': ["'none'"],
  };
}

/** The policy of the phone app: static files of our own origin, the camera's picture, and WebAssembly for reading QR codes. */
export const phonePolicy: Policy = {
  'default-src': ["'none'"],
  'script-src': ["'self'", "'wasm-unsafe-eval'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:', 'blob:'],
  'media-src': ["'self'", 'blob:'],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'worker-src': ["'self'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
};

/** A policy as the header's value. */
export function policyHeader(policy: Policy): string {
  return Object.entries(policy)
    .map(([name, values]) => [name, ...values].join(' '))
    .join('; ');
}

/** For pages whose forms never lead to a service: their POST stays here. */
export function keepFormsHere(ctx: Context): void {
  ctx.set('Content-Security-Policy', policyHeader({ ...pagePolicy(fact(ctx, 'nonce')), 'form-action': ["'self'"] }));
}

const CLOSED =
  'accelerometer=(), browsing-topics=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=()';

/**
 * Sets the security headers and the nonce of each answer.
 * @param options.issuer decides HSTS: only an https issuer sends it.
 * @param options.phonePath where the phone app stands; it alone may use the camera.
 */
export function securityHeaders(options: { issuer: string; random: Random; phonePath?: string }): Middleware {
  const phonePath = options.phonePath ?? '/phone/';
  const https = new URL(options.issuer).protocol === 'https:';
  // Written once: these run for every request. The page's policy is cut where each nonce goes.
  const pageParts = policyHeader(pagePolicy('\n')).split('\n');
  const phoneHeader = policyHeader(phonePolicy);
  const permissions = (camera: string) =>
    `${CLOSED}, camera=${camera}, publickey-credentials-create=(self), publickey-credentials-get=(self)`;
  const [pagePermissions, phonePermissions] = [permissions('()'), permissions('(self)')];
  return (ctx, next) => {
    const nonce = options.random.id(16);
    note(ctx, { nonce });
    const phone = ctx.path.startsWith(phonePath);
    const { res } = ctx;
    res.setHeader('Content-Security-Policy', phone ? phoneHeader : pageParts.join(nonce));
    res.setHeader('X-Content-Type-Options', 'nosniff');
    res.setHeader('Referrer-Policy', 'no-referrer');
    res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    res.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    res.setHeader('Permissions-Policy', phone ? phonePermissions : pagePermissions);
    res.setHeader('Cache-Control', 'no-store');
    if (https) res.setHeader('Strict-Transport-Security', 'max-age=63072000');
    return next();
  };
}
