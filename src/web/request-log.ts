// One line a request, with an id that the person can quote. No query string, no body, no cookie is ever written.
import type { Middleware } from 'koa';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import { note } from './request.ts';
import { routeOf } from './routes.ts';

/** What else wants to know of an answer: metrics. Seconds. */
export type Observe = (seen: { method: string; status: number; seconds: number; route: string }) => void;

/** A path as it is logged: cut to size; identifiers in it are of no use without the browser's cookie. */
function logged(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

/**
 * Gives the request an id and a log, and writes one line when it is answered. Mount it first.
 * @param options.quiet paths that are only logged at `debug` (assets, health).
 */
export function requestLog(options: {
  log: Log;
  clock: Clock;
  random: Random;
  quiet?: (path: string) => boolean;
  observe?: Observe;
  traceId?: () => string | undefined;
}): Middleware {
  const traceOf = () => {
    const trace = options.traceId?.();
    return trace === undefined ? {} : { trace };
  };
  return async (ctx, next) => {
    const started = options.clock.now();
    const id = options.random.id(9);
    note(ctx, { id, openLog: () => options.log.child({ request: id }) });
    ctx.res.setHeader('X-Request-Id', id);
    try {
      await next();
    } finally {
      const milliseconds = options.clock.now() - started;
      const { log } = options;
      const line = {
        request: id,
        method: ctx.method,
        path: logged(ctx.path),
        status: ctx.status,
        ms: milliseconds,
        ...traceOf(),
      };
      options.observe?.({ method: ctx.method, status: ctx.status, seconds: milliseconds / 1000, route: routeOf(ctx) });
      if (ctx.status >= 500) log.error(line, 'request');
      else if (options.quiet?.(ctx.path) === true) log.debug(line, 'request');
      else log.info(line, 'request');
    }
  };
}
