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
  return async (ctx, next) => {
    const nonce = options.random.id(16);
    note(ctx, { nonce });
    const phone = ctx.path.startsWith(phonePath);
    ctx.set('Content-Security-Policy', policyHeader(phone ? phonePolicy : pagePolicy(nonce)));
    ctx.set('X-Content-Type-Options', 'nosniff');
    ctx.set('Referrer-Policy', 'no-referrer');
    ctx.set('Cross-Origin-Opener-Policy', 'same-origin');
    ctx.set('Cross-Origin-Resource-Policy', 'same-origin');
    const own = `camera=${phone ? '(self)' : '()'}, publickey-credentials-create=(self), publickey-credentials-get=(self)`;
    ctx.set('Permissions-Policy', `${CLOSED}, ${own}`);
    ctx.set('Cache-Control', 'no-store');
    if (https) ctx.set('Strict-Transport-Security', 'max-age=63072000');
    await next();
  };
}
