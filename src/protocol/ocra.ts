// OCRA one-time codes (RFC 6287): the eight digits that an offline phone shows (protocol section 5.3).
import { concat, fromHex, toHex, utf8 } from './bytes.ts';
import { type Context, contextText } from './context.ts';

/** The suite of the offline code: SHA-256, 8 digits, 32 hex characters of challenge, 64 bytes of session information. */
export const OFFLINE_SUITE = 'OCRA-1:HOTP-SHA256-8:QH32-S064';

const HASHES: Record<string, string> = { SHA1: 'SHA-1', SHA256: 'SHA-256', SHA512: 'SHA-512' };

/**
 * An OCRA value (RFC 6287 section 5) for suites whose data input is `QNnn` or `QHnn`, with or without `Snnn`.
 * @param question the challenge: decimal digits for QN, hexadecimal for QH.
 * @param session the session information, exactly as long as the suite says.
 * @throws RangeError for a suite outside that family.
 */
export async function ocra(
  suite: string,
  key: Uint8Array<ArrayBuffer>,
  question: string,
  session?: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const parsed = /^OCRA-1:HOTP-(SHA1|SHA256|SHA512)-(\d+):Q([NH])(\d\d)(?:-S(\d{3}))?$/.exec(suite);
  const hash = HASHES[parsed?.[1] ?? ''];
  if (!parsed || !hash) throw new RangeError(`not a suite that this code computes: ${suite}`);
  if (Number(parsed[5] ?? 0) !== (session?.length ?? 0))
    throw new RangeError('session information of another length than the suite');
  const hex = parsed[3] === 'N' ? BigInt(question).toString(16) : question;
  const padded = fromHex(hex.padEnd(256, '0'));
  const data = concat(utf8(suite), new Uint8Array(1), padded, session ?? new Uint8Array(0));
  const hmacKey = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign']);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', hmacKey, data));
  return truncate(mac, Number(parsed[2]));
}

/** Dynamic truncation of RFC 4226 section 5.3. */
function truncate(mac: Uint8Array, digits: number): string {
  const offset = (mac.at(-1) ?? 0) & 0xf;
  const word = new DataView(mac.buffer, mac.byteOffset).getUint32(offset) & 0x7fffffff;
  return String(word % 10 ** digits).padStart(digits, '0');
}

/** The offline code of one transaction: it covers the transaction, what the person saw, the device and the PIN. */
export async function offlineCode(
  key: Uint8Array<ArrayBuffer>,
  transaction: Uint8Array<ArrayBuffer>,
  context: Context,
): Promise<string> {
  const session = new Uint8Array(await crypto.subtle.digest('SHA-512', utf8(contextText(context))));
  return ocra(OFFLINE_SUITE, key, toHex(transaction), session);
}
