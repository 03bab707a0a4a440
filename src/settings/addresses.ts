// Rules for addresses: origins, loopback, redirect addresses, networks.
import { isIP } from 'node:net';

/** The address as the URL standard reads it; undefined where it is none. */
export function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Whether a host of a URL is this machine: localhost (and below), 127.0.0.0/8, [::1]. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}

/** Why a text is no origin that we can be reached at; undefined where it is one. */
export function originFault(text: string): string | undefined {
  const url = parseUrl(text);
  if (!url) return 'must be an address such as "https://id.example.org"';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return 'must start with https:// (http:// only for localhost)';
  }
  return url.origin === text
    ? undefined
    : `must be an origin: no path, no slash at the end, small letters, such as "${url.origin}"`;
}

/** Why a text is no https address (http only for loopback); undefined where it is one. */
export function webFault(text: string): string | undefined {
  const url = parseUrl(text);
  if (!url) return 'must be an address such as "https://service.example.org/"';
  if (url.username || url.password) return 'must not hold a user name or a password';
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return undefined;
  return 'must start with https:// (http:// only for localhost)';
}

/** Why an address cannot be a redirect address (RFC 9700 section 2.1, RFC 8252 section 7); undefined where it can. */
export function redirectFault(text: string, native: boolean): string | undefined {
  const url = parseUrl(text);
  if (text.includes('*')) return 'must be a whole address: no wildcard';
  if (!url) return 'must be a whole address, such as "https://service.example.org/callback"';
  if (text.includes('#')) return 'must not have a fragment ("#…")';
  if (native && !/^(https?|javascript|data|file|blob|about|vbscript|ws|wss|ftp):$/.test(url.protocol)) {
    // RFC 8252 section 7.1: a private-use scheme is a domain name turned round, so it holds a dot.
    return url.protocol.includes('.')
      ? undefined
      : 'a private-use scheme is a domain name turned round, such as "org.example.app:/callback"';
  }
  return webFault(text);
}

/** Whether a text is a network such as 10.0.0.0/8 or fd00::/8 (or one address). */
export function isNetwork(text: string): boolean {
  const [address = '', bits, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

/** Whether a text is host:port, as `outbound.allow` lists it. */
export function isHostAndPort(text: string): boolean {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text) ?? [];
  return host !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** `host:port` in its two parts; the brackets of an IPv6 address are taken off. */
export function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

/**
 * The address of each host of a PostgreSQL URL, which may name several (libpq, "Connection URIs"). What libpq calls
 * `target_session_attrs` is left out: only a primary will do for us.
 */
export function databaseUrls(url: string): string[] {
  const [, before = '', hosts = '', after = ''] = /^([^/]*\/\/(?:[^@/?]*@)?)([^/?]*)(.*)$/s.exec(url) ?? [];
  const [path = '', query] = after.split('?', 2);
  const kept = (query ?? '').split('&').filter((part) => part !== '' && !part.startsWith('target_session_attrs='));
  return hosts.split(',').map((host) => `${before}${host}${path}${kept.length === 0 ? '' : `?${kept.join('&')}`}`);
}
