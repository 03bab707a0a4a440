// Refuses state-changing requests that another site made this browser send (cross-site request forgery).
import type { Context, Middleware } from 'koa';
import { Refusal } from './errors.ts';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a browser says that the request comes from our own pages. `Sec-Fetch-Site` is set by the browser and cannot be forged by a page; where it
 * is missing (old browsers, plain http away from loopback) `Origin` must be ours. Our pages send no referrer, so the browser writes `Origin: null` on
 * their own forms: that is accepted only beside `Sec-Fetch-Site: same-origin`. Neither header: refused.
 */
export function fromOurPages(headers: { site: string; origin: string }, origin: string): boolean {
  if (headers.site !== '')
    return (
      headers.site === 'same-origin' &&
      (headers.origin === '' || headers.origin === 'null' || headers.origin === origin)
    );
  return headers.origin === origin;
}

/**
 * Refuses with 403 every state-changing request that is not from our own pages.
 * @param options.except paths with an own rule (the token endpoint, the device API, …).
 * @param options.refused is told of each refusal, for the audit.
 */
export function sameOrigin(options: {
  issuer: string;
  except?: (ctx: Context) => boolean;
  refused?: (ctx: Context) => Promise<void> | void;
}): Middleware {
  const { origin } = new URL(options.issuer);
  return async (ctx, next) => {
    const checked = !SAFE.has(ctx.method) && options.except?.(ctx) !== true;
    if (checked && !fromOurPages({ site: ctx.get('Sec-Fetch-Site'), origin: ctx.get('Origin') }, origin)) {
      await options.refused?.(ctx);
      throw new Refusal('cross_site');
    }
    await next();
  };
}
