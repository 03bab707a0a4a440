// Where a refusal of the device API becomes an answer (RFC 9457): the status stands beside its code in the protocol, the words for developers here.
import type { Context } from 'koa';
import { PROBLEM_STATUS, type Problem, type ProblemCode } from '../../protocol/messages.ts';

/** What each refusal says to developers. */
export const TITLES: { readonly [code in ProblemCode]: string } = {
  too_large: 'The message is larger than 8 KiB.',
  unsupported_media_type: 'The message is not application/jose.',
  malformed: 'The message is not one that this endpoint takes.',
  bad_signature: 'The key or the signature is not known.',
  wrong_typ: 'The message is for another endpoint.',
  wrong_aud: 'The message is for another server or path.',
  clock_skew: 'The clock of the phone is off.',
  device_removed: 'This device was removed.',
  replayed: 'This message was sent before.',
  device_locked: 'This device is locked after too many wrong PINs.',
  device_cloned: 'This device was copied and is locked.',
  unknown_transaction: 'There is no such request.',
  expired: 'The request is over.',
  approved: 'The request was approved already.',
  denied: 'The request was denied already.',
  failed: 'The request has failed.',
  nonce: 'The nonce is not the current one.',
  context_mismatch: 'What was signed is not what is asked.',
  not_transferred: 'The number, or a scan by this device, is needed.',
  wrong_number: 'The number is wrong; the request has ended.',
  pin_backoff: 'The PIN was wrong too often; wait before the next try.',
  wrong_pin: 'The PIN is wrong.',
  no_biometric: 'This device has no biometric here.',
  wrong_biometric: 'The biometric does not hold; ask for the PIN, or begin again.',
  enrolment_claimed: 'Another phone has used this code; nobody gets it.',
  enrolment_expired: 'There is no such enrolment, or its time is over.',
  enrolment_cancelled: 'The enrolment was cancelled.',
  device_has_account: 'This phone already serves another account.',
  unknown_key: 'The encryption key is not known; read metadata again.',
  claimed: 'Another device has scanned this code.',
  qr_stale: 'The code is too old; scan the one that shows now.',
  qr_forged: 'The code was not made by this server.',
  weak_pin: 'The PIN is too easy.',
  wrong_origin: 'Requests from another origin are not taken.',
  not_found: 'There is nothing here.',
  method_not_allowed: 'This method is not allowed here.',
  too_many_requests: 'Too many requests from this address; wait.',
  unavailable: 'The service is not available for a moment; try again.',
  read_only: 'Nothing can be changed for a while, so nothing was; try again later.',
  internal: 'Something went wrong on our side.',
};

/** A refusal with the members that its code carries. Times in seconds. */
export interface Told {
  why: ProblemCode;
  remaining?: number;
  retryAfter?: number;
  serverTime?: number;
  ratchet?: string;
}

/** Sends a problem document. */
export function sendProblem(ctx: Context, told: Told): void {
  const status = PROBLEM_STATUS[told.why];
  const problem: Problem = {
    type: `urn:countersign:problem:${told.why}`,
    title: TITLES[told.why],
    status,
    ...(told.remaining === undefined ? {} : { remaining: told.remaining }),
    ...(told.retryAfter === undefined ? {} : { retry_after: Math.ceil(told.retryAfter) }),
    ...(told.serverTime === undefined ? {} : { server_time: told.serverTime }),
    ...(told.ratchet === undefined ? {} : { ratchet: told.ratchet }),
  };
  ctx.status = status;
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
  if (problem.retry_after !== undefined) ctx.set('Retry-After', String(problem.retry_after));
}
