// How a use case that answers a phone says no: a code of the protocol, with the members that the code carries (protocol section 1).
import type { ProblemCode } from '../protocol/messages.ts';

/** A refusal. `retryAfter` in seconds; `ratchet` stands in every answer after a right PIN (protocol section 7). */
export interface Refused<Why extends ProblemCode> {
  ok: false;
  why: Why;
  remaining?: number;
  retryAfter?: number;
  ratchet?: string;
}

/** A refusal by this code. */
export function refuse<Why extends ProblemCode>(
  why: Why,
  members: { remaining?: number; retryAfter?: number; ratchet?: string } = {},
): Refused<Why> {
  return { ok: false, why, ...members };
}
