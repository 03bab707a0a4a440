// Requests of all accounts as they arrive: announced, counted in the title, and gone when they are over.
import { useEffect, useRef, useState } from 'preact/hooks';
import { isContext } from '../src/protocol/context.ts';
import type { PendingTransaction } from '../src/protocol/messages.ts';
import type { OperatorNotice, ReadOnlyNotice } from '../src/protocol/notices.ts';
import type { Failure } from './api/answer.ts';
import { type Connection, followRequests } from './api/live-requests.ts';
import type { Services } from './api/services.ts';
import type { Account } from './keys/store.ts';
import { titleCounts } from './title.ts';

/** Open requests by device, and how they come. */
export interface Requests {
  requests: Record<string, PendingTransaction[]>;
  connection: Connection;
  /** What the operator tells everybody, now or soon. */
  notices: OperatorNotice[];
  /** Nothing can be approved or changed now. */
  readOnly: ReadOnlyNotice | undefined;
  /**
   * Takes a request off the lists that was answered here: an account that is polled hears of it seconds later. Answers the
   * requests that are left, by txn.
   */
  answered(txn: string): string[];
}

/** Told of what the person must hear. */
export interface Ears {
  arrived(request: PendingTransaction, count: number): void;
  /** @param open the requests that are left, by txn. */
  gone(open: string[]): void;
  refused(device: string, failure: Failure): void;
  unlocked(device: string): void;
}

/** Follows every active account: a stream for the one in front, polling for the others. */
export function useRequests(services: Services, accounts: Account[], ears: Ears): Requests {
  const [requests, setRequests] = useState<Record<string, PendingTransaction[]>>({});
  const [connection, setConnection] = useState<Connection>('connecting');
  const [notices, setNotices] = useState<OperatorNotice[]>([]);
  const [readOnly, setReadOnly] = useState<ReadOnlyNotice | undefined>();
  const known = useRef<Record<string, PendingTransaction[]>>({});
  const over = useRef(new Set<string>());
  const listening = useRef(ears);
  listening.current = ears;
  /** Takes lists over, and answers how many requests stand in them. */
  const keep = (lists: Record<string, PendingTransaction[]>): number => {
    known.current = lists;
    setRequests(lists);
    const count = Object.values(lists).flat().length;
    titleCounts(count);
    return count;
  };
  const open = () => Object.values(known.current).flatMap((all) => all.map(({ txn }) => txn));
  const answered = (txn: string) => {
    over.current.add(txn);
    const left = ([device, list]: [string, PendingTransaction[]]) => [device, list.filter((one) => one.txn !== txn)];
    keep(Object.fromEntries(Object.entries(known.current).map(left)));
    return open();
  };
  const active = accounts.filter((account) => account.state === 'active');
  // A change of accounts starts the lines anew, nothing else does.
  useEffect(() => {
    const hear = (device: string, transactions: PendingTransaction[]) => {
      // An answer that was on its way meanwhile may still name what is over.
      const readable = transactions.filter(({ txn, ctx }) => isContext(ctx) && !over.current.has(txn));
      const before = new Set((known.current[device] ?? []).map(({ txn }) => txn));
      const fresh = readable.find(({ txn }) => !before.has(txn));
      const count = keep({ ...known.current, [device]: readable });
      if (fresh) listening.current.arrived(fresh, count);
      else if (readable.length < before.size) listening.current.gone(open());
    };
    const lines = active.map((account, index) =>
      followRequests(
        services.api,
        account,
        {
          requests: hear,
          notices: setNotices,
          readOnly: setReadOnly,
          connection: setConnection,
          refused: (device, failure) => listening.current.refused(device, failure),
          unlocked: (device) => listening.current.unlocked(device),
        },
        index > 0,
      ),
    );
    const now = () => {
      if (!document.hidden) for (const line of lines) line.now();
    };
    document.addEventListener('visibilitychange', now);
    window.addEventListener('online', now);
    return () => {
      document.removeEventListener('visibilitychange', now);
      window.removeEventListener('online', now);
      for (const line of lines) line.stop();
      known.current = {};
      setRequests({});
    };
  }, [active.map(({ device }) => device).join()]);
  return { requests, connection, notices, readOnly, answered };
}
