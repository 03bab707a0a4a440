// Says at the door what the store would refuse at the end: nobody types a password, or gets a mail, for a change that cannot be kept.
import type { Middleware } from 'koa';
import { RETRY_AFTER_READ_ONLY } from '../platform/unavailable.ts';
import { Refusal } from './errors.ts';

/** Pages that lead to nothing but a change: the steps of a sign-in, a link that was sent. */
const LEADS_TO_A_CHANGE = /^\/(?:interaction\/|recover(?:\/|$)|invitation$)/;
/** Kept by the browser, or in what may be lost. */
const MAY = new Set(['/language', '/account/sign-out']);

/** A courtesy: what passes here is refused by the store all the same (`refuseWrites` of src/storage/postgres). @param on asked at each request. */
export function refuseWhileReadOnly(on: () => boolean): Middleware {
  return (ctx, next) => {
    if (!on() || MAY.has(ctx.path)) return next();
    const looks = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (looks && !LEADS_TO_A_CHANGE.test(ctx.path)) return next();
    throw new Refusal('read_only', RETRY_AFTER_READ_ONLY);
  };
}
