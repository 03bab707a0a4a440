// The one place where a refusal becomes a status, and the last resort for everything unexpected: no stack trace ever leaves the server.
import type { Context, Middleware } from 'koa';
import { QueueFull } from '../domain/ports.ts';
import { RETRY_AFTER, ReadOnly, retryAfterOf, Unavailable } from '../platform/unavailable.ts';
import { fact } from './request.ts';

/** Refusals of web manners: each has one status. A page or an API may add its own words. */
export const STATUS = {
  malformed: 400,
  unknown_session: 400,
  not_signed_in: 401,
  cross_site: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  over: 410,
  too_large: 413,
  unsupported_media: 415,
  unprocessable: 422,
  too_many: 429,
  broken: 500,
  busy: 503,
  read_only: 503,
} as const;

/** One of {@link STATUS}. */
export type RefusalCode = keyof typeof STATUS;

/** Thrown by a web manner (a body too large, a request from another site) that cannot go on; never by a use case. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: RefusalCode;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter?: number;

  constructor(code: RefusalCode, retryAfter?: number) {
    super(code);
    this.code = code;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/** What is told: never more than this. */
export interface ToldProblem {
  status: number;
  code: RefusalCode;
  requestId: string;
  retryAfter?: number;
}

/** How a problem is shown to a person. */
export type ProblemPage = (ctx: Context, problem: ToldProblem) => Promise<void>;

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  // oidc-provider's word for a store that does not serve hides it (src/provider/availability.ts).
  const store = [error, (error as { cause?: unknown } | null)?.cause].find((one) => one instanceof Unavailable);
  if (store) return new Refusal(store instanceof ReadOnly ? 'read_only' : 'busy', retryAfterOf(store));
  if (error instanceof QueueFull) return new Refusal('busy', RETRY_AFTER);
  const { status, retryAfter } = (error ?? {}) as { status?: unknown; retryAfter?: unknown };
  // oidc-provider keeps a session after its answer is made: a limit may speak as late as that.
  if (status === 429) return new Refusal('too_many', typeof retryAfter === 'number' ? retryAfter : undefined);
  // What Koa and its parsers throw at a bad request (a path that cannot be decoded, …).
  if (status === 413) return new Refusal('too_large');
  return typeof status === 'number' && status >= 400 && status < 500 ? new Refusal('malformed') : new Refusal('broken');
}

/** Whether the caller wants a page: a script or a machine gets JSON (RFC 9457). */
export function wantsPage(ctx: Context): boolean {
  return (
    ctx.get('Sec-Fetch-Mode') === 'navigate' ||
    (ctx.get('Accept').includes('text/html') && ctx.accepts('html', 'json') === 'html')
  );
}

async function tell(ctx: Context, refusal: Refusal, page: ProblemPage): Promise<void> {
  const status = STATUS[refusal.code];
  const requestId = fact(ctx, 'id');
  const { retryAfter } = refusal;
  ctx.status = status;
  if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
  if (wantsPage(ctx))
    return page(ctx, { status, code: refusal.code, requestId, ...(retryAfter !== undefined && { retryAfter }) });
  ctx.body = JSON.stringify({
    type: `urn:countersign:problem:${refusal.code}`,
    status,
    request_id: requestId,
    ...(retryAfter !== undefined && { retry_after: retryAfter }),
  });
  ctx.type = 'application/problem+json';
}

/**
 * Catches what is thrown below it, and answers 404 where nobody did. Mount it after the request log.
 * @param options.page shows a problem to a person; where even that fails, one plain line is sent.
 */
export function errors(options: { page: ProblemPage }): Middleware {
  const answer = async (ctx: Context, refusal: Refusal) => {
    try {
      await tell(ctx, refusal, options.page);
    } catch (error) {
      fact(ctx, 'log').error({ err: error }, 'an error page could not be shown');
      ctx.status = STATUS[refusal.code];
      ctx.type = 'text/plain';
      ctx.body = `Something went wrong on our side. Request ${fact(ctx, 'id')}.`;
    }
  };
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const refusal = refusalOf(error);
      // Who switched read-only mode on knows.
      if (error instanceof Unavailable && !(error instanceof ReadOnly))
        fact(ctx, 'log').warn({ err: error }, 'a store does not answer');
      if (refusal.code === 'broken') fact(ctx, 'log').error({ err: error }, 'unexpected error');
      if (ctx.res.headersSent) ctx.res.destroy();
      else await answer(ctx, refusal);
      return;
    }
    if (ctx.respond === false || ctx.res.headersSent) return;
    // koa-router's allowedMethods sets 405 (with Allow) and 501 without a body.
    const nobody = ctx.body === undefined || ctx.body === null;
    if (nobody && ctx.status === 404) await answer(ctx, new Refusal('not_found'));
    else if (nobody && (ctx.status === 405 || ctx.status === 501)) await answer(ctx, new Refusal('method_not_allowed'));
  };
}
