// What the first middleware learn about a request and the later ones read: id, nonce, client address. One typed door to ctx.state.
import type { Context } from 'koa';
import type { Log } from '../platform/log.ts';

/** Facts about one request. */
export interface RequestFacts {
  /** Shown on error pages and written in every log line of the request. */
  id: string;
  /** The CSP nonce of this answer. */
  nonce: string;
  /** The client's address, v4-mapped IPv6 written as IPv4. */
  address: string;
  /** The address as limits count it: IPv4 whole, IPv6 by its /64. */
  addressKey: string;
  log: Log;
}

/** Facts as they are kept; the log is only made where somebody writes to it, as few requests do. */
interface Noted extends Partial<RequestFacts> {
  openLog?: () => Log;
}

// On the request itself: a map beside it costs a lookup for each fact, and the garbage collector work for each request.
const FACTS = Symbol('facts');

/** Notes facts; later notes add to earlier ones. `openLog` makes the log at its first use. */
export function note(ctx: Pick<Context, 'req'>, known: Noted): void {
  const request = ctx.req as { [FACTS]?: Noted };
  const facts = request[FACTS];
  if (facts) Object.assign(facts, known);
  else request[FACTS] = { ...known };
}

/**
 * One fact of the request.
 * @throws Error where the middleware that learns it is not mounted: a mistake of ours, not of the person.
 */
export function fact<Name extends keyof RequestFacts>(ctx: Pick<Context, 'req'>, name: Name): RequestFacts[Name] {
  const facts = (ctx.req as { [FACTS]?: Noted })[FACTS];
  if (name === 'log' && facts?.openLog) facts.log ??= facts.openLog();
  const value = facts?.[name];
  if (value === undefined)
    throw new Error(`no ${name} for this request: its middleware is not mounted before this one`);
  return value as RequestFacts[Name];
}

/** The client's address and the key by which limits count it. */
export function addressOf(ctx: Pick<Context, 'req'>): { address: string; addressKey: string } {
  return { address: fact(ctx, 'address'), addressKey: fact(ctx, 'addressKey') };
}
