// Which passwords are accepted: long enough, not one that everybody tries, not the person's own name (SP 800-63B-4 section 3.1.1.2). No rules about kinds of characters.
import { COMMON_PASSWORDS } from './common-passwords.ts';

/** Why a password is refused. */
export type PasswordProblem = 'too_short' | 'too_long' | 'common' | 'personal' | 'repeated';

/** Figures and words that the rules need. */
export interface PasswordPolicy {
  /** In characters (code points); 8 at least. */
  minLength: number;
  /** Words that say nothing secret here: sign-in name, mail address, name of the person and of this service. */
  context: readonly string[];
}

/** Longest password that we take, in code points; longer ones only cost time. */
export const LONGEST_PASSWORD = 256;

/** A password as it is hashed: NFC, so that the same keys on another keyboard give the same password. Nothing is trimmed. */
export function canonicalPassword(typed: string): string {
  return typed.normalize('NFC');
}

/** What is left of a password when words that say nothing are taken out of it. */
function withoutContext(password: string, context: readonly string[]): string {
  const words = context
    .flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])
    .map((word) => word.normalize('NFC').toLowerCase())
    .filter((word) => [...word].length >= 3)
    .sort((a, b) => b.length - a.length);
  return words.reduce((left, word) => left.replaceAll(word, ''), password);
}

/** One short piece again and again, or keys in their order. */
function isRepeated(password: string): boolean {
  const points = [...password].map((character) => character.codePointAt(0) ?? 0);
  const steps = new Set(points.slice(1).map((point, index) => point - (points[index] ?? 0)));
  const oneStep = steps.size === 1 && [-1, 0, 1].includes([...steps][0] ?? 2);
  return oneStep || /^(.{1,4}?)\1+$/u.test(password) || new Set(points).size < 4;
}

/**
 * Why a password is refused, the most helpful reason first.
 * @returns undefined for a good one.
 */
export function passwordProblem(typed: string, policy: PasswordPolicy): PasswordProblem | undefined {
  const password = canonicalPassword(typed);
  const length = [...password].length;
  if (length < policy.minLength) return 'too_short';
  if (length > LONGEST_PASSWORD) return 'too_long';
  const lower = password.toLowerCase();
  const trunk = lower.replace(/[^\p{L}]{1,4}$/u, '');
  if (COMMON_PASSWORDS.has(lower) || COMMON_PASSWORDS.has(trunk)) return 'common';
  if (isRepeated(lower)) return 'repeated';
  const left = withoutContext(lower, policy.context);
  return left !== lower && [...left].length < 6 ? 'personal' : undefined;
}
