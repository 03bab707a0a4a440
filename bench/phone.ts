// `npm run bench -- phone`: how fast an approval reaches the browser that waits, and what waiting costs. Reports; asserts nothing.
import { setTimeout as wait } from 'node:timers/promises';
import { openWorld } from '../src/app/world.ts';
import { HeadlessPhone } from '../src/cli/phone.ts';
import { memoryStore } from '../src/cli/phone-state.ts';
import { fingerprint } from '../src/platform/hashes.ts';
import { createLog } from '../src/platform/log.ts';
import { derivePin, importDeviceKey } from '../src/protocol/derivations.ts';
import { loadSettings } from '../src/settings/load.ts';
import { addUser } from '../src/usecases/manage-users.ts';
import { startEnrolment } from '../src/usecases/start-enrolment.ts';
import { scannedLink } from '../test/interactions/with-phone.ts';
import { PASSWORD } from '../test/support/house.ts';
import type { Answer, HttpBrowser } from '../test/support/http-browser.ts';
import { startPostgres, startRedis } from '../test/support/servers.ts';
import { signedIn } from '../test/support/service.ts';
import { type Node, type RunningWorld, startWorld } from '../test/support/world.ts';
import { memoryOf } from './processes.ts';

const PIN = '805139';
const MFA = 'urn:countersign:acr:mfa';
/** So many people with a phone, approvals that are timed, and browsers that only wait. */
const [PEOPLE, TIMED, WAITING, MANY] = [200, 100, 200, 2000];
/** Phones whose pending lists are asked one after the other. */
const PHONES = 1000;
/** Nothing here may be slowed down by limits: all of it comes from one address. */
const LIMITS = {
  device_api_address: { points: 1_000_000 },
  password_address: { points: 1_000_000 },
  sign_in_address: { points: 1_000_000 },
};

interface Person {
  login: string;
  phone: HeadlessPhone;
}

/** A browser that waits for its phone, with the stream of its page open. */
interface Waiting {
  browser: HttpBrowser;
  page: Answer;
  /** When the stream said that the phone has approved, in milliseconds of `performance.now()`. */
  approved: Promise<number>;
  leave(): void;
}

const at = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
const ms = (value: number) => `${value.toFixed(1)} ms`;
const mb = (megabytes: number) => `${megabytes.toFixed(1)} MB`;
const kb = (megabytes: number) => `${(megabytes * 1024).toFixed(1)} KB`;

/** Runs work for each item, a few at once. */
async function each<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>, atOnce = 8): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const walk = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index] as T, index);
  };
  await Promise.all(Array.from({ length: atOnce }, walk));
  return results;
}

/** People with an enrolled phone each: the account page's part done in this process, the phone's over HTTP. */
async function people(running: RunningWorld, count: number): Promise<Person[]> {
  const loaded = loadSettings(running.folder, running.environment);
  if (!loaded.ok) throw new Error('the configuration of the bench is not right');
  const { world, close } = await openWorld(() => loaded.settings, createLog('error'));
  try {
    return await each(Array.from({ length: count }), async (_, index) => {
      const login = `bench${index}`;
      const added = await addUser(world, { login, name: login, email: `${login}@example.org`, password: PASSWORD });
      if (!added.ok) throw new Error(added.why);
      const session = fingerprint(login);
      const started = await startEnrolment(world, {
        userId: added.user.id,
        session,
        name: 'Bench',
        pin: PIN,
        pinAgain: PIN,
      });
      if (!started.ok) throw new Error(started.why);
      const phone = new HeadlessPhone({ state: memoryStore() });
      await phone.enrol({ link: started.link }, PIN);
      return { login, phone };
    });
  } finally {
    await close();
  }
}

/** Signs in by password up to the waiting page, and opens its stream at a node. */
async function waiting(running: RunningWorld, login: string, node: Node): Promise<Waiting> {
  const { browser, answer } = await signedIn(running.issuer, login, { acr_values: MFA });
  const { pathname } = new URL(answer.url);
  const stop = new AbortController();
  const stream = await fetch(`${node.origin}${pathname}/events`, {
    headers: { cookie: browser.cookiesFor(pathname), accept: 'text/event-stream' },
    signal: stop.signal,
  });
  if (!stream.ok || !stream.body) throw new Error(`the stream answered ${stream.status}`);
  const approved = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of stream.body ?? []) {
      if (decoder.decode(chunk as Uint8Array, { stream: true }).includes('"approved"')) return performance.now();
    }
    return Number.NaN;
  })().catch(() => Number.NaN);
  return { browser, page: answer, approved, leave: () => stop.abort() };
}

