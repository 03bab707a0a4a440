// The second proof before the first phone after a password alone (design, decision 12): a code by mail, an invitation, or the operator.

/** What the operator chose in `methods.yaml`. */
export type FirstDevice = 'mail_code' | 'invitation' | 'operator';

/**
 * Figures of the code that goes by mail: eight digits, five tries, ten minutes (security.md, L11 for what it opens).
 * `passedSeconds`: how long a phone may be added after it, in this browser and this sign-in only.
 */
export const SECOND_PROOF = { digits: 8, tries: 5, codeSeconds: 600, passedSeconds: 600 } as const;

/** A code under way, as it is kept with what may be lost. */
export interface SecondProofCode {
  /** Names its counter of tries, so that a new code starts a new count. */
  id: string;
  userId: string;
  /** HMAC(pepper, session and code): what is kept cannot be searched for the code without the pepper. */
  pepper_id: string;
  mac: string;
}

/** A second proof that was given: it stands until a factor changes, the person is disabled, or its time is over. */
export interface SecondProofPassed {
  userId: string;
  factorsVersion: number;
}

/** Names in the scratch store. `session` is the hash that binds the proof to one browser and one sign-in. */
export const secondProofKeys = {
  code: (session: string) => `second_proof_code:${session}`,
  tries: (id: string) => `second_proof_tries:${id}`,
  passed: (session: string) => `second_proof_passed:${session}`,
} as const;

/** What the pepper covers: a code that was sent to one session says nothing in another. */
export function secondProofText(session: string, userId: string, code: string): string {
  return `second_proof|${session}|${userId}|${code}`;
}

/** An address as a person recognises it and a stranger cannot use it: "m…@example.org". */
export function maskedAddress(email: string): string {
  const [first] = email;
  return `${first ?? ''}…${email.slice(email.lastIndexOf('@'))}`;
}
