// The guard as Express middleware; works for every framework with `(request, response, next)` over Node's own objects.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { admit } from './access-token.ts';
import { headerOf } from './node-headers.ts';
import type { Requirement } from './requirement.ts';
import type { ResourceServer } from './resource-server.ts';

export { tokenOf } from './access-token.ts';

/** Lets a request pass to the next handler, which finds its token by `tokenOf(request)`, or answers with a challenge. */
export function guard(server: ResourceServer, requirement: Requirement = {}) {
  const check = server.guard(requirement);
  return (
    request: IncomingMessage & { originalUrl?: string },
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): void => {
    const { method = '', url = '', originalUrl = url, headers } = request;
    check({ method, url: originalUrl, header: headerOf(headers), native: request }).then((verdict) => {
      if (verdict.ok) {
        admit(request, verdict.token);
        return next();
      }
      const { status, headers: more, body } = verdict.refusal;
      response.writeHead(status, { ...more, 'content-type': 'application/json' }).end(JSON.stringify(body));
    }, next);
  };
}
