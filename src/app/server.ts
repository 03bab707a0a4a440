// Listens, drains and stops: no request that was accepted is lost on the way out.
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerSettings } from '../settings/settings.ts';

/** A server that listens. */
export interface Listening {
  port: number;
  /** Takes no new connection, lets what is under way finish, and closes what waits for ever. @param graceMs when the rest is cut. */
  drain(graceMs: number): Promise<void>;
}

/** How long a request may take to arrive, in milliseconds: slow clients are cut (security page, L24). */
const ARRIVAL = { headers: 8_000, request: 10_000 };

/**
 * Listens on the configured address.
 * @throws Error with `code: 'EADDRINUSE'` where the port is taken.
 */
export async function listen(
  settings: Pick<ServerSettings, 'host' | 'port'> & Pick<Partial<ServerSettings>, 'tls'>,
  handler: RequestListener,
): Promise<Listening> {
  const options = { requestTimeout: ARRIVAL.request, headersTimeout: ARRIVAL.headers };
  const server: Server = settings.tls
    ? createTlsServer(
        {
          ...options,
          cert: readFileSync(settings.tls.certFile),
          key: readFileSync(settings.tls.keyFile),
          minVersion: 'TLSv1.2',
        },
        handler,
      )
    : createServer(options, handler);
  const open = new Set<ServerResponse>();
  server.on('request', (_request, response: ServerResponse) => {
    open.add(response);
    response.once('close', () => open.delete(response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port, settings.host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, drain: (graceMs) => drain(server, open, graceMs) };
}

function drain(server: Server, open: ReadonlySet<ServerResponse>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Event streams wait for ever: browsers and phones come back to another node by themselves.
    for (const response of open) if (isStream(response)) response.end();
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function isStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
}
