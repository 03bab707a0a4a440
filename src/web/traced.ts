// One span a request, where traces are switched on.
import type { Middleware } from 'koa';
import type { Tracing } from '../platform/tracing.ts';
import { fact } from './request.ts';
import { routeOf } from './routes.ts';

/** Mount it before the request log, so that the log's line names the trace. */
export function traced(tracing: Tracing): Middleware {
  return (ctx, next) =>
    tracing.request(ctx.req.headers, next, () => ({
      method: ctx.method,
      route: routeOf(ctx),
      status: ctx.status,
      id: fact(ctx, 'id'),
    }));
}
