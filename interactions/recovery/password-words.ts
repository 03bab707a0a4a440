// Why a password is refused, in words: for a reset, an invitation and the account page.
import type { PasswordProblem } from '../../src/domain/password-rules.ts';
import type { BrandingSettings } from '../../src/settings/settings.ts';
import type { Words } from '../words.ts';

/** A problem of the form with a new password. `mismatch`: the two fields differ. */
export type NewPasswordProblem = PasswordProblem | 'mismatch' | 'same';

/** One sentence that says what to do. */
export function passwordProblemWords(words: Words, problem: NewPasswordProblem, minLength: number): string {
  return words(`password.${problem}`, { minimum: minLength });
}

/** Names of this service, which make no good password. */
export function passwordContext(brand: BrandingSettings, issuer: string): string[] {
  return [brand.name, 'countersign', new URL(issuer).hostname];
}
