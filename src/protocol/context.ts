// What the person is shown and the phone signs: `ctx` (protocol section 5), on the server's side and on the phone's.
import { toBase64url, utf8 } from './bytes.ts';
import { digest } from './derivations.ts';
import { canonicalize } from './jcs.ts';

/** Who asks, from which browser and place, when, and for what. `at` is in whole seconds. */
export interface Context {
  rp: string;
  browser: string;
  ip?: string;
  country?: string;
  at: number;
  level: string;
  binding?: string;
}

/** Bounds in bytes of UTF-8 (protocol section 5): they keep the QR code small enough to be read off a screen. */
export const CONTEXT_LIMITS = { jcs: 208, rp: 48, browser: 32, binding: 40 } as const;

const MEMBERS: Record<keyof Context, 'string' | 'number'> = {
  rp: 'string',
  browser: 'string',
  ip: 'string',
  country: 'string',
  at: 'number',
  level: 'string',
  binding: 'string',
};
const OPTIONAL: readonly string[] = ['ip', 'country', 'binding'];

/** Control, bidirectional and other invisible characters: none of them may change what a person reads (Unicode Cc, Cf, Zl, Zp). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is what this expression is for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\p{Cf}\u2028\u2029]/u;

/** Text cut to at most `limit` bytes at a code point, ended by "…" where it was cut, in NFC and without unseen characters. */
export function cutToSize(text: string, limit: number): string {
  const clean = Array.from(text.toWellFormed().normalize('NFC'), (character) =>
    UNSEEN.test(character) ? ' ' : character,
  )
    .join('')
    .trim();
  if (utf8(clean).length <= limit) return clean;
  let cut = '';
  for (const character of clean) {
    if (utf8(`${cut}${character}…`).length > limit) break;
    cut += character;
  }
  return `${cut.trimEnd()}…`;
}

/** A context cut to size before it is stored: each text to its own bound, then the country goes, then `rp` is cut shorter. */
export function fitContext(wanted: Context): Context {
  const context: Context = {
    ...wanted,
    rp: cutToSize(wanted.rp, CONTEXT_LIMITS.rp),
    browser: cutToSize(wanted.browser, CONTEXT_LIMITS.browser),
    level: cutToSize(wanted.level, CONTEXT_LIMITS.rp),
    ...(wanted.binding === undefined ? {} : { binding: cutToSize(wanted.binding, CONTEXT_LIMITS.binding) }),
  };
  const tooLong = () => utf8(canonicalize({ ...context })).length > CONTEXT_LIMITS.jcs;
  if (tooLong()) delete context.country;
  while (tooLong() && context.rp.length > 1) context.rp = cutToSize(context.rp, utf8(context.rp).length - 1);
  return context;
}

/** The RFC 8785 text of a context. */
export function contextText(context: Context): string {
  return canonicalize({ ...context });
}

/** `ctx_hash`: SHA-256 of the context's canonical text, base64url. */
export async function contextHash(context: Context): Promise<string> {
  return toBase64url(await digest(utf8(contextText(context))));
}

/**
 * Reads the canonical text of a context as it stands in a QR code (protocol section 5.3).
 * @returns undefined for anything that is not its own JCS, has unknown or missing members, or text that a person cannot see.
 */
export function readContext(text: string): Context | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isContext(value) && contextText(value) === text ? value : undefined;
}

/** Whether a value has exactly the members of a context, each of its type and readable. */
export function isContext(value: unknown): value is Context {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const object = value as Record<string, unknown>;
  const known = Object.entries(object).every(
    ([name, member]) =>
      Object.hasOwn(MEMBERS, name) &&
      typeof member === MEMBERS[name as keyof Context] &&
      (typeof member !== 'string' || (member.isWellFormed() && !UNSEEN.test(member))),
  );
  const complete = Object.keys(MEMBERS).every((name) => OPTIONAL.includes(name) || Object.hasOwn(object, name));
  return known && complete && Number.isSafeInteger(object['at']);
}
