// The faults F01 to F16 of the security page: what each needs, how it comes and goes, and within which time everybody must be well again.
import { copyFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { at, until } from '../support/redis-together.ts';
import { authorization } from '../support/service.ts';
import { startStandby, type TestServer } from '../support/services.ts';
import type { Node } from '../support/world.ts';
import type { Crowd, Residents } from './crowd.ts';
import type { Dice } from './dice.ts';
import type { Code, Ledger } from './ledger.ts';
import { answerByPhone, goOn, note, present, toThePhone, type Waiting } from './sign-in.ts';
import type { Needs, Stage } from './stage.ts';

/** What a fault is given. */
export interface Scene {
  stage: Stage;
  people: Residents;
  crowd: Crowd;
  ledger: Ledger;
  dice: Dice;
}

/** One fault. */
export interface Fault {
  what: string;
  needs?: Needs;
  /** Milliseconds from its end until every round that begins goes through. */
  bound: number;
  /** Brings it in and ends it. @returns when it ended (`performance.now()`). */
  strike(scene: Scene): Promise<number>;
}

const now = () => performance.now();

/** Asks until an answer comes that is none: what a person does who tries again. @returns undefined where none came in 15 s. */
async function patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
  for (const end = now() + 15_000; now() < end; await wait(50)) {
    try {
      return await work();
    } catch {
      // Again.
    }
  }
  return undefined;
}

/** A sign-in that was approved goes on to its end, however often its steps are tried; otherwise it is told. */
async function mustEnd({ stage, ledger }: Scene, waiting: Waiting): Promise<void> {
  const code = await patiently(() => goOn(waiting));
  if (code === undefined) return ledger.violated('a sign-in that was approved did not come to its end');
  const noted = note(ledger, waiting, code);
  if (!(await patiently(() => present(ledger, noted, stage.issuer)))) ledger.violated('its code was refused');
}

/** What was begun before a store forgot must lead nobody in. */
async function mustNotEnd({ ledger }: Scene, waiting: Waiting): Promise<void> {
  const code = await patiently(async () => (await goOn(waiting)) ?? '');
  if (code) ledger.violated('let in by what was begun before');
}

/** An approved sign-in, and a code that nobody has presented yet. */
async function begun({ stage, people, ledger }: Scene): Promise<{ waiting: Waiting; code: Code }> {
  const whole = async () => {
    const waiting = await toThePhone(stage, people.waiter);
    await answerByPhone(waiting, 'approve');
    return waiting;
  };
  const earlier = await whole();
  const code = note(ledger, earlier, (await goOn(earlier)) ?? '');
  return { waiting: await whole(), code };
}

const oneOf = (scene: Scene): Node => scene.dice.one(scene.stage.nodes);

/** A door that needs the state, asked until the answer is called: whatever it says, it must say it, or say 503 with Retry-After. */
async function probed(scene: Scene, most: number): Promise<void> {
  const end = now() + most;
  while (now() < end) {
    const answer = await fetch(authorization(scene.stage.issuer).url, { redirect: 'manual' }).catch(() => undefined);
    if (answer && ![303, 503, 502].includes(answer.status)) scene.ledger.violated(`/auth answered ${answer.status}`);
    await wait(100);
  }
}

/** PostgreSQL or Redis of the stage. */
async function restart(server: TestServer, away: number): Promise<void> {
  await server.kill();
  await wait(away);
  await server.start();
}

/** Whether a node says within a second that it is not ready. */
async function mustBeUnready({ stage, ledger }: Scene, node: Node, within = 2500): Promise<void> {
  for (const end = now() + within; now() < end; await wait(50)) if (!(await stage.isReady(node))) return;
  ledger.violated('a node said that it was ready');
}

/** The primary dies while its replica has heard nothing of the last moment. */
async function failOverRedis(scene: Scene): Promise<number> {
  const { stage, ledger, dice } = scene;
  const { primary, replica, sentinels } = stage.redis;
  if (!replica || !sentinels) throw new Error('no replica');
  const { code } = await begun(scene);
  process.kill(replica.pid(), 'SIGSTOP');
  try {
    await at(primary, (client) => client.call('CLIENT', 'KILL', 'TYPE', 'REPLICA'));
    await present(ledger, code, stage.issuer);
    await wait(dice.between(0, 150));
    await primary.kill();
  } finally {
    process.kill(replica.pid(), 'SIGCONT');
  }
  const ended = now();
  await sentinels.elected(replica);
  stage.redis.primary = replica;
  stage.redis.replica = primary;
  for (const { origin } of stage.nodes) await patiently(() => present(ledger, code, origin));
  return ended;
}

