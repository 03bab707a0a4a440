// A small server with the middleware of src/web in their real order, for tests of one of them at a time.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa, { type Middleware } from 'koa';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { clientAddress } from '../../src/web/address.ts';
import { errors, type ProblemPage } from '../../src/web/errors.ts';
import { requestLog } from '../../src/web/request-log.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';

/** A running server of one test. */
export interface Serving {
  url: string;
  close(): Promise<void>;
}

/** Serves `handlers` behind the house's first middleware. */
export async function serving(
  handlers: Middleware[],
  options: { issuer?: string; trustedProxies?: string[]; page?: ProblemPage } = {},
): Promise<Serving> {
  const app = new Koa();
  app.silent = true;
  const page: ProblemPage = async (ctx, problem) => {
    ctx.type = 'html';
    ctx.body = `<p>${problem.code} ${problem.requestId}</p>`;
  };
  for (const middleware of [
    requestLog({ log: createLog('silent'), clock: systemClock, random: systemRandom }),
    securityHeaders({ issuer: options.issuer ?? 'http://localhost:1', random: systemRandom }),
    clientAddress({ trustedProxies: options.trustedProxies ?? [] }),
    errors({ page: options.page ?? page }),
    ...handlers,
  ])
    app.use(middleware);
  const server: Server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
