// SIGTERM under load: fifty requests a second over kept connections, two nodes, and not one request fails (security page F03, F04).
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { addPhone, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { redeem, sentBack, signedIn } from '../support/service.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

/** Sign-ins begun each second; each is five requests. */
const PER_SECOND = 10;
/** Sign-ins under way at once: one takes a tenth of a second, and a machine on which it takes four times as long has enough to do. */
const MOST_OPEN = 4;
/** Seconds in which a node that leaves still takes requests. */
const DELAY = 2;

describe('a node that leaves under load', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let first: Node;

  beforeEach(async () => {
    world = await startWorld({
      backend: 'servers',
      nodes: 2,
      balanced: true,
      keepAlive: true,
      watched: true,
      people: ['ada', 'bob'],
      server: { shutdown: { delay: DELAY, grace: 2 } },
    });
    const [one] = world.nodes;
    if (!one) throw new Error('nodes were asked for');
    first = one;
  });
  afterEach(() => world?.close());

  /** One whole sign-in with its token; throws with what went wrong. */
  async function signIn(): Promise<void> {
    const { request, answer } = await signedIn(world.issuer, 'ada');
    await redeem(world.issuer, sentBack(answer).get('code') ?? '', request.verifier);
  }

  /** The page that waits for bob's phone, with its stream open at the first node. */
  async function waitingPage(): Promise<Response> {
    world.balancer?.route(() => 0);
    const adding = await signedIn(world.issuer, 'bob', { acr_values: MFA });
    await addPhone(world, adding.browser, await proveMailbox(world, adding.browser, adding.answer, 'bob@example.org'));
    const { browser, answer } = await signedIn(world.issuer, 'bob', { acr_values: MFA });
    const headers = { cookie: browser.cookiesFor(new URL(answer.url).pathname) };
    const stream = await fetch(`${answer.url}/events`, { headers });
    expect(stream.headers.get('content-type')).to.contain('text/event-stream');
    return stream;
  }

  it('fails no request, closes the connections of others by its answers, and tells its streams to come back', async () => {
    const stream = await waitingPage();
    const failures: string[] = [];
    const running: Promise<void>[] = [];
    // As a proxy does that looks at readiness: only nodes that say yes are sent anything new.
    let turns = [0, 1];
    let turn = 0;
    world.balancer?.route(() => turns[turn++ % turns.length] ?? 0);
    const look = setInterval(async () => {
      const ready = await Promise.all(world.nodes.map(isReady));
      turns = [0, 1].filter((place) => ready[place]);
    }, 200);
    let open = 0;
    const beat = setInterval(() => {
      // A machine that is busy with something else gets no longer queue from us.
      if (open >= MOST_OPEN) return;
      open += 1;
      const done = () => {
        open -= 1;
      };
      running.push(
        signIn()
          .finally(done)
          .catch((error: Error) => void failures.push(error.message.slice(0, 300))),
      );
    }, 1000 / PER_SECOND);
    try {
      await wait(1000);
      expect(failures).to.deep.equal([]);
      const left = first.stop();
      await until(() => turns.length === 1);
      // Readiness goes first: this one comes after it, and is still answered.
      const during = await fetch(`${first.origin}/jwks`);
      expect(during.status, 'still taken').to.equal(200);
      expect(during.headers.get('connection')).to.equal('close');
      expect((await stream.text()).trimEnd()).to.match(/\nretry: \d{3,4}$/);
      expect(await left).to.equal(0);
      await wait(1000);
      await until(() => running.length >= PER_SECOND);
    } finally {
      clearInterval(beat);
      clearInterval(look);
    }
    await Promise.all(running);
    expect(running.length).to.be.at.least(PER_SECOND);
    expect(failures).to.deep.equal([]);
  });

  it('cuts what is held open after the grace, and goes at once at a second signal', async () => {
    // A body that never comes whole: ten seconds are allowed for one, and the grace is shorter.
    const socket = connect(Number(new URL(first.origin).port), '127.0.0.1');
    const cut = once(socket, 'close');
    socket.on('error', () => undefined).resume();
    // Read by its endpoint before anything is said of it: what is refused at once leaves nothing open.
    const type = 'Content-Type: application/x-www-form-urlencoded';
    socket.write(`POST /token HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: 100\r\n\r\ngrant_type=`);
    await wait(100);
    const begun = performance.now();
    expect(await first.stop()).to.equal(0);
    // After the delay and the grace, and before the body's own time is over.
    expect(performance.now() - begun).to.be.within((DELAY + 2) * 1000 - 100, 9_900);
    await cut;
    const [, second] = world.nodes;
    process.kill(second?.pid() ?? 0, 'SIGTERM');
    await wait(100);
    const again = performance.now();
    expect(await second?.stop()).to.equal(1);
    expect(performance.now() - again).to.be.below(DELAY * 1000);
  });
});

const isReady = (node: Node): Promise<boolean> =>
  fetch(`${node.watch}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it never came');
    await wait(20);
  }
}
