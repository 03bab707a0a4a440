// Network addresses as limits and contexts see them: IPv4 whole, IPv6 by its /64, which is what one household or one attacker has.
import { isIPv4, isIPv6 } from 'node:net';

/** The eight groups of an IPv6 address; undefined where the text is none. */
function groups(address: string): number[] | undefined {
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return undefined;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare);
  const text = dotted
    ? `${dotted[1]}${(Number(dotted[2]) * 256 + Number(dotted[3])).toString(16)}:${(Number(dotted[4]) * 256 + Number(dotted[5])).toString(16)}`
    : bare;
  const [head = '', tail] = text.split('::');
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const left = read(head);
  const right = tail === undefined ? [] : read(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** The plain IPv4 address of an IPv4-mapped one (RFC 4291 section 2.5.5.2), else the text as it is. */
export function plainAddress(address: string): string {
  const parts = groups(address);
  if (!parts || parts.slice(0, 5).some((part) => part !== 0) || parts[5] !== 0xffff) return address;
  const [high = 0, low = 0] = parts.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** What stands for an address in a limit: IPv4 whole, IPv6 its /64, anything else `unknown`. */
export function addressKey(address: string | undefined): string {
  const plain = plainAddress(address ?? '');
  if (isIPv4(plain)) return plain;
  const parts = groups(plain);
  if (!parts) return 'unknown';
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

/** `ctx.ip` (protocol section 5): undefined where the operator wants none or the address is not known. */
export function contextAddress(address: string | undefined, wanted: 'none' | 'prefix' | 'full'): string | undefined {
  const key = addressKey(address);
  if (wanted === 'none' || key === 'unknown') return undefined;
  return wanted === 'full' ? plainAddress(address ?? '').replace(/%.*$/, '') : key;
}
