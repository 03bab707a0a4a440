// The guard as Koa middleware.
import { admit } from './access-token.ts';
import type { Requirement } from './requirement.ts';
import type { ResourceServer } from './resource-server.ts';

export { tokenOf } from './access-token.ts';

/** What it uses of Koa's `ctx`. */
export interface KoaContext {
  method: string;
  originalUrl: string;
  status: number;
  body: unknown;
  get(name: string): string;
  set(headers: { [name: string]: string }): void;
}

/** Lets a request pass to the next middleware, which finds its token by `tokenOf(ctx)`, or answers with a challenge. */
export function guard(server: ResourceServer, requirement: Requirement = {}) {
  const check = server.guard(requirement);
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const header = (name: string) => ctx.get(name) || undefined;
    const verdict = await check({ method: ctx.method, url: ctx.originalUrl, header, native: ctx });
    if (verdict.ok) {
      admit(ctx, verdict.token);
      await next();
      return;
    }
    const { status, headers, body } = verdict.refusal;
    ctx.status = status;
    ctx.set(headers);
    ctx.body = body;
  };
}
