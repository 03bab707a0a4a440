// Push on the real app in real Chromium: subscribed in a tap, knocked at through an honest push service, shown by the real service worker, opened by a tap.
//
// Chromium without a screen has no push service to subscribe at. So the two calls that speak to it, `subscribe` and `getSubscription`,
// answer here with a subscriber of the loopback service; the bytes that it decrypts are handed to the worker as the browser would.
import { expect } from 'chai';
import type { Page, Worker } from 'playwright-core';
import { type Complaints, listenTo, phone, type TestPhone, takePictures } from '../support/browser.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { type PushService, type Subscriber, startPushService } from '../support/push-service.ts';
import { ask, enrolled, needsBuiltApp, PIN, typePin } from './with-app.ts';

/** Puts the loopback service in the place of the browser maker's. `never`: it does not answer at all. */
async function subscribeAt(one: TestPhone, service: PushService, how: 'answers' | 'never' = 'answers') {
  const made: Subscriber[] = [];
  await one.context.exposeFunction('pushServiceSubscribe', (key: string) => {
    const subscriber = service.subscribe(key);
    made.push(subscriber);
    return subscriber.subscription;
  });
  // As text: what runs in the page must not be touched by our own compiler.
  await one.context.addInitScript(`
    const kept = () => JSON.parse(localStorage.getItem('test.subscription') ?? 'null');
    const subscription = ({ json, key }) => ({
      ...json,
      options: { applicationServerKey: Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0)).buffer },
      toJSON: () => json,
      unsubscribe: async () => {
        localStorage.removeItem('test.subscription');
        return true;
      },
    });
    PushManager.prototype.getSubscription = async () => kept() && subscription(kept());
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
      if (${how === 'never'}) return new Promise(() => undefined);
      const key = btoa(String.fromCharCode(...applicationServerKey));
      const url = key.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
      localStorage.setItem('test.subscription', JSON.stringify({ json: await pushServiceSubscribe(url), key }));
      return subscription(kept());
    };
  `);
  return made;
}

async function until<T>(read: () => T | Promise<T>, good: (value: T) => boolean, most = 600): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await read();
    if (good(value) || tries > most) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Hands bytes to the worker as the browser does when they come from its push service. */
async function deliver(page: Page, origin: string, data: string): Promise<void> {
  // A worker that is still being installed gets nothing.
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const session = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const ours = registrations.find(({ scopeURL }) => scopeURL.endsWith('/phone/'));
      if (ours) resolve(ours.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId: await registered, data });
  await session.detach();
}

/**
 * Hands bytes over until their notice stands there. A whole Chromium without a desktop looks for the desktop's notices at its start, and
 * what it shows meanwhile may be lost; a second push of the same request takes the place of the first.
 */
async function notified(page: Page, origin: string, data: string) {
  for (let tries = 0; ; tries += 1) {
    await deliver(page, origin, data);
    const shown = await until(
      () => notices(page),
      ({ length }) => length > 0,
      100,
    );
    if (shown.length > 0 || tries > 6) return shown;
  }
}

const notices = (page: Page) =>
  page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration('/phone/');
    const shown = (await registration?.getNotifications()) ?? [];
    return shown.map(({ title, body, tag, lang }) => ({ title, body, tag, lang }));
  });

/** A tap on the notice. A browser without a screen has none to tap: the worker gets the event that the tap makes. */
const tap = (worker: Worker, tag: string) =>
  worker.evaluate(async (wanted) => {
    const here = self as unknown as { registration: ServiceWorkerRegistration };
    const notification = (await here.registration.getNotifications()).find((one) => one.tag === wanted);
    const Tapped = (self as unknown as { NotificationEvent: new (type: string, init: object) => Event })
      .NotificationEvent;
    self.dispatchEvent(new Tapped('notificationclick', { notification }));
  }, tag);

