// Who is at the other end: the client's address, believing X-Forwarded-For only from proxies that the operator named.
import { BlockList, isIP } from 'node:net';
import type { Middleware } from 'koa';
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
  let address = text.trim().replace(/%.*$/, '');
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address);
  if (bracketed) address = bracketed[1] ?? '';
  else if (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(address)) address = address.slice(0, address.indexOf(':'));
  if (isIP(address) === 0) return undefined;
  if (isIP(address) === 4) return address;
  const groups = expand(address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!mapped) return groups.map((group) => group.toString(16)).join(':');
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address. */
function expand(address: string): number[] {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [(Number(a) << 8) | Number(b), (Number(c) << 8) | Number(d)].map((group) => group.toString(16)).join(':'),
  );
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
}

/** How limits count an address: a household or a phone gets a whole IPv6 /64, so the rest of it is dropped. */
export function addressKey(address: string): string {
  return isIP(address) === 6
    ? `${expand(address)
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`
    : address;
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
  return async (ctx, next) => {
    const forwarded = ctx.req.headers['x-forwarded-for'];
    const address = clientOf(
      ctx.req.socket.remoteAddress ?? '',
      Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
      trusted,
    );
    note(ctx, { address, addressKey: addressKey(address) });
    await next();
  };
}
