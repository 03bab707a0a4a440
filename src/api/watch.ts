// The second port: what an orchestrator and Prometheus ask. It holds no secret, and is not for the world: it listens on loopback by default.
import type { RequestListener, ServerResponse } from 'node:http';
import type { Metrics } from '../platform/metrics.ts';

/** One thing that readiness depends on, or tells of. */
export interface Check {
  ok: boolean;
  why?: string;
  [detail: string]: unknown;
}

/** Whether this node takes requests, and why not. */
export interface Readiness {
  ready: boolean;
  checks: { readonly [name: string]: Check };
}

/** What is asked of the node. */
export interface Watched {
  started(): boolean;
  ready(): Promise<Readiness>;
  metrics: Pick<Metrics, 'text' | 'contentType'>;
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

/**
 * Answers `/health/live` (the event loop turns; no store is asked), `/health/started`, `/health/ready` (200 or 503, with the checks)
 * and `/metrics` (text format of Prometheus).
 */
export function watchHandler(watched: Watched): RequestListener {
  const up = (response: ServerResponse, ok: boolean) => json(response, ok ? 200 : 503, { status: ok ? 'up' : 'down' });
  const answers: { readonly [path: string]: (response: ServerResponse) => void | Promise<void> } = {
    '/health/live': (response) => up(response, true),
    '/health/started': (response) => up(response, watched.started()),
    '/health/ready': async (response) => {
      const { ready, checks } = await watched.ready();
      json(response, ready ? 200 : 503, { status: ready ? 'up' : 'down', checks });
    },
    '/metrics': async (response) => {
      const text = await watched.metrics.text();
      response.writeHead(200, { 'Content-Type': watched.metrics.contentType, 'Cache-Control': 'no-store' });
      response.end(text);
    },
  };
  return (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (!answer) return json(response, 404, { status: 'not found' });
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return json(response, 405, { status: 'method not allowed' });
    }
    Promise.resolve(answer(response)).catch(() => {
      if (response.headersSent) response.destroy();
      else json(response, 500, { status: 'failed' });
    });
  };
}
