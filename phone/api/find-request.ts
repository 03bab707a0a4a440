// Which account on this phone a scanned or opened request is for (protocol section 4, last paragraph).
import { isContext } from '../../src/protocol/context.ts';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import type { Account } from '../keys/store.ts';
import { type Answer, failed } from './answer.ts';
import type { Services } from './services.ts';

/** What was seen: a sign-in code by our own camera, or a link. */
export type Seen = { kind: 'claim'; txn: string; i: number; mac: string } | { kind: 'open'; txn: string };

/** A request and the account that it is for. */
export interface Found {
  account: Account;
  request: PendingTransaction;
}

/** Asks with each account, the one in front first, until one is not told "unknown". */
export async function findRequest({ api }: Services, accounts: readonly Account[], seen: Seen): Promise<Answer<Found>> {
  const { kind, ...claims } = seen;
  let last: Answer<Found> = failed('no_account');
  for (const account of accounts) {
    const answer = await api.ask(account, kind, claims);
    if (answer.ok)
      return isContext(answer.value.ctx)
        ? { ok: true, value: { account, request: answer.value } }
        : failed('unreadable');
    last = answer;
    // A locked or removed account must not hide the request of another one.
    if (!['unknown_transaction', 'device_removed', 'device_locked', 'device_cloned'].includes(answer.failure.code))
      return answer;
  }
  return last;
}
