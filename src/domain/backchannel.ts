// A sign-in that a service starts without a browser (OpenID CIBA Core 1.0): the message that the person confirms, and what it proves.
import { CONTEXT_LIMITS, cutToSize } from '../protocol/context.ts';
import type { Level, Proof, Proofs } from './assurance.ts';
import { type ApprovalMeans, phoneAmr } from './transaction.ts';

/** Seconds that a request may live, whatever the service asks for (protocol section 5.6). */
export const BACKCHANNEL_LONGEST = 600;

/** A `binding_message` as the phone shows it: the number is left for the person to type. */
export interface Binding {
  shown: string;
  /** The one group of digits that the service shows to the person; undefined where there is none, or more than one. */
  number?: string;
}

/** Why a `binding_message` cannot be shown to a person as it is (CIBA section 13, `invalid_binding_message`); undefined for a good one. */
export function bindingFault(message: string): string | undefined {
  if (message === '' || cutToSize(message, CONTEXT_LIMITS.binding) === message) return undefined;
  return `binding_message must be at most ${CONTEXT_LIMITS.binding} bytes of text without control characters and without spaces at its ends`;
}

/** Reads a good message. @param digits how many the number has (`number_digits`). */
export function readBinding(message: string, digits: number): Binding {
  const groups = [...message.matchAll(/\d+/g)].filter(([group]) => group.length === digits);
  const [only] = groups;
  if (groups.length !== 1 || !only) return { shown: message };
  const [number] = only;
  const shown = message.slice(0, only.index) + '*'.repeat(digits) + message.slice(only.index + digits);
  return { shown, number };
}

/** Whether a phone alone can reach a level: by a combination of the phone and what its PIN or biometric stands for. */
export function reachedByPhone(level: Level): boolean {
  return level.anyOf.some((methods) => methods.every((method) => method === 'phone' || method === 'password'));
}

/**
 * What an approval is worth (protocol sections 5.6, 9). With the number it is possession of the phone together with its PIN or
 * biometric, which stands for the password. Without, nothing was carried from the service to the phone: no more than the lowest level.
 */
export function proofsOfApproval(means: ApprovalMeans, device: string, at: number, numbered: boolean): Proofs {
  if (!numbered)
    return { password: { at, amr: means === 'pin' ? ['swk', 'pin', 'user'] : ['swk', 'user'], factor: device } };
  const proof: Proof = { at, amr: phoneAmr(means), factor: device };
  return { password: proof, phone: proof };
}
