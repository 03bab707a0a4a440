// `serve --workers`: several processes on one port, watched over by one that passes signals on and starts anew what dies.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { addPhone, approveByScan, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { layLine, type SilentLine } from '../storage/silent-line.ts';
import { SERVICE, writeFiles } from '../support/house.ts';
import { authorization, redeem, sentBack, signedIn } from '../support/service.ts';
import { freePort } from '../support/services.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it never came: ${what}`);
    await wait(20);
  }
}

/** Process ids of the workers that became ready, oldest first. */
const readyWorkers = (node: Node): number[] =>
  [...node.output().matchAll(/"worker_pid":(\d+)/g)].map(([, pid]) => Number(pid));

const count = (node: Node, text: string): number => node.output().split(text).length - 1;

describe('serve --workers', function () {
  this.timeout(180_000);

  describe('on PostgreSQL and Redis', () => {
    let world: RunningWorld;
    let node: Node;

    before(async () => {
      world = await startWorld({
        backend: 'servers',
        people: ['ada'],
        watched: true,
        server: { reload_on_change: true },
        serve: ['--workers', '2'],
      });
      const [only] = world.nodes;
      if (!only) throw new Error('a node was asked for');
      node = only;
      await until('two workers', () => readyWorkers(node).length === 2);
    });
    after(() => world?.close());

    const alive = (pid: number): boolean => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };

    it('says once where everything is, and signs in with a phone whichever worker answers', async () => {
      expect(count(node, 'Countersign is ready.')).to.equal(1);
      const { browser, answer } = await signedIn(world.issuer, 'ada', { acr_values: MFA });
      const ready = await proveMailbox(world, browser, answer, 'ada@example.org');
      const { phone } = await addPhone(world, browser, ready);
      const again = await signedIn(world.issuer, 'ada', { acr_values: MFA });
      const back = await approveByScan(again.browser, phone, again.answer);
      const { claims } = await redeem(world.issuer, sentBack(back).get('code') ?? '', again.request.verifier);
      expect(claims['acr']).to.equal(MFA);
    });

    it('gives each worker a second port of its own', async () => {
      const first = new URL(node.watch);
      for (const place of [0, 1]) {
        const ready = await fetch(`http://127.0.0.1:${Number(first.port) + place}/health/ready`);
        expect(ready.status).to.equal(200);
      }
    });

    it('reloads every worker once where a file changes, and at one SIGHUP', async () => {
      writeFiles(world.folder, { 'clients/desk.yaml': { ...SERVICE, client_id: 'desk', client_name: 'Desk' } });
      await until('both reloaded', () => count(node, 'configuration reloaded') === 2);
      const url = authorization(world.issuer, { client_id: 'desk', prompt: 'none' }).url;
      const headers = { connection: 'close' };
      for (let round = 0; round < 20; round += 1)
        expect((await fetch(url, { redirect: 'manual', headers })).status).to.equal(303);
      node.hangUp();
      await until('both once more', () => count(node, 'configuration reloaded') === 4);
    });

    it('starts a worker that was killed again, later each time, while the other one serves', async () => {
      for (const [round, pause] of [200, 400].entries()) {
        const [, second] = readyWorkers(node).filter(alive);
        process.kill(second ?? 0, 'SIGKILL');
        await until('it is told', () => count(node, 'a worker died') === round + 1);
        expect(node.output()).to.contain(`"again_in_ms":${pause}`);
        const { answer } = await signedIn(world.issuer, 'ada');
        expect(sentBack(answer).get('code')).to.be.a('string');
        await until('a new one', () => readyWorkers(node).filter(alive).length === 2);
      }
    });

    it('ends all of them in order at one SIGTERM, also where a terminal sends it to each', async () => {
      const workers = readyWorkers(node).filter(alive);
      for (const pid of workers) process.kill(pid, 'SIGTERM');
      await wait(100);
      expect(workers.every(alive), 'a worker listens to the process that watches over it only').to.equal(true);
      expect(await node.stop()).to.equal(0);
      expect(count(node, '"msg":"stopped"')).to.equal(2);
      expect(workers.some(alive)).to.equal(false);
    });

    it('ends the workers where the process that watches over them is killed', async () => {
      await node.start();
      await until('two workers', () => readyWorkers(node).filter(alive).length === 2);
      const workers = readyWorkers(node).filter(alive);
      await node.kill();
      await until('no orphans', () => !workers.some(alive));
    });

    it('F14: waits for stores that come later, alive and not ready, and is not started again', async () => {
      const { DATABASE_URL = '', REDIS_URL = '' } = world.environment;
      const lines: SilentLine[] = [];
      const health = async (what: string) =>
        (await fetch(`${node.watch}/health/${what}`).catch(() => undefined))?.status ?? 0;
      const before = count(node, '"msg":"listening"');
      const died = count(node, 'a worker died');
      try {
        for (const [name, to] of Object.entries({ DATABASE_URL, REDIS_URL })) {
          const later = new URL(to);
          later.port = `${await freePort()}`;
          world.environment[name] = later.href;
        }
        const { DATABASE_URL: database = '', REDIS_URL: redis = '' } = world.environment;
        const started = node.start();
        await until('alive', async () => (await health('live')) === 200);
        await until('told', () => count(node, 'a store does not answer yet') > 1);
        expect([await health('started'), await health('ready')]).to.deep.equal([503, 503]);
        lines.push(await layLine(DATABASE_URL, Number(new URL(database).port)));
        lines.push(await layLine(REDIS_URL, Number(new URL(redis).port)));
        await started;
        await until('ready', async () => (await health('ready')) === 200);
        await until('two workers', () => count(node, '"msg":"listening"') === before + 2);
        expect(count(node, 'a worker died')).to.equal(died);
      } finally {
        await node.stop();
        Object.assign(world.environment, { DATABASE_URL, REDIS_URL });
        for (const line of lines) await line.close();
      }
    });

    it('refuses the embedded stores in one line, and a count that is none', async () => {
      const { DATABASE_URL = '', REDIS_URL = '' } = world.environment;
      delete world.environment['DATABASE_URL'];
      for (const [redis, missing] of [
        [REDIS_URL, 'DATABASE_URL (PostgreSQL)'],
        ['', 'DATABASE_URL (PostgreSQL) and REDIS_URL (Redis)'],
      ] as const) {
        world.environment['REDIS_URL'] = redis;
        const refused = await world.cli(['serve', '--workers', '2']);
        expect(refused.code).to.equal(1);
        const lines = refused.stderr.split('\n').filter((line) => line !== '' && !/^note: |WARNING/.test(line));
        expect(lines, refused.stderr).to.have.length(1);
        expect(lines[0]).to.contain(`--workers needs ${missing}: `);
      }
      Object.assign(world.environment, { DATABASE_URL, REDIS_URL });
      for (const wrong of ['0', '65', 'many', '1.5']) {
        const ran = await world.cli(['serve', '--workers', wrong]);
        expect(ran.code, wrong).to.not.equal(0);
        expect(ran.stderr, wrong).to.contain('whole number from 1 to 64');
      }
    });

    it('ends with 1 and the reason where no worker can start', async () => {
      const ran = await world.cli(['serve', '--workers', '2', '--config', `${world.folder}/none`]);
      expect(ran.code).to.equal(1);
      const { DATABASE_URL } = world.environment;
      world.environment['DATABASE_URL'] = `${DATABASE_URL}_none`;
      const absent = await world.cli(['serve', '--workers', '2']);
      expect(absent.code).to.equal(1);
      expect(absent.stderr).to.contain('does not exist');
      world.environment['DATABASE_URL'] = DATABASE_URL ?? '';
    });
  });
});
