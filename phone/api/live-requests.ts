// Requests that arrive by themselves: one stream for the account in front, polling for the rest and wherever streams fail.
import { devicePath, type PendingList, type PendingTransaction } from '../../src/protocol/messages.ts';
import type { OperatorNotice, ReadOnlyNotice } from '../../src/protocol/notices.ts';
import type { Account } from '../keys/store.ts';
import { type Failure, readAnswer } from './answer.ts';
import type { Api } from './client.ts';
import { readEvents } from './event-stream.ts';
import { messageRequest } from './post.ts';

/** How the phone hears of requests at the moment. */
export type Connection = 'connecting' | 'live' | 'polling' | 'offline';

/** Who is told what. */
export interface Listener {
  requests(device: string, transactions: PendingTransaction[]): void;
  /** What the operator tells everybody, now or soon. */
  notices(notices: OperatorNotice[]): void;
  /** Nothing can be approved or changed now; undefined where it can. */
  readOnly(told: ReadOnlyNotice | undefined): void;
  connection(state: Connection): void;
  /** The account cannot go on: removed, locked, copied. */
  refused(device: string, failure: Failure): void;
  /** The account was locked, and is no longer. */
  unlocked(device: string): void;
}

/** A running subscription. */
export interface LiveRequests {
  stop(): void;
  /** Asks at once: the app came to the front, or the network came back. */
  now(): void;
}

/** A line that says nothing for this long is taken for dead, in milliseconds; servers say something every 15 to 25 s. */
const SILENCE = 60_000;
/** The list comes at once: where it does not, something in between collects the stream and passes nothing on. */
const FIRST_SILENCE = 10_000;
const POLL = 5_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
/** After so many streams that broke at once there is only polling, until the app comes to the front again. */
const BROKEN_STREAMS = 3;
const FINAL: readonly string[] = ['device_removed', 'device_locked', 'device_cloned', 'bad_signature'];

/** Follows the requests of an account until stopped. @param background the account is not the one in front: poll, slowly. */
export function followRequests(api: Api, account: Account, listener: Listener, background: boolean): LiveRequests {
  const stopped = new AbortController();
  let wake: () => void = () => undefined;
  let broken = 0;
  let locked = false;
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const told = (list: PendingList) => {
    api.clock.learn(list.server_time);
    listener.notices(list.notices ?? []);
    listener.readOnly(list.read_only);
    listener.requests(account.device, list.transactions);
  };
  const connection = (state: Connection) => {
    if (!stopped.signal.aborted && !background) listener.connection(state);
  };

  /** True where polling worked. */
  async function poll(): Promise<Failure | undefined> {
    const answer = await api.ask(account, 'pending');
    if (answer.ok) told(answer.value);
    return answer.ok ? undefined : answer.failure;
  }

  /** Whether the stream was worth having: it said something, and lived; or why it was refused. */
  async function stream(): Promise<'lived' | 'broke' | 'silent' | Failure> {
    const began = performance.now();
    const ended = new AbortController();
    const end = () => ended.abort();
    stopped.signal.addEventListener('abort', end, { once: true });
    let watchdog: ReturnType<typeof setTimeout> | undefined;
    let spoke = false;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(end, SILENCE);
      if (!spoke) connection('live');
      spoke = true;
    };
    try {
      watchdog = setTimeout(end, FIRST_SILENCE);
      const message = await api.streamMessage(account);
      if (stopped.signal.aborted) return 'broke';
      const response = await fetch(devicePath('stream'), messageRequest(message, ended.signal));
      if (!response.ok || !response.body) {
        const answer = await readAnswer(response);
        return answer.ok ? 'broke' : answer.failure;
      }
      await readEvents(response.body, ({ event, data }) => event === 'pending' && told(JSON.parse(data)), alive);
    } catch {
      // The network, or a stop: the loop decides.
    } finally {
      clearTimeout(watchdog);
      stopped.signal.removeEventListener('abort', end);
    }
    const age = performance.now() - began;
    if (!spoke) return age >= FIRST_SILENCE ? 'silent' : 'broke';
    return age > POLL ? 'lived' : 'broke';
  }

  /** Whether somebody has unlocked the phone on the account page. */
  async function unlocked(): Promise<boolean> {
    const answer = await api.ask(account, 'self');
    return answer.ok && answer.value.state === 'active' && !stopped.signal.aborted;
  }

  async function run(): Promise<void> {
    let wait = FIRST_WAIT;
    connection('connecting');
    while (!stopped.signal.aborted) {
      // The list first: it also tells a removed phone, a wrong clock and a dead network apart.
      const failure = await poll();
      if (stopped.signal.aborted) return;
      if (failure && FINAL.includes(failure.code)) return listener.refused(account.device, failure);
      if (failure) {
        connection('offline');
        await pause(wait);
        wait = Math.min(wait * 2, LONGEST_WAIT);
        continue;
      }
      wait = FIRST_WAIT;
      if (locked && (await unlocked())) {
        locked = false;
        broken = 0;
        listener.unlocked(account.device);
      }
      if (background || broken >= BROKEN_STREAMS) {
        connection('polling');
        await pause(background ? POLL * 2 : POLL);
        continue;
      }
      const came = await stream();
      // A locked phone still gets the list, to say no; that it is locked, only the stream tells.
      if (typeof came === 'object' && FINAL.includes(came.code)) {
        broken = BROKEN_STREAMS;
        locked = true;
        listener.refused(account.device, came);
      } else if (came === 'silent') broken = BROKEN_STREAMS;
      else broken = came === 'lived' ? 0 : broken + 1;
      if (broken > 0 && broken < BROKEN_STREAMS) await pause(FIRST_WAIT * 2 ** broken);
    }
  }

  run().catch(() => connection('offline'));
  return {
    stop: () => {
      stopped.abort();
      wake();
    },
    now: () => {
      broken = locked ? BROKEN_STREAMS : 0;
      wake();
    },
  };
}
