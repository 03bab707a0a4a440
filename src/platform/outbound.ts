// The one guard for every request that we send out: open internet only, checked when the connection is made, no redirects, in bounded time.
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import { isPublicAddress } from './addresses.ts';

/** An address that nobody outside may make us call. */
export class OutboundRefused extends Error {
  override name = 'OutboundRefused';
}

/** What the guard is told. */
export interface OutboundOptions {
  /** `host:port` entries that may resolve to any address. */
  allow: readonly string[];
  /** Milliseconds for the whole request, its body included. */
  timeoutMs: number;
  /** Resolves names; the system's by default. */
  lookup?: LookupFunction;
}

/** A name's addresses, all of them or none: with one that is ours among them the name is an attempt (DNS rebinding). */
function guardedLookup(resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found, family) => {
      if (error) return callback(error, [], 0);
      const addresses = Array.isArray(found) ? found : [{ address: found, family: family ?? isIP(found) }];
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new OutboundRefused(`${hostname} is not on the open internet`), [], 0);
      }
      if (options.all) return callback(null, addresses);
      return callback(null, first.address, first.family);
    });
  };
}

const portOf = (port: string, protocol: string) => port || (protocol === 'https:' ? '443' : '80');

/** Makes connections: the check is here, where neither a redirect nor a second look-up can get around it. */
function createConnector({
  allow,
  timeoutMs,
  lookup = systemLookup as LookupFunction,
}: OutboundOptions): buildConnector.connector {
  const allowed = new Set(allow.map((entry) => entry.toLowerCase()));
  const open = buildConnector({ timeout: timeoutMs, ...({ lookup } as object) });
  const guarded = buildConnector({ timeout: timeoutMs, ...({ lookup: guardedLookup(lookup) } as object) });
  return (options, callback) => {
    const host = options.hostname.toLowerCase();
    if (allowed.has(`${host}:${portOf(options.port, options.protocol)}`)) return open(options, callback);
    // A literal address is never looked up: it is checked by itself.
    const literal = host.replace(/^\[|\]$/g, '');
    if (isIP(literal) && !isPublicAddress(literal)) {
      return callback(new OutboundRefused(`${host} is not on the open internet`), null);
    }
    return guarded(options, (...answer) => {
      const [error, socket] = answer;
      if (error || !socket) return callback(...answer);
      // What it is connected to in the end.
      if (!isPublicAddress(socket.remoteAddress ?? '')) {
        socket.destroy();
        return callback(new OutboundRefused(`${host} is not on the open internet`), null);
      }
      return callback(...answer);
    });
  };
}

/** The guarded fetch. */
export interface Outbound {
  /** Like the platform's; a dispatcher or a redirect mode that the caller hands in is replaced by ours. */
  fetch: typeof globalThis.fetch;
  close(): Promise<void>;
}

/** Builds the guard. `fetch` rejects with a TypeError whose cause is {@link OutboundRefused} where it refuses. */
export function createOutbound(options: OutboundOptions): Outbound {
  const { timeoutMs } = options;
  const dispatcher = new Agent({
    connect: createConnector(options),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 4_000,
    maxRedirections: 0,
  } as Agent.Options);
  const guarded = async (input: Parameters<typeof undiciFetch>[0], init: Parameters<typeof undiciFetch>[1] = {}) => {
    const limit = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
    // A redirect is handed back as it is: whoever wants to follow it asks the guard again.
    return undiciFetch(input, { ...init, signal, redirect: 'manual', dispatcher });
  };
  return { fetch: guarded as unknown as typeof globalThis.fetch, close: () => dispatcher.destroy() };
}
