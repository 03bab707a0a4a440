// What the device API said, as a value: success, or a failure with the code that the words are chosen by.
import { type Problem, type ProblemCode, problemCode } from '../../src/protocol/messages.ts';

/** Why something did not work: a code of the protocol, or what only the phone can know. */
export type FailureCode =
  | ProblemCode
  /** No answer: no network, or the provider is not there. */
  | 'offline'
  /** An answer that is none of the protocol's. */
  | 'unreadable'
  /** `app_origin` of the metadata is not where this app came from. */
  | 'other_server'
  /** This phone holds no such account (any more). */
  | 'no_account';

/** A failure. `retryAfter` in seconds. */
export interface Failure {
  code: FailureCode;
  remaining?: number;
  retryAfter?: number;
  serverTime?: number;
  ratchet?: string;
}

/** What came of a message. */
export type Answer<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** A failure that has only a code. */
export function failed(code: FailureCode): { ok: false; failure: Failure } {
  return { ok: false, failure: { code } };
}

/** Reads an answer of the device API (RFC 9457 for errors). */
export async function readAnswer<T>(response: Response): Promise<Answer<T>> {
  let body: unknown;
  try {
    const text = await response.text();
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    return failed(response.status >= 500 ? 'unavailable' : 'unreadable');
  }
  if (response.ok) return { ok: true, value: body as T };
  return { ok: false, failure: readProblem(body as Partial<Problem>, response.status) };
}

function readProblem(problem: Partial<Problem>, status: number): Failure {
  const code = problemCode(problem) ?? (status >= 500 ? 'unavailable' : 'unreadable');
  return {
    code,
    ...(typeof problem.remaining === 'number' && { remaining: problem.remaining }),
    ...(typeof problem.retry_after === 'number' && { retryAfter: problem.retry_after }),
    ...(typeof problem.server_time === 'number' && { serverTime: problem.server_time }),
    ...(typeof problem.ratchet === 'string' && { ratchet: problem.ratchet }),
  };
}

/** The fifth wrong PIN is told as a wrong one with no try left (protocol section 6): from here on the phone is locked. */
export function afterLastTry(failure: Failure): Failure {
  return failure.code === 'wrong_pin' && failure.remaining === 0 ? { code: 'device_locked' } : failure;
}
