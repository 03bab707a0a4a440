// Plain sentences for every failure: what happened, and what to do next.
import type { Failure, FailureCode } from '../api/answer.ts';
import type { Word } from '../words.ts';
import type { IconName } from './icons.tsx';

/** Failures that have sentences of their own; the key of the words is the code. */
const OWN = [
  'offline',
  'unavailable',
  'read_only',
  'unreadable',
  'other_server',
  'clock_skew',
  'device_removed',
  'device_locked',
  'device_cloned',
  'expired',
  'unknown_transaction',
  'denied',
  'failed',
  'wrong_number',
  'not_transferred',
  'context_mismatch',
  'enrolment_claimed',
  'enrolment_expired',
  'enrolment_cancelled',
  'device_has_account',
  'weak_pin',
  'claimed',
  'qr_stale',
  'qr_forged',
  'pin_backoff',
  'too_many_requests',
] as const satisfies readonly FailureCode[];

type Own = (typeof OWN)[number];

/** Failures that are told with another one's sentences. */
const SAME: Partial<Record<FailureCode, Own>> = {
  internal: 'unavailable',
  nonce: 'context_mismatch',
  no_account: 'device_removed',
  approved: 'expired',
};

/** Worth another try as it is; the rest needs something else first. */
const PASSING: readonly FailureCode[] = [
  'offline',
  'unavailable',
  'read_only',
  'internal',
  'unreadable',
  'clock_skew',
  'replayed',
  'bad_signature',
];

/** How a failure is told. `passing`: trying again may help. */
export interface ProblemWords {
  title: Word;
  text: Word;
  icon: IconName;
  passing: boolean;
}

/** The words for a failure. */
export function problemWords({ code }: Failure): ProblemWords {
  const own = OWN.find((known) => known === (SAME[code] ?? code));
  const key = own ?? 'other';
  return {
    title: `problem.${key}.title`,
    text: `problem.${key}.text`,
    icon: iconOf(key),
    passing: PASSING.includes(code),
  };
}

function iconOf(key: Own | 'other'): IconName {
  if (key === 'device_locked' || key === 'device_cloned') return 'lock';
  if (key === 'offline') return 'cloud';
  if (key === 'expired' || key === 'clock_skew' || key === 'pin_backoff') return 'clock';
  return 'warn';
}
