// The guard as a Fastify hook (`onRequest` or `preHandler`).
import type { IncomingHttpHeaders } from 'node:http';
import { admit } from './access-token.ts';
import { headerOf } from './node-headers.ts';
import type { Requirement } from './requirement.ts';
import type { ResourceServer } from './resource-server.ts';

export { tokenOf } from './access-token.ts';

/** What it uses of Fastify's request. */
export interface FastifyRequestLike {
  method: string;
  originalUrl: string;
  headers: IncomingHttpHeaders;
}

/** What it uses of Fastify's reply. */
export interface FastifyReplyLike {
  code(status: number): unknown;
  headers(values: { [name: string]: string }): unknown;
  send(body: unknown): unknown;
}

/** Lets a request pass to its handler, which finds its token by `tokenOf(request)`, or answers with a challenge. */
export function guard(server: ResourceServer, requirement: Requirement = {}) {
  const check = server.guard(requirement);
  return async (request: FastifyRequestLike, reply: FastifyReplyLike): Promise<unknown> => {
    const { method, originalUrl, headers } = request;
    const verdict = await check({ method, url: originalUrl, header: headerOf(headers), native: request });
    if (verdict.ok) return admit(request, verdict.token);
    const { status, headers: more, body } = verdict.refusal;
    reply.code(status);
    reply.headers(more);
    // Answering from a hook keeps the handler from running.
    reply.send(body);
    return reply;
  };
}