/** The old primary follows the new one, and Sentinel may be asked again. */
async function followAgain({ stage }: Scene): Promise<void> {
  const { replica } = stage.redis;
  await replica?.start();
  await until(
    'the old primary follows',
    async () => !!replica && (await at(replica, (client) => client.info())).includes('master_link_status:up'),
    30_000,
  );
  // Twice failover-timeout must lie between two fail-overs of the same name.
  await wait(6000);
}

/** The primary dies; the standby, which has everything that was answered, is promoted and gets a standby of its own. */
async function failOverPostgres({ stage, dice }: Scene): Promise<number> {
  const { primary, standby } = stage.postgres;
  if (!standby) throw new Error('no standby');
  await primary.kill();
  await wait(dice.between(0, 500));
  stage.postgres.primary = standby;
  await stage.ask('select pg_promote()');
  const ended = now();
  const { port } = primary;
  await primary.close();
  stage.postgres.standby = await startStandby(standby, port);
  await stage.ask(`alter system set synchronous_standby_names = '*'`);
  await stage.ask('alter system set synchronous_commit = on');
  await stage.ask('select pg_reload_conf()');
  await until('the new standby is synchronous', async () => {
    const found = await stage.ask(`select 1 from pg_stat_replication where sync_state = 'sync'`);
    return found.length === 1;
  });
  return ended;
}

/** Time passes for one key of Redis: tests move the row, they do not wait. */
async function expires({ stage }: Scene, pattern: RegExp): Promise<void> {
  await at(stage.redis.primary, async (client) => {
    for (const key of (await client.keys('*')).filter((one) => pattern.test(one))) await client.del(key);
  });
}