/** Approval at one node → the page at the other hears of it, while others wait. */
async function approvals(running: RunningWorld, owners: readonly Person[]): Promise<number[]> {
  const [, other = running.nodes[0]] = running.nodes;
  const idle = await each(owners.slice(0, WAITING), ({ login }) => waiting(running, login, other as Node));
  const took: number[] = [];
  for (const { login, phone } of owners.slice(0, TIMED)) {
    const one = await waiting(running, login, other as Node);
    const request = await phone.claim(await scannedLink(one.browser, one.page));
    const sent = performance.now();
    await phone.approve(request, { pin: PIN });
    took.push((await one.approved) - sent);
    one.leave();
  }
  for (const one of idle) one.leave();
  await wait(500);
  return took.filter((value) => !Number.isNaN(value));
}

/** Memory once it has stopped falling: what was set up before leaves garbage, and the collector takes its time. */
async function settled(node: Node): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let calm = 0, turn = 0; calm < 3 && turn < 12; turn += 1) {
    await wait(2000);
    const now = memoryOf(node.pid());
    calm = now < least - 1 ? 0 : calm + 1;
    least = Math.min(least, now);
  }
  return least;
}

/** Megabytes that one more of something costs a node, after the collector had time. */
async function costOfEach(node: Node, count: number, open: () => Promise<() => void>): Promise<number> {
  const before = await settled(node);
  const close = await open();
  const cost = ((await settled(node)) - before) / count;
  close();
  await wait(1000);
  return cost;
}

async function manyWaiting(
  running: RunningWorld,
  owners: readonly Person[],
): Promise<{ cost: number; answered: number[] }> {
  const [node] = running.nodes as [Node];
  const answered: number[] = [];
  const cost = await costOfEach(node, MANY, async () => {
    const all = await each(Array.from({ length: MANY }), (_, index) =>
      waiting(running, (owners[index % owners.length] as Person).login, node),
    );
    for (let n = 0; n < 50; n += 1) {
      const start = performance.now();
      await (await fetch(`${node.origin}/.well-known/openid-configuration`)).text();
      answered.push(performance.now() - start);
      await wait(20);
    }
    return () => {
      for (const one of all) one.leave();
    };
  });
  return { cost, answered };
}

async function phoneStreams(running: RunningWorld, owners: readonly Person[]): Promise<number> {
  const [node] = running.nodes as [Node];
  const stop = new AbortController();
  return costOfEach(node, owners.length, async () => {
    for (const { phone } of owners) phone.watch(() => {}, stop.signal).catch(() => {});
    await wait(4000);
    return () => stop.abort();
  });
}

/** PBKDF2 as the phone stretches its PIN, with the figure that the configuration has by default. */
async function stretching(): Promise<number> {
  const bytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const times: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const start = performance.now();
    await derivePin(await importDeviceKey(bytes(32)), PIN, bytes(16), 600_000);
    times.push(performance.now() - start);
  }
  return at(times, 0.5);
}

/** Runs all of it and prints what it found. */
export async function benchPhone(): Promise<void> {
  const [postgres, redis] = await Promise.all([startPostgres({ durable: true }), startRedis()]);
  process.env['TEST_DATABASE_URL'] = postgres.url;
  process.env['TEST_REDIS_URL'] = redis.url;
  const running = await startWorld({ backend: 'servers', nodes: 2, files: { 'limits.yaml': LIMITS } });
  try {
    console.log(`Setting up ${PHONES} people with a phone each …`);
    const owners = await people(running, PHONES);
    const asking = owners.slice(0, PEOPLE);
    const took = await approvals(running, asking);
    console.log(
      `\nApproval at one node, the page at the other hears of it, ${WAITING} browsers waiting (${took.length} approvals)`,
    );
    console.log(`  p50 ${ms(at(took, 0.5))}   p99 ${ms(at(took, 0.99))}   (target: 50 and 250 ms)`);
    const lists: number[] = [];
    await each(owners, async ({ phone }) => {
      const start = performance.now();
      await phone.pending();
      lists.push(performance.now() - start);
    });
    console.log(
      `\nPending lists of ${owners.length} phones, 8 at once: p50 ${ms(at(lists, 0.5))}, p99 ${ms(at(lists, 0.99))}`,
    );
    console.log(`One open stream of a phone (${owners.length} open): ${kb(await phoneStreams(running, owners))}`);
    const many = await manyWaiting(running, asking);
    console.log(`One browser that waits (${MANY} at one node): ${kb(many.cost)}`);
    console.log(`  discovery meanwhile: p50 ${ms(at(many.answered, 0.5))}, p99 ${ms(at(many.answered, 0.99))}`);
    for (const node of running.nodes) console.log(`Memory of a node afterwards: ${mb(memoryOf(node.pid()))}`);
    console.log(
      `\nStretching a PIN (PBKDF2-SHA-256, 600,000 rounds, this machine's Web Crypto): ${ms(await stretching())}`,
    );
  } finally {
    await running.close();
    await Promise.all([postgres.close(), redis.close()]);
  }
}
