// The three links that a QR code or a button carries (protocol section 3), and the frame codes of a rotating QR.
import { fromBase64url, toBase64url, utf8 } from './bytes.ts';
import { type Context, contextText, readContext } from './context.ts';
import { hmacWith, importDeviceKey } from './derivations.ts';

/** What a link of the phone app says. */
export type Link =
  | { kind: 'enrol'; token: string }
  | { kind: 'signin'; txn: string; i: number; mac: string; context: Context }
  | { kind: 'open'; txn: string };

/** Why a scanned or opened text is not a link for this app. */
export type LinkProblem = 'not_ours' | 'other_server' | 'malformed';

const isId = (text: string | undefined): text is string => text !== undefined && fromBase64url(text)?.length === 16;

/** `APP-ORIGIN/phone/#e1.<token>` */
export function enrolLink(appOrigin: string, token: string): string {
  return `${appOrigin}/phone/#e1.${token}`;
}

/** What stands before and after `<i>.<mac>` in a sign-in link: the same from frame to frame, so that a page draws frames from `{i, mac}` alone. */
export function signInLinkParts(appOrigin: string, txn: string, context: Context): { before: string; after: string } {
  return { before: `${appOrigin}/phone/#l1.${txn}.`, after: `.${toBase64url(utf8(contextText(context)))}` };
}

/** `APP-ORIGIN/phone/#l1.<txn>.<i>.<mac>.<ctx>`: one frame of a sign-in code. */
export function signInLink(
  appOrigin: string,
  txn: string,
  frame: { i: number; mac: string },
  context: Context,
): string {
  const { before, after } = signInLinkParts(appOrigin, txn, context);
  return `${before}${frame.i}.${frame.mac}${after}`;
}

/** `APP-ORIGIN/phone/#o1.<txn>` */
export function openLink(appOrigin: string, txn: string): string {
  return `${appOrigin}/phone/#o1.${txn}`;
}

/** The frame code of second `i`: the first 16 bytes of HMAC-SHA256(qr_secret, decimal ASCII of i), base64url. */
export async function frameMac(secret: Uint8Array<ArrayBuffer>, i: number): Promise<string> {
  return toBase64url((await hmacWith(await importDeviceKey(secret), utf8(String(i)))).slice(0, 16));
}

/** Reads the fragment of an app link, with or without its "#". */
export function readFragment(fragment: string): Link | { problem: LinkProblem } {
  const [version, id, i, mac, context, ...rest] = fragment.replace(/^#/, '').split('.');
  if (version !== 'e1' && version !== 'l1' && version !== 'o1') return { problem: 'not_ours' };
  if (!isId(id) || rest.length > 0) return { problem: 'malformed' };
  if (version !== 'l1') {
    if (i !== undefined) return { problem: 'malformed' };
    return version === 'e1' ? { kind: 'enrol', token: id } : { kind: 'open', txn: id };
  }
  const bytes = context === undefined ? undefined : fromBase64url(context);
  if (i === undefined || !/^(0|[1-9]\d{0,4})$/.test(i) || !isId(mac) || !bytes) return { problem: 'malformed' };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { problem: 'malformed' };
  }
  const read = readContext(text);
  return read ? { kind: 'signin', txn: id, i: Number(i), mac, context: read } : { problem: 'malformed' };
}

/** Reads what a camera saw: only a link of this very app counts (protocol section 3: a code of another origin is refused). */
export function readScan(text: string, appOrigin: string): Link | { problem: LinkProblem } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { problem: 'not_ours' };
  }
  // Nothing but origin, path and fragment: a name before the host, or a query, would make two texts say the same.
  if (!url.hash || url.href !== `${url.origin}/phone/${url.hash}`) return { problem: 'not_ours' };
  const link = readFragment(url.hash);
  if ('problem' in link) return link;
  return url.origin === appOrigin ? link : { problem: 'other_server' };
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Ten characters of Crockford base32 as a typed enrolment code, in two groups: "ABCDE-FGHJK". @param bytes at least 10 random bytes. */
export function typedCode(bytes: Uint8Array): string {
  const text = Array.from(bytes.slice(0, 10), (byte) => CROCKFORD[byte % 32]).join('');
  return `${text.slice(0, 5)}-${text.slice(5)}`;
}

/** A typed code in its one spelling: upper-case, hyphens and spaces dropped, I and L read as 1, O as 0; undefined where it is no such code. */
export function readTypedCode(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll(/[IL]/g, '1').replaceAll('O', '0');
  return code.length === 10 && [...code].every((character) => CROCKFORD.includes(character)) ? code : undefined;
}