describe('push on the phone', function () {
  this.timeout(180_000);
  let service: PushService;
  let running: RunningHouse;
  const phones: TestPhone[] = [];
  let complaints: Complaints;

  before(async () => {
    needsBuiltApp();
    service = await startPushService();
    running = await startHouse({
      files: {
        'devices.yaml': { kdf_iterations: 1000, push: { hosts: [service.host] } },
        'outbound.yaml': { allow: [service.host] },
      },
    });
  });
  after(async () => {
    await running?.close();
    await service?.close();
  });
  afterEach(async () => {
    for (const one of phones.splice(0)) await one.close();
    expect(service.refusals.splice(0)).to.deep.equal([]);
    expect([...complaints.errors, ...complaints.foreign]).to.deep.equal([]);
  });

  const take = async (permissions: string[], how: 'answers' | 'never' = 'answers') => {
    const one = await phone({ browser: 'whole', context: { permissions: ['camera', ...permissions] } });
    one.context.setDefaultTimeout(45_000);
    phones.push(one);
    complaints = listenTo(one.context, [running.issuer], [/Failed to load resource/]);
    const subscribers = await subscribeAt(one, service, how);
    return { one, subscribers, ...(await enrolled(running, one)) };
  };
  const pushed = async (id: string) => (await running.house.world.records.devices.pushOf(id)).length;
  const turnOn = (page: Page) => page.getByRole('button', { name: 'Turn on notifications' }).click();
  const settings = (page: Page) => page.getByRole('button', { name: 'Settings' }).click();

  it('is offered once, subscribes in a tap, and a tap on the notice opens the request', async () => {
    const { one, subscribers, id, page } = await take(['notifications']);
    await page.getByText('Shall this phone tell you when a request arrives?').waitFor();
    await takePictures(page, 'phone-push-offer');
    await turnOn(page);
    await page.getByText('Shall this phone tell you').waitFor({ state: 'detached' });
    expect(
      await until(
        () => pushed(id),
        (count) => count === 1,
      ),
    ).to.equal(1);

    const transaction = await ask(running, id, 'a1'.repeat(11), 'push');
    const [message] = await until(
      () => subscribers[0]?.messages ?? [],
      ({ length }) => length > 0,
    );
    const [notice] = await notified(page, running.issuer, message?.plaintext ?? '');
    expect(notice).to.deep.equal({
      title: 'Countersign',
      body: 'You are asked to confirm a sign-in. Tap to see the request.',
      tag: transaction.id,
      lang: 'en',
    });
    expect(JSON.stringify(notice), 'a locked screen tells nobody what is asked').not.to.contain('Payroll');

    const [worker] = one.context.serviceWorkers();
    if (!worker) throw new Error('no worker');
    await tap(worker, transaction.id);
    await page.getByRole('heading', { name: 'Payroll asks: is this you?' }).waitFor();
    expect(await notices(page)).to.deep.equal([]);
    await page.getByLabel('The number that your browser shows').fill(transaction.number);
    await page.getByRole('button', { name: 'Yes, it is me' }).click();
    await typePin(page, PIN);
    await page.getByRole('heading', { name: 'You said yes' }).waitFor();
  });

  it('opens the app where it is closed, and takes the notice away when the request is over', async () => {
    const { one, id, page } = await take(['notifications']);
    await turnOn(page);
    await until(
      () => pushed(id),
      (count) => count === 1,
    );
    const transaction = await ask(running, id, 'b2'.repeat(11), 'push');
    await notified(page, running.issuer, JSON.stringify({ t: 'pending', txn: transaction.id }));
    await page.getByRole('button', { name: 'Payroll asks: is this you?' }).waitFor();
    await running.house.world.transactions.end(transaction.id);
    expect(
      await until(
        () => notices(page),
        ({ length }) => length === 0,
      ),
    ).to.deep.equal([]);

    const [worker] = one.context.serviceWorkers();
    if (!worker) throw new Error('no worker');
    await notified(page, running.issuer, JSON.stringify({ t: 'pending', txn: transaction.id }));
    // Opening a window needs a real tap: what is asked of the browser is written down instead.
    await worker.evaluate(() => {
      const here = self as unknown as { clients: { openWindow: unknown; matchAll: unknown }; opened?: string };
      here.clients.matchAll = async () => [];
      here.clients.openWindow = async (url: string) => {
        here.opened = url;
      };
    });
    await tap(worker, transaction.id);
    const opened = await until(
      () => worker.evaluate(() => (self as unknown as { opened?: string }).opened),
      (url) => url !== undefined,
    );
    expect(opened).to.equal(`${running.issuer}/phone/#o1.${transaction.id}`);
  });

  it('shows a general notice for a message that it does not understand', async () => {
    const { page } = await take(['notifications']);
    const [notice] = await notified(page, running.issuer, '{"t":"pending","txn":"<b>Payroll</b>"}');
    expect(notice?.tag).to.equal('');
    expect(JSON.stringify(notice)).not.to.contain('Payroll');
  });

  it('tells the provider at the next start what holds now, and ends with the switch and with the last account', async () => {
    const { id, page, subscribers } = await take(['notifications']);
    await turnOn(page);
    await until(
      () => pushed(id),
      (count) => count === 1,
    );
    const [kept] = await running.house.world.records.devices.pushOf(id);
    if (kept) await running.house.world.records.devices.dropPush(kept.id, kept.subscription);
    await page.reload();
    expect(
      await until(
        () => pushed(id),
        (count) => count === 1,
      ),
      'told anew',
    ).to.equal(1);
    await settings(page);
    await page.getByText('On: this phone tells you').waitFor();
    await takePictures(page, 'phone-push-on');
    await page.getByRole('button', { name: 'Turn off notifications' }).click();
    expect(
      await until(
        () => pushed(id),
        (count) => count === 0,
      ),
    ).to.equal(0);
    await page.getByText('Off: a request waits').waitFor();
    await turnOn(page);
    expect(
      await until(
        () => pushed(id),
        (count) => count === 1,
      ),
    ).to.equal(1);
    expect(subscribers).to.have.length(2);
    await page.getByRole('button', { name: 'Remove this account from the phone' }).click();
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByRole('heading', { name: 'Your phone shows that it is you' }).waitFor();
    const left = () => page.evaluate(() => localStorage.getItem('test.subscription'));
    expect(await until(left, (subscription) => subscription === null)).to.equal(null);
  });

  it('says so where notifications are blocked, and the request comes all the same', async () => {
    const { id, page } = await take([]);
    await settings(page);
    await page.getByText('Your browser blocks notifications of this app.').waitFor();
    await page.getByRole('button', { name: 'Back' }).click();
    await ask(running, id, 'c3'.repeat(11), 'push');
    await page.getByText('Payroll asks: is this you?').waitFor();
  });

  it('gives up on a push service that never answers', async () => {
    const { id, page } = await take(['notifications'], 'never');
    await turnOn(page);
    await page.getByText('Turning notifications on…').waitFor();
    await page.getByText('Notifications could not be turned on just now.').waitFor();
    expect(await pushed(id)).to.equal(0);
    await ask(running, id, 'd4'.repeat(11), 'push');
    await page.getByText('Payroll asks: is this you?').waitFor();
  });
});
