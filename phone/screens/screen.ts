// Every screen of the app with what it needs to be shown: one question each.
import type { Link } from '../../src/protocol/links.ts';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import type { Failure } from '../api/answer.ts';
import type { Ticket } from '../api/enrol.ts';
import type { Seen } from '../api/find-request.ts';
import type { Arrival } from '../arrival.ts';

/** A sign-in code that our own camera read. */
export type SignInLink = Extract<Link, { kind: 'signin' }>;

/** The account that a problem is about. */
export interface Whose {
  device: string;
  name: string;
}

/** Where the person is. */
export type Screen =
  | { name: 'home' }
  | { name: 'welcome' }
  | { name: 'arrived'; arrival: Extract<Arrival, { kind: 'enrol' | 'open' | 'broken' }> }
  | { name: 'scan'; want: 'account' | 'anything' }
  | { name: 'type' }
  | { name: 'enrol'; ticket: Ticket }
  | { name: 'check'; device: string }
  | { name: 'find'; seen: Seen; link?: SignInLink }
  | { name: 'approve'; device: string; request: PendingTransaction; link?: SignInLink }
  | { name: 'code'; link: SignInLink; why: 'offline' | 'stale' }
  | { name: 'settings' }
  | { name: 'rename'; device: string }
  | { name: 'unlink'; device: string }
  | { name: 'pin'; device: string }
  | { name: 'biometric'; device: string }
  | { name: 'forgotten'; device: string }
  | { name: 'help' }
  | { name: 'problem'; failure: Failure; again?: Screen; whose?: Whose }
  | { name: 'evicted'; count: number };
