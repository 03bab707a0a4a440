// Being woken by the browser's push service (protocol section 4, E6). Only ever asked for in a tap; without it requests wait until the app is opened.
import { fromBase64url } from '../../src/protocol/bytes.ts';
import type { Account, Store } from '../keys/store.ts';
import type { Services } from './services.ts';

/** How things stand: `none` where the provider has no push, `unsupported` where this browser cannot, `blocked` where the person or an administrator forbade it. */
export type PushState = 'none' | 'unsupported' | 'blocked' | 'off' | 'on';

/** Subscribing speaks to a server of the browser's maker and may never settle: after so many milliseconds it counts as failed. */
const PATIENCE = 15_000;

const active = async (store: Store): Promise<Account[]> =>
  (await store.accounts()).filter(({ state }) => state === 'active');

function within<T>(work: Promise<T>): Promise<T | undefined> {
  return Promise.race([
    work.catch(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE)),
  ]);
}

/** The push manager of our worker; undefined where the browser has none, or the worker did not come up. */
async function manager(): Promise<PushManager | undefined> {
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) return undefined;
  return (await within(navigator.serviceWorker.ready))?.pushManager;
}

const keyOf = (accounts: readonly Account[]): string | undefined => accounts[0]?.metadata.vapid_public_key;

/** How things stand at the moment; asks nobody and changes nothing. */
export async function pushState({ store }: Services): Promise<PushState> {
  if (keyOf(await active(store)) === undefined) return 'none';
  const pushes = await manager();
  if (!pushes) return 'unsupported';
  if (Notification.permission === 'denied') return 'blocked';
  const wanted = Notification.permission === 'granted' && (await store.wantsPush());
  return wanted && (await within(pushes.getSubscription())) ? 'on' : 'off';
}

/** The subscription that goes with the provider's key: the one there is, or a new one. */
async function subscribe(pushes: PushManager, key: string): Promise<PushSubscription | undefined> {
  const wanted = fromBase64url(key);
  if (!wanted) return undefined;
  const has = await within(pushes.getSubscription());
  const theirs = has?.options?.applicationServerKey;
  if (has && theirs && new Uint8Array(theirs).join() === wanted.join()) return has;
  // Made for an older key: the provider could not send to it.
  if (has) await within(has.unsubscribe());
  const made = await within(
    pushes.subscribe({ userVisibleOnly: true, applicationServerKey: wanted as Uint8Array<ArrayBuffer> }),
  );
  return made ?? undefined;
}

/** Tells the provider, for each account, where this phone can be woken. True where every one has heard. */
async function tell({ api }: Services, accounts: readonly Account[], to: PushSubscription | null): Promise<boolean> {
  const { endpoint = '', keys = {} } = to?.toJSON() ?? {};
  const subscription = to ? { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } } : null;
  const answers = await Promise.all(accounts.map((account) => api.ask(account, 'push', { subscription })));
  return answers.every(({ ok }) => ok);
}

/** Asks the person, subscribes and tells the provider. To be called in a tap: browsers refuse the question otherwise. */
export async function turnPushOn(services: Services): Promise<'on' | 'blocked' | 'failed'> {
  // First of all: after any other wait the tap no longer counts.
  const permission = await Notification.requestPermission().catch(() => 'denied' as const);
  if (permission !== 'granted') return 'blocked';
  const accounts = await active(services.store);
  const [pushes, key] = [await manager(), keyOf(accounts)];
  const subscription = pushes && key ? await subscribe(pushes, key) : undefined;
  if (!subscription || !(await tell(services, accounts, subscription))) return 'failed';
  await services.store.setWantsPush(true);
  return 'on';
}

/** Ends the subscription here and at the provider. */
export async function turnPushOff(services: Services): Promise<void> {
  await services.store.setWantsPush(false);
  await tell(services, await active(services.store), null);
  await endPush();
}

/** Browsers change addresses by themselves, and permissions are taken back in their settings: at each start the provider hears what holds now. */
export async function refreshPush(services: Services): Promise<void> {
  if (!(await services.store.wantsPush())) return;
  const accounts = await active(services.store);
  const key = keyOf(accounts);
  const pushes = await manager();
  if (!pushes || key === undefined) return;
  if (Notification.permission !== 'granted') return turnPushOff(services);
  const subscription = await subscribe(pushes, key);
  if (subscription) await tell(services, accounts, subscription);
}

/** Ends the browser's subscription: with the last account nobody may wake this phone any more (protocol section 8). */
export async function endPush(): Promise<void> {
  const subscription = await within((await manager())?.getSubscription() ?? Promise.resolve(null));
  if (subscription) await within(subscription.unsubscribe());
}
