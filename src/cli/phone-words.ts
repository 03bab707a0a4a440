// What the headless phone says when something does not go, in plain sentences, and the exit code that scripts read.

import type { ProblemCode } from '../protocol/messages.ts';
import { PhoneCannot } from './phone-headless.ts';
import { PhoneProblem, Unreachable } from './phone-wire.ts';

/** Exit codes: 1 refused, 3 server not reached, 4 PIN, 5 this phone may not act any more, 6 the request is over, 7 the number or the code. */
type Said = readonly [sentence: string, exit: number];

const PROBLEMS: { readonly [code in ProblemCode]: Said } = {
  too_large: ['The message is too large for the server.', 1],
  unsupported_media_type: ['The server does not take this kind of message.', 1],
  malformed: ['The server does not understand this message. Is this phone app older than the server?', 1],
  bad_signature: ['The server does not know this phone, or the enrolment is over.', 5],
  wrong_typ: ['The server took the message for another one.', 1],
  wrong_aud: ['The message was meant for another server.', 1],
  clock_skew: ['The clock of this machine is off. Set it and try again.', 1],
  device_removed: ['This phone was removed from the account. Its keys are deleted now.', 5],
  replayed: ['This message was sent before. Try again.', 1],
  device_locked: [
    'This phone is locked: the PIN was wrong too often. Remove it on the account page and add it again.',
    5,
  ],
  device_cloned: ['This phone is locked: a copy of it was used. Remove it on the account page and add it again.', 5],
  unknown_transaction: ['There is no such request for this account.', 6],
  expired: ['The request is over. Start again in the browser.', 6],
  approved: ['The request was approved already.', 6],
  denied: ['The request was denied already.', 6],
  failed: ['The request has failed. Start again in the browser.', 6],
  nonce: ['The request has changed. Read it again.', 6],
  context_mismatch: ['What this phone shows is not what is asked. Nothing was approved.', 6],
  not_transferred: ['Type the number that the browser shows, or scan the code.', 7],
  wrong_number: ['The number is wrong. The request has ended; start again in the browser.', 7],
  pin_backoff: ['The PIN was wrong too often.', 4],
  wrong_pin: ['The PIN is wrong.', 4],
  no_biometric: ['The server knows no biometric of this phone. Use the PIN.', 4],
  wrong_biometric: ['The server did not take the biometric. Use the PIN.', 4],
  enrolment_claimed: ['Another phone has used this code. Start again on the account page.', 6],
  enrolment_expired: ['This code is not known, or its time is over. Start again on the account page.', 6],
  enrolment_cancelled: ['Adding this phone was cancelled. Start again on the account page.', 6],
  device_has_account: ['This phone already serves another account.', 5],
  unknown_key: ['The keys of the server have changed. Try again.', 1],
  claimed: ['Another phone has scanned this code.', 6],
  qr_stale: ['The code is too old. Scan the one that shows now.', 7],
  qr_forged: ['This code was not made by the server.', 7],
  weak_pin: ['This PIN is too easy to guess. Choose another one.', 4],
  wrong_origin: ['The server does not take requests from here.', 1],
  not_found: ['The server does not know this address.', 1],
  method_not_allowed: ['The server does not take this.', 1],
  too_many_requests: ['Too many requests from here.', 1],
  unavailable: ['The server is busy.', 3],
  read_only: ['The server is read-only for a while; try again later.', 3],
  internal: ['Something went wrong at the server.', 3],
};

const CANNOT: { readonly [why in PhoneCannot['why']]: Said } = {
  not_enrolled: ['There is no account in this state file. Run "countersign phone enrol" first.', 5],
  nothing_pending: ['No request waits for this phone.', 6],
  several_pending: ['Several requests wait. Name one: "countersign phone list" shows them.', 6],
  not_ours: ['This is not a link of Countersign.', 7],
  other_server: ['This link is from another server.', 7],
  malformed: ['This link is damaged.', 7],
  wrong_link: ['This link is for something else.', 7],
};

/** The sentence and the exit code for what was thrown; undefined for a mistake of ours. */
export function sayProblem(error: unknown): { sentence: string; exit: number } | undefined {
  if (error instanceof Unreachable) return { sentence: `${error.message}.`, exit: 3 };
  if (error instanceof PhoneCannot) return said(CANNOT[error.why]);
  if (!(error instanceof PhoneProblem)) return undefined;
  if (error.code === undefined) return { sentence: `The server answered ${error.status}.`, exit: 3 };
  const { sentence, exit } = said(PROBLEMS[error.code]);
  const { remaining, retry_after } = error.problem;
  const tries =
    remaining === undefined
      ? ''
      : ` ${remaining === 0 ? 'No try is' : `${remaining} ${remaining === 1 ? 'try is' : 'tries are'}`} left.`;
  const wait = retry_after === undefined ? '' : ` Try again in ${retry_after} seconds.`;
  return { sentence: `${sentence}${tries}${wait}`, exit };
}

function said([sentence, exit]: Said): { sentence: string; exit: number } {
  return { sentence, exit };
}
