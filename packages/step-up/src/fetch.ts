// The guard around a handler of `Request` and `Response`: Hono, Next.js route handlers, Deno, workers with Node's crypto.
import { type AccessToken, admit } from './access-token.ts';
import type { Requirement } from './requirement.ts';
import type { ResourceServer } from './resource-server.ts';

export { tokenOf } from './access-token.ts';

/** Calls the handler with the request's token, or answers with a challenge. What else the platform hands in goes along. */
export function guard<More extends unknown[]>(
  server: ResourceServer,
  requirement: Requirement,
  handler: (request: Request, token: AccessToken, ...more: More) => Response | Promise<Response>,
) {
  const check = server.guard(requirement);
  return async (request: Request, ...more: More): Promise<Response> => {
    const header = (name: string) => request.headers.get(name) ?? undefined;
    const verdict = await check({ method: request.method, url: request.url, header, native: request });
    if (!verdict.ok) {
      const { status, headers, body } = verdict.refusal;
      return Response.json(body, { status, headers });
    }
    admit(request, verdict.token);
    return handler(request, verdict.token, ...more);
  };
}
