// The header in which a trusted proxy says which certificate a client has shown (RFC 8705); from anybody else it is thrown away.
import type { Middleware } from 'koa';
import { canonicalAddress, ranges } from './address.ts';

/** Removes the header where the other end of the connection is no trusted proxy, so that nothing behind this can believe it. */
export function clientCertificateHeader(options: {
  header: string | undefined;
  trustedProxies: readonly string[];
}): Middleware {
  const trusted = ranges(options.trustedProxies);
  const name = options.header?.toLowerCase();
  return (ctx, next) => {
    if (name === undefined || ctx.req.headers[name] === undefined) return next();
    const peer = canonicalAddress(ctx.req.socket.remoteAddress ?? '');
    if (peer === undefined || !trusted(peer)) delete ctx.req.headers[name];
    return next();
  };
}
