// Which addresses are push services. A phone tells its own address, so without this list anybody with a phone could make us call anything.

/** The push services of the browsers: Chrome and Edge on Android, Firefox, Safari, Edge on Windows. */
const BROWSERS = [
  'fcm.googleapis.com',
  'jmt17.google.com',
  'updates.push.services.mozilla.com',
  '*.push.services.mozilla.com',
  'web.push.apple.com',
  '*.push.apple.com',
  '*.notify.windows.com',
] as const;

const LONGEST = 1024;

/** Whether a host is what an entry names; `*.example.org` is every name below `example.org`. */
function names(entry: string, host: string): boolean {
  return entry.startsWith('*.') ? host.endsWith(entry.slice(1)) && host.length > entry.length - 1 : host === entry;
}

/**
 * Whether messages may be sent to an address: https at the usual port of a listed host, or exactly a `host:port` that the operator wrote.
 * @param hosts more entries than the browsers' own.
 */
export function isPushService(endpoint: string, hosts: readonly string[]): boolean {
  if (endpoint.length > LONGEST || !URL.canParse(endpoint)) return false;
  const url = new URL(endpoint);
  if (url.username !== '' || url.password !== '' || !/^https?:$/.test(url.protocol)) return false;
  if (hosts.includes(url.host) && url.port !== '') return true;
  if (url.protocol !== 'https:' || url.port !== '') return false;
  return [...BROWSERS, ...hosts].some((entry) => names(entry, url.hostname));
}
