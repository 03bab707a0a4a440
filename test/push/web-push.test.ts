// Web Push from the device API to an honest push service: what is taken, what is sent, what is dropped, and what nobody waits for.
import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { PhoneProblem } from '../../src/cli/phone-wire.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import { isPushService } from '../../src/push/services.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, portOf, type RunningHouse, startHouse } from '../support/house.ts';
import { type PushService, type Subscriber, startPushService } from '../support/push-service.ts';

const PIN = '805139';
const BIND = fingerprint('this browser');
let asked = 0;

/** Waits until something is so; the last answer where it never is. */
async function until<T>(read: () => T | Promise<T>, good: (value: T) => boolean, ms = 5_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await read();
    if (good(value) || Date.now() > end) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('push: addresses', () => {
  const hosts = ['*.push.example.org', 'localhost:8099'];
  for (const good of [
    'https://fcm.googleapis.com/fcm/send/abc',
    'https://updates.push.services.mozilla.com/wpush/v2/abc',
    'https://wns2-par02p.notify.windows.com/w/?token=abc',
    'https://web.push.apple.com/abc',
    'https://one.push.example.org/abc',
    'http://localhost:8099/abc',
  ])
    it(`takes ${good}`, () => expect(isPushService(good, hosts)).to.equal(true));
  for (const bad of [
    'http://fcm.googleapis.com/fcm/send/abc',
    'https://fcm.googleapis.com:8443/abc',
    'https://fcm.googleapis.com.evil.example/abc',
    'https://evilnotify.windows.com/abc',
    'https://notify.windows.com.evil.example/abc',
    'https://.push.apple.com/abc',
    'https://push.example.org/abc',
    'https://user:word@fcm.googleapis.com/abc',
    'https://169.254.169.254/latest',
    'http://localhost:8098/abc',
    'http://localhost/abc',
    'ftp://localhost:8099/abc',
    'no address',
    `https://fcm.googleapis.com/${'a'.repeat(1024)}`,
  ])
    it(`refuses ${bad.slice(0, 60)}`, () => expect(isPushService(bad, hosts)).to.equal(false));
});

for (const backend of ['embedded', 'servers'] as const) {
  describe(`push on ${backend}`, function () {
    this.timeout(120_000);
    let service: PushService;
    let running: RunningHouse;
    /** Named as a push service, but not in outbound.yaml: nothing of ours may ever arrive there. */
    let canary: Server;
    let canaryHost: string;
    let knocked = 0;

    before(async () => {
      service = await startPushService();
      canary = createServer((_request, response) => {
        knocked += 1;
        response.writeHead(201).end();
      });
      await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
      canaryHost = `localhost:${portOf(canary)}`;
      running = await startHouse({
        backend,
        files: {
          'devices.yaml': { kdf_iterations: 1000, push: { hosts: [service.host, canaryHost] } },
          'outbound.yaml': { allow: [service.host] },
        },
      });
    });
    after(async () => {
      await running?.close();
      await service?.close();
      canary?.close();
    });
    afterEach(() => expect(service.refusals.splice(0)).to.deep.equal([]));

    async function enrolled(who: { id: string }): Promise<HeadlessPhone> {
      const started = await startEnrolment(running.house.world, {
        userId: who.id,
        session: 'session',
        name: 'My phone',
        pin: PIN,
        pinAgain: PIN,
      });
      if (!started.ok) throw new Error(started.why);
      const phone = new HeadlessPhone({ origin: running.issuer, state: memoryStore() });
      await phone.enrol({ link: started.link }, PIN);
      return phone;
    }
    async function subscribed() {
      const who = await person(running.house);
      const phone = await enrolled(who);
      const { vapid_public_key: key = '' } = await phone.metadata();
      const subscriber = service.subscribe(key);
      await phone.request('push', { subscription: subscriber.subscription });
      return { who, phone, subscriber, key };
    }
    async function ask(userId: string, wants: 'push' | 'qr' = 'push') {
      const answer = await askPhone(running.house.world, {
        userId,
        wants,
        interaction: fingerprint(`interaction ${++asked}`),
        kind: 'signin',
        bind: BIND,
        service: { clientId: 'payroll', name: 'Payroll' },
        level: 'mfa',
      });
      if (!answer.ok) throw new Error(answer.why);
      return answer.transaction;
    }
    const kept = async (phone: HeadlessPhone) => (await phone.self()).push;
    const arrived = (subscriber: Subscriber, count = 1) =>
      until(
        () => subscriber.messages,
        (messages) => messages.length >= count,
      );
    const why = (work: Promise<unknown>) =>
      work.then(
        () => 'taken',
        (error) => (error instanceof PhoneProblem ? error.code : Promise.reject(error)),
      );

    it('knocks with the name of the request and nothing else', async () => {
      const { who, phone, subscriber } = await subscribed();
      expect(await kept(phone)).to.equal(true);
      const { id } = await ask(who.id);
      const [message] = await arrived(subscriber);
      expect(JSON.parse(message?.plaintext ?? '')).to.deep.equal({ t: 'pending', txn: id });
      expect(message?.headers).to.include({ ttl: 120, urgency: 'high' });
      expect(message?.vapid.sub).to.equal('mailto:test@localhost');
      await ask(who.id);
      const [first, second] = await arrived(subscriber, 2);
      expect(second?.size, 'every message has one size').to.equal(first?.size);
      expect(second?.headers.topic, 'a newer knock replaces an older one').to.equal(first?.headers.topic);
    });

    it('knocks at every phone of the person, and at nobody for a code on the screen', async () => {
      const { who, subscriber, key } = await subscribed();
      const other = service.subscribe(key);
      await (await enrolled(who)).request('push', { subscription: other.subscription });
      await ask(who.id, 'qr');
      const { id } = await ask(who.id);
      const messages = [await arrived(subscriber), await arrived(other)];
      expect(messages.map((all) => all.map(({ plaintext }) => JSON.parse(plaintext).txn))).to.deep.equal([[id], [id]]);
      expect(other.messages[0]?.headers.topic).not.to.equal(subscriber.messages[0]?.headers.topic);
    });

    it('forgets a subscription that is taken back, or whose phone is removed', async () => {
      const { who, phone, subscriber } = await subscribed();
      await phone.request('push', { subscription: null });
      expect(await kept(phone)).to.equal(false);
      await ask(who.id);
      const two = await subscribed();
      const { deviceId } = await two.phone.account();
      await removeDevice(running.house.world, { userId: two.who.id, deviceId });
      expect(await running.house.world.records.devices.pushOf(two.who.id)).to.deep.equal([]);
      expect(subscriber.requests).to.equal(0);
    });

    it('refuses an address that is no push service of ours, and broken keys', async () => {
      const { phone, subscriber } = await subscribed();
      const { keys } = subscriber.subscription;
      const set = (subscription: object) => why(phone.request('push', { subscription }));
      expect(await set({ endpoint: 'https://example.org/push', keys })).to.equal('malformed');
      expect(await set({ endpoint: 'http://127.0.0.1:80/push', keys })).to.equal('malformed');
      expect(await set({ ...subscriber.subscription, keys: { ...keys, auth: 'AAAA' } })).to.equal('malformed');
      expect(await set({ ...subscriber.subscription, more: 1 })).to.equal('malformed');
      expect(await kept(phone), 'the good one stays').to.equal(true);
    });

    it('keeps nothing readable in the database', async () => {
      const { who, subscriber } = await subscribed();
      const rows = JSON.stringify(await running.house.world.records.devices.pushOf(who.id));
      expect(rows).not.to.contain(subscriber.subscription.endpoint.slice(-10));
      expect(rows).not.to.contain(subscriber.subscription.keys.auth);
    });

    for (const status of [404, 410])
      it(`drops what the service answers ${status} to`, async () => {
        const { who, phone, subscriber } = await subscribed();
        subscriber.answers.push({ status });
        await ask(who.id);
        expect(
          await until(
            () => kept(phone),
            (push) => !push,
          ),
        ).to.equal(false);
        expect(subscriber.requests).to.equal(1);
      });

    for (const [status, headers] of [
      [429, { 'retry-after': '1' }],
      [503, { 'retry-after': '0' }],
    ] as const)
      it(`tries once more after ${status}, when the service wants it`, async () => {
        const { who, phone, subscriber } = await subscribed();
        subscriber.answers.push({ status, headers });
        const began = performance.now();
        await ask(who.id);
        await arrived(subscriber);
        expect(subscriber.messages).to.have.length(1);
        if (status === 429) expect(performance.now() - began).to.be.greaterThan(950);
        expect(await kept(phone)).to.equal(true);
      });

    it('tries twice and no more', async () => {
      const { who, phone, subscriber } = await subscribed();
      const busy = { status: 500, headers: { 'retry-after': '0' } };
      subscriber.answers.push(busy, busy);
      await ask(who.id);
      await until(
        () => subscriber.requests,
        (count) => count >= 2,
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect([subscriber.requests, subscriber.messages.length]).to.deep.equal([2, 0]);
      expect(await kept(phone), 'a busy service has not forgotten the phone').to.equal(true);
    });

    it('makes nobody wait for a slow service', async () => {
      const { who, subscriber } = await subscribed();
      subscriber.answers.push({ status: 201, afterMs: 1_500 });
      const began = performance.now();
      await ask(who.id);
      expect(performance.now() - began).to.be.lessThan(1_000);
      await until(
        () => subscriber.requests,
        (count) => count > 0,
      );
    });

    it('follows no redirect', async () => {
      const { who, phone, subscriber, key } = await subscribed();
      const elsewhere = service.subscribe(key);
      subscriber.answers.push({ status: 307, headers: { location: elsewhere.subscription.endpoint } });
      await ask(who.id);
      await until(
        () => subscriber.requests,
        (count) => count > 0,
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(elsewhere.requests).to.equal(0);
      expect(await kept(phone)).to.equal(true);
    });

    it('opens no private address that outbound.yaml does not allow', async () => {
      const { phone, subscriber, who } = await subscribed();
      const listed = { ...subscriber.subscription, endpoint: `http://${canaryHost}/x` };
      expect(await why(phone.request('push', { subscription: listed }))).to.equal('taken');
      await ask(who.id);
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(knocked).to.equal(0);
    });
  });
}

describe('push that is off', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  before(async () => {
    running = await startHouse({ files: { 'devices.yaml': { kdf_iterations: 1000, push: { enabled: false } } } });
  });
  after(() => running?.close());

  it('is not offered, and a request waits for the phone all the same', async () => {
    const phone = new HeadlessPhone({ origin: running.issuer, state: memoryStore() });
    expect((await phone.metadata()).vapid_public_key).to.equal(undefined);
    expect(running.house.world.push.accepts('https://fcm.googleapis.com/x')).to.equal(false);
  });
});
