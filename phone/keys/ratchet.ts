// One message that carries the ratchet at a time, over all tabs, and its new value kept before success is told (protocol section 7).
import type { Answer } from '../api/answer.ts';
import type { Account, Store } from './store.ts';

/**
 * Sends one message that carries the ratchet.
 * @param send is handed the account as it stands now, never an older copy: another tab may just have moved it.
 * @returns undefined where the account is no longer on this phone.
 */
export function withRatchet<T extends { ratchet?: string }>(
  store: Store,
  device: string,
  send: (account: Account) => Promise<Answer<T>>,
): Promise<Answer<T> | undefined> {
  return inTurn(`countersign.ratchet.${device}`, async () => {
    const account = await store.account(device);
    if (!account) return undefined;
    const answer = await send(account);
    // Also 409 and 410 carry one when the PIN was right.
    const ratchet = answer.ok ? answer.value.ratchet : answer.failure.ratchet;
    if (ratchet) await store.change(device, (now) => ({ ...now, ratchet }));
    return answer;
  });
}

async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  return (await navigator.locks.request(name, work)) as T;
}
