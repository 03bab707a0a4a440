// What holds for every request below /device/v1/: no caching, no other origin, a coarse limit, clear refusals, and never a stack trace.
import type { Context, Middleware } from 'koa';
import type Router from 'koa-router';
import { QueueFull, type World } from '../../domain/ports.ts';
import { RETRY_AFTER, ReadOnly, retryAfterOf, Unavailable } from '../../platform/unavailable.ts';
import { addressOf } from '../../web/request.ts';
import { sendProblem, type Told } from './problems.ts';

const PREFIX = '/device/v1/';

/** Wraps the routes; requests for other paths go on untouched. */
export function guard(world: Pick<World, 'rules' | 'limits' | 'log'>, router: Router): Middleware {
  const routes = router.routes();
  const answer = async (ctx: Context) => {
    ctx.set('Cache-Control', 'no-store');
    try {
      const refusal = await refusalOf(world, ctx);
      if (refusal) {
        sendProblem(ctx, refusal);
        return;
      }
      // The router hands on what no route takes: an unknown path, or a known one by another method.
      await routes(ctx as never, async () => unrouted(ctx, router));
    } catch (error) {
      if (ctx.respond === false) throw error;
      sendProblem(ctx, told(error));
      if (ctx.status === 500) world.log.error({ err: error, path: ctx.path }, 'unexpected error in the device API');
    }
  };
  return (ctx, next) => (ctx.path.startsWith(PREFIX) ? answer(ctx) : next());
}

async function refusalOf(world: Pick<World, 'rules' | 'limits'>, ctx: Context): Promise<Told | undefined> {
  const origin = ctx.get('Origin');
  // Browsers send Origin with every POST, ours included; a native app sends none.
  if (origin !== '' && origin !== world.rules().appOrigin) return { why: 'wrong_origin' };
  const limit = await world.limits.take('device_api_address', addressOf(ctx).addressKey);
  return limit.ok ? undefined : { why: 'too_many_requests', retryAfter: limit.retryAfter };
}

function unrouted(ctx: Context, router: Router): void {
  const { path } = router.match(ctx.path, ctx.method);
  if (path.length === 0) {
    sendProblem(ctx, { why: 'not_found' });
    return;
  }
  ctx.set('Allow', [...new Set(path.flatMap((layer) => layer.methods))].join(', '));
  sendProblem(ctx, { why: 'method_not_allowed' });
}

/** What an exception is to the outside: a store or a queue that is full comes back, everything else is our mistake. */
function told(error: unknown): Told {
  if (error instanceof Unavailable)
    return { why: error instanceof ReadOnly ? 'read_only' : 'unavailable', retryAfter: retryAfterOf(error) };
  if (error instanceof QueueFull) return { why: 'unavailable', retryAfter: RETRY_AFTER };
  // A body that the client stopped sending.
  if (codeOf(error) === 'ECONNRESET') return { why: 'malformed' };
  return { why: 'internal' };
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