/** The table. */
export const FAULTS: { readonly [id: string]: Fault } = {
  F01: {
    what: 'a node dies between password and phone',
    bound: 5000,
    async strike(scene) {
      const waiting = await toThePhone(scene.stage, scene.people.waiter);
      const node = oneOf(scene);
      await node.kill();
      const ended = now();
      await patiently(() => answerByPhone(waiting, 'approve'));
      await mustEnd(scene, waiting);
      if (now() - ended > 5000) scene.ledger.violated('the sign-in took over 5 s to go on');
      await scene.crowd.wellAfter(ended, 10_000);
      await node.start();
      return ended;
    },
  },
  F02: {
    what: 'a node dies while the browser waits for the phone',
    bound: 5000,
    async strike(scene) {
      const { stage, people, ledger, dice } = scene;
      const waiting = await toThePhone(stage, people.waiter);
      const node = oneOf(scene);
      const path = `${new URL(waiting.page.url).pathname}/events`;
      const headers = { cookie: waiting.browser.cookiesFor(path), accept: 'text/event-stream' };
      const listen = (origin: string) => fetch(`${origin}${path}`, { headers });
      const first = await listen(node.origin);
      const lost = first.text().catch(() => 'cut');
      await wait(dice.between(0, 200));
      await node.kill();
      const ended = now();
      await lost;
      const again = await patiently(() => listen(stage.issuer));
      await patiently(() => answerByPhone(waiting, 'approve'));
      const heard = (await again?.text().catch(() => '')) ?? '';
      if (!heard.includes('"approved"')) ledger.violated('the browser did not hear of the approval');
      await mustEnd(scene, waiting);
      await scene.crowd.wellAfter(ended, 10_000);
      await node.start();
      return ended;
    },
  },
  F03: {
    what: 'SIGTERM under load',
    needs: { shutdown: { delay: 1, grace: 10 } },
    bound: 5000,
    async strike(scene) {
      const { stage, crowd, ledger } = scene;
      const node = oneOf(scene);
      const before = crowd.failures();
      const begun = now();
      const left = node.stop();
      for (const end = now() + 1000; now() < end && (await stage.isReady(node)); ) await wait(50);
      if (await stage.isReady(node)) ledger.violated('ready a second after SIGTERM');
      if ((await fetch(`${node.origin}/jwks`).catch(() => undefined))?.status !== 200 && now() - begun < 900)
        ledger.violated('the listener closed before the balancer could know');
      const code = await left;
      if (code !== 0) ledger.violated(`ended with ${code}`);
      await wait(300);
      if (crowd.failures() !== before) ledger.violated(`${crowd.failures() - before} rounds failed`);
      const ended = now();
      await node.start();
      return ended;
    },
  },
  F04: {
    what: 'the time to drain is over; or a second SIGTERM',
    needs: { shutdown: { delay: 0, grace: 1 } },
    bound: 5000,
    async strike(scene) {
      const { ledger, dice } = scene;
      const node = oneOf(scene);
      const socket = connect(Number(new URL(node.origin).port), '127.0.0.1');
      socket.on('error', () => undefined).resume();
      socket.write('POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nlogin=');
      await wait(dice.between(50, 300));
      const begun = now();
      const left = node.stop();
      const again = dice.chance(0.5);
      if (again) {
        await wait(dice.between(20, 500));
        process.kill(node.pid() || process.pid, node.pid() ? 'SIGTERM' : 0);
      }
      await left;
      if (now() - begun > 3000) ledger.violated(`it took ${Math.round(now() - begun)} ms to go`);
      socket.destroy();
      const ended = now();
      await node.start();
      return ended;
    },
  },
  F05: {
    what: 'a node freezes and thaws',
    bound: 3000,
    async strike(scene) {
      const { stage, ledger, dice } = scene;
      const node = oneOf(scene);
      const { code, waiting } = await begun(scene);
      const pid = node.pid();
      process.kill(pid, 'SIGSTOP');
      try {
        // Asked while it is frozen; by the time it reads this, both are over.
        const late = present(ledger, code, node.origin).catch(() => false);
        const { pathname } = new URL(waiting.page.url);
        const headers = { cookie: waiting.browser.cookiesFor(pathname), origin: stage.issuer };
        const body = new URLSearchParams();
        const going = fetch(`${node.origin}${pathname}/finish`, { method: 'POST', headers, body, redirect: 'manual' });
        await wait(dice.between(300, 3000));
        await expires(scene, /AuthorizationCode|^txn:/);
        process.kill(pid, 'SIGCONT');
        if (await late) ledger.violated('a code that had expired was taken');
        const answer = await going.catch(() => undefined);
        if (answer?.headers.get('location')?.includes('/auth/'))
          ledger.violated('an approval that had expired was taken');
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      return now();
    },
  },
  F06: {
    what: 'Redis restarts and keeps everything',
    needs: { redis: 'kept' },
    bound: 5000,
    async strike(scene) {
      const { stage, dice } = scene;
      const { waiting, code } = await begun(scene);
      await stage.redis.primary.stop();
      await probed(scene, dice.between(0, 1200));
      await stage.redis.primary.start();
      const ended = now();
      await mustEnd(scene, waiting);
      if (!(await patiently(() => present(scene.ledger, code, stage.issuer)))) scene.ledger.violated('a code is lost');
      return ended;
    },
  },
  F07: {
    what: 'Redis restarts and has forgotten everything',
    bound: 5000,
    async strike(scene) {
      const { stage, dice, ledger } = scene;
      const { waiting, code } = await begun(scene);
      await restart(stage.redis.primary, dice.between(0, 1000));
      const ended = now();
      await mustNotEnd(scene, waiting);
      if (await patiently(() => present(ledger, code, stage.issuer))) ledger.violated('a code from before was taken');
      return ended;
    },
  },
  F08: {
    what: 'Redis comes back with what was before',
    bound: 5000,
    async strike(scene) {
      const { stage, dice, ledger } = scene;
      const { primary } = stage.redis;
      const dump = join(primary.folder, 'dump.rdb');
      const { waiting, code } = await begun(scene);
      await at(primary, (client) => client.save());
      copyFileSync(dump, `${dump}.old`);
      await mustEnd(scene, waiting);
      await present(ledger, code, stage.issuer);
      await wait(dice.between(0, 1500));
      await primary.kill();
      copyFileSync(`${dump}.old`, dump);
      await primary.start();
      const ended = now();
      for (const { origin } of stage.nodes) await patiently(() => present(ledger, code, origin));
      await mustNotEnd(scene, waiting);
      return ended;
    },
  },
  F09: {
    what: 'Redis fails over to a replica that lacks the last moment',
    needs: { redis: 'watched' },
    bound: 10_000,
    async strike(scene) {
      const ended = await failOverRedis(scene);
      await scene.crowd.wellAfter(ended, 15_000);
      await followAgain(scene);
      return ended;
    },
  },
  F10: {
    what: 'Redis is full',
    bound: 5000,
    async strike(scene) {
      const { stage, ledger, dice } = scene;
      const { waiting, code } = await begun(scene);
      const { primary } = stage.redis;
      const memory = (bytes: number) => at(primary, (client) => client.config('SET', 'maxmemory', String(bytes)));
      await memory(1_000_000);
      await mustBeUnready(scene, oneOf(scene));
      const begin = await fetch(authorization(stage.issuer).url, { redirect: 'manual' });
      if (begin.status !== 503) ledger.violated(`a sign-in began though nothing could be written: ${begin.status}`);
      // Written down or not done: whichever, not twice.
      await present(ledger, code, stage.issuer).catch(() => false);
      await wait(dice.between(0, 1000));
      await memory(0);
      const ended = now();
      await mustEnd(scene, waiting);
      return ended;
    },
  },
  F11: {
    what: 'Redis may throw keys away',
    bound: 3000,
    async strike(scene) {
      const { stage, dice } = scene;
      const policy = (name: string) =>
        at(stage.redis.primary, (client) => client.config('SET', 'maxmemory-policy', name));
      await policy(dice.one(['allkeys-lru', 'allkeys-random', 'volatile-ttl']));
      for (const node of stage.nodes) await mustBeUnready(scene, node);
      await policy('noeviction');
      const ended = now();
      for (const node of stage.nodes) await until('ready again', () => stage.isReady(node), 3000);
      return ended;
    },
  },
  F12: {
    what: 'Redis is slow, or stands still',
    bound: 5000,
    async strike(scene) {
      const { stage, dice } = scene;
      const { primary } = stage.redis;
      const { waiting } = await begun(scene);
      const time = dice.between(300, 2500);
      if (dice.chance(0.5)) {
        await at(primary, (client) => client.call('CLIENT', 'PAUSE', time, 'ALL'));
        await probed(scene, time);
      } else {
        process.kill(primary.pid(), 'SIGSTOP');
        try {
          await probed(scene, time);
        } finally {
          process.kill(primary.pid(), 'SIGCONT');
        }
      }
      const ended = now();
      const code = await patiently(() => goOn(waiting));
      // Spent and not answered: a false "used" is allowed, and the person begins again.
      if (code !== undefined) note(scene.ledger, waiting, code);
      return ended;
    },
  },
  F13: {
    what: 'a store has done what was asked, and its answer is lost',
    needs: { lines: true },
    bound: 5000,
    async strike(scene) {
      const { stage, dice, ledger } = scene;
      const { redis, postgres } = stage.lines;
      for (let cuts = dice.between(4, 10); cuts > 0; cuts -= 1) {
        dice.one([redis, postgres])?.cut();
        await wait(dice.between(20, 250));
      }
      // Connections that were idle lose their next answer after this.
      const ended = now();
      await wait(300);
      if ((redis?.lost() ?? 0) + (postgres?.lost() ?? 0) === 0)
        ledger.violated('no answer was lost: nothing was tried');
      return ended;
    },
  },
  F14: {
    what: 'a node starts while Redis or PostgreSQL is not there',
    needs: { redis: 'kept' },
    bound: 5000,
    async strike(scene) {
      const { stage, dice, ledger } = scene;
      const node = oneOf(scene);
      const server = dice.one([stage.redis.primary, stage.postgres.primary]);
      await node.kill();
      await server.stop();
      const started = node.start();
      started.catch(() => undefined);
      const live = () => fetch(`${node.watch}/health/live`).then(({ status }) => status === 200);
      await until('it lives', live, 20_000).catch(() => ledger.violated('not live though a store is missing'));
      const pid = node.pid();
      await wait(dice.between(0, 4000));
      if (await stage.isReady(node)) ledger.violated('ready without its stores');
      await server.start();
      const ended = now();
      await until('ready', () => stage.isReady(node), 5000).catch(() => ledger.violated('not ready 5 s after'));
      await started.catch((error: Error) => ledger.violated(`it ended: ${error.message.slice(0, 300)}`));
      if (node.pid() !== pid) ledger.violated('it was started again');
      return ended;
    },
  },
  F15: {
    what: 'PostgreSQL restarts at once, without saving',
    bound: 5000,
    async strike(scene) {
      const { stage, dice } = scene;
      const { primary } = stage.postgres;
      const { waiting } = await begun(scene);
      process.kill(primary.pid(), 'SIGQUIT');
      await primary.stop();
      await wait(dice.between(0, 800));
      await primary.start();
      const ended = now();
      const code = await patiently(() => goOn(waiting));
      if (code !== undefined) note(scene.ledger, waiting, code);
      return ended;
    },
  },
  F16: {
    what: 'PostgreSQL fails over to its synchronous standby',
    needs: { standby: true },
    bound: 30_000,
    strike: failOverPostgres,
  },
};
