// Who is at the other end: the client's address, believing X-Forwarded-For only from proxies that the operator named.
import { BlockList, isIP } from 'node:net';
import type { Middleware } from 'koa';
import { addressKey, plainAddress } from '../domain/address.ts';
import { note } from './request.ts';

/** Whether an address lies in one of the given CIDR ranges. */
export type InRanges = (address: string) => boolean;

/**
 * A matcher for CIDR ranges (`10.0.0.0/8`, `fd00::/8`, or a single address).
 * @throws RangeError for a range that cannot be read; the settings refuse it before.
 */
export function ranges(cidrs: readonly string[]): InRanges {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [base = '', prefix] = cidr.split('/');
    const family = isIP(base);
    if (family === 0) throw new RangeError(`not an address range: ${cidr}`);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
    list.addSubnet(base, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

/** The one spelling of an address: no zone, no port, v4-mapped IPv6 as IPv4; undefined where it is none. */
export function canonicalAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text.trim());
  const bare = (bracketed?.[1] ?? text.trim()).replace(/%.*$/, '').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return isIP(bare) === 0 ? undefined : plainAddress(bare);
}

/**
 * The client behind trusted proxies: X-Forwarded-For read from its end, each hop only as long as the one that wrote it is trusted.
 * @param peer the address of the socket.
 */
export function clientOf(peer: string, forwarded: string | undefined, trusted: InRanges): string {
  let client = canonicalAddress(peer) ?? '0.0.0.0';
  const hops = (forwarded ?? '')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
  while (trusted(client)) {
    const next = hops.pop();
    const address = next === undefined ? undefined : canonicalAddress(next);
    if (address === undefined) break;
    client = address;
  }
  return client;
}

/** Learns the client's address. @param options.trustedProxies peers, as CIDR, whose X-Forwarded-For is believed. */
export function clientAddress(options: { trustedProxies: readonly string[] }): Middleware {
  const trusted = ranges(options.trustedProxies);
  // A connection has one peer, and mostly one client behind it: what was found for its last request mostly holds for the next.
  const last = new WeakMap<object, { forwarded: string | undefined; address: string; addressKey: string }>();
  return (ctx, next) => {
    const { headers, socket } = ctx.req;
    const named = headers['x-forwarded-for'];
    const forwarded = Array.isArray(named) ? named.join(',') : named;
    let found = last.get(socket);
    if (!found || found.forwarded !== forwarded) {
      const address = clientOf(socket.remoteAddress ?? '', forwarded, trusted);
      found = { forwarded, address, addressKey: addressKey(address) };
      // A socket that has ended says no address; that must not be kept for anybody.
      if (socket.remoteAddress !== undefined) last.set(socket, found);
    }
    note(ctx, { address: found.address, addressKey: found.addressKey });
    return next();
  };
}
