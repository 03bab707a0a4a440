// Listens, drains and stops: no request that was accepted is lost on the way out.
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerSettings, TlsSettings } from '../settings/settings.ts';

/** A server that listens. */
export interface Listening {
  port: number;
  /** Shows another certificate to whoever connects from now on; nothing where there is none. */
  renew(tls: TlsSettings | undefined): void;
  /** From now on every answer closes its connection, so that nobody holds one when we are gone. Requests are still taken. */
  announce(): void;
  /** Takes no new connection, lets what is under way finish, and closes what waits for ever. @param graceMs when the rest is cut. */
  drain(graceMs: number): Promise<void>;
}

/** How long a request may take to arrive, in milliseconds: slow clients are cut (security page, L24). */
const ARRIVAL = { headers: 8_000, request: 10_000 };

/** Longer than proxies keep an unused connection (a minute, mostly): where both sides close at once, a request is lost. */
const KEEP_ALIVE = 75_000;

/**
 * Listens on the configured address.
 * @param settings.exclusive true where the port is this worker's own and not shared with the others.
 * @throws Error with `code: 'EADDRINUSE'` where the port is taken.
 */
export async function listen(
  settings: Pick<ServerSettings, 'host' | 'port'> & Pick<Partial<ServerSettings>, 'tls'> & { exclusive?: boolean },
  handler: RequestListener,
): Promise<Listening> {
  const options = {
    requestTimeout: ARRIVAL.request,
    headersTimeout: ARRIVAL.headers,
    keepAliveTimeout: KEEP_ALIVE,
  };
  const leave = leaving();
  const secure: TlsServer | undefined = settings.tls && createTlsServer({ ...options, ...contextOf(settings.tls) });
  const server: Server = secure ?? createServer(options);
  // Before the handler, so that it sees the answer first.
  server.on('request', (_request, response: ServerResponse) => leave.see(server, response));
  server.on('request', handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const { port, host, exclusive = false } = settings;
    server.listen({ port, host, exclusive }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    renew: (tls) => {
      if (secure && tls) secure.setSecureContext(contextOf(tls));
    },
    announce: leave.announce,
    drain: (graceMs) => leave.drain(server, graceMs),
  };
}

const contextOf = ({ certificate, key }: TlsSettings) =>
  ({ cert: certificate.reveal(), key: key.reveal(), minVersion: 'TLSv1.2' }) as const;

/** Milliseconds until a browser or phone whose stream we end connects again: spread, so that not all come at once. */
const BACK_IN = { least: 500, step: 100, steps: 16 };

/** What is open, and the way out. */
function leaving() {
  const open = new Set<ServerResponse>();
  let announced = false;
  let closing = false;

  const closes = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  };

  return {
    see(server: Server, response: ServerResponse): void {
      open.add(response);
      if (announced) closes(response);
      response.once('close', () => {
        open.delete(response);
        // An answer that was begun before the end was announced leaves its connection open.
        if (closing) setImmediate(() => server.closeIdleConnections());
      });
    },
    announce(): void {
      announced = true;
      for (const response of open) closes(response);
    },
    async drain(server: Server, graceMs: number): Promise<void> {
      this.announce();
      await untilNobodyComes(server);
      closing = true;
      return new Promise((resolve) => {
        // Event streams wait for ever: browsers and phones come back to another node by themselves.
        [...open].filter(isStream).forEach((response, place) => {
          response.end(`retry: ${BACK_IN.least + (place % BACK_IN.steps) * BACK_IN.step}\n\n`);
        });
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

/** At most so many turns of the event loop: under load somebody may come in each. */
const TURNS = 100;

/**
 * Waits for a turn of the event loop in which nobody connected. A connection that the system has taken and we have not is reset where listening
 * ends, and so is a kept one with a request that is not read yet; proxies do not send a POST again. Right after a turn there are none of either.
 */
async function untilNobodyComes(server: Server): Promise<void> {
  let came = false;
  const note = () => {
    came = true;
  };
  server.on('connection', note);
  // Two at least: whoever asks may do so in the middle of one.
  for (let turn = 0; turn < 2 || (came && turn < TURNS); turn += 1) {
    came = false;
    // Immediates run after the sockets were looked at, and timers before.
    await new Promise((resolve) => setImmediate(resolve));
  }
  server.off('connection', note);
}

function isStream(response: ServerResponse): boolean {
  return String(response.getHeader('content-type')).startsWith('text/event-stream');
}
