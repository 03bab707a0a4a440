// Redis Cluster with three primaries: the contract of the state, a sign-in, and a primary that dies in the middle of sign-ins (security page F09).
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { examine } from '../../src/app/examine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Secret } from '../../src/settings/secret.ts';
import type { RedisSettings } from '../../src/settings/settings.ts';
import { slotOf, tagOf } from '../../src/storage/state/redis/slots.ts';
import { openRedisState } from '../../src/storage/state/redis/state.ts';
import { StateUnavailable } from '../../src/storage/state/state.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { at, startCluster, type TestCluster, until } from '../support/redis-together.ts';
import { type FreshDatabase, freshDatabase } from '../support/services.ts';
import { holdStateTo } from './state-contract.ts';
import { silent } from './stores.ts';
import { anotherNode, begin, loseTheSpending, type Node, nobodyIsLetIn, signInsGoOn } from './with-failover.ts';

let cluster: TestCluster;

const settings = (): RedisSettings => ({
  kind: 'redis-cluster',
  // One that is not there does no harm.
  nodes: [{ host: '127.0.0.1', port: 1 }, ...cluster.primaries.map(({ port }) => ({ host: '127.0.0.1', port }))],
  tls: false,
});

describe('Redis Cluster', function () {
  this.timeout(120_000);
  before(async () => {
    cluster = await startCluster({ replica: true });
  });
  after(() => cluster.close());

  holdStateTo('Redis Cluster', async () => {
    const prefix = `${randomBytes(6).toString('hex')}:`;
    const it = await openRedisState({ at: settings(), log: silent, prefix, commandTimeout: 5000 });
    return { it, close: () => it.close() };
  });

  it('puts keys into the slots that Redis itself names', async () => {
    const keys = ['', 'a', 'foo{bar}{zap}', '{user}.x', 'foo{}{bar}', 'foo{{bar}}', `oidc:Session:${'é'.repeat(9)}`];
    for (const key of keys) {
      const named = await at(cluster.primaries[0] as never, (client) => client.cluster('KEYSLOT', key));
      expect(slotOf(key), key).to.equal(named);
    }
    for (const slot of [0, 5461, 16_383]) expect(slotOf(`beat{${tagOf(slot)}}`)).to.equal(slot);
  });

  it('a slot that was moved is found, and what was told at one node is heard at another', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(() => openRedisState({ at: settings(), log: silent, prefix: 'moved:', commandTimeout: 5000 })),
    );
    if (!one || !other) throw new Error('no state');
    const [from, to] = [cluster.primaries[1], cluster.primaries[2]];
    if (!from || !to) throw new Error('no primary');
    try {
      const key = Array.from({ length: 1000 }, (_, index) => `k${index}`).find((name) => {
        const slot = slotOf(`moved:${name}`);
        return slot > 5460 && slot < 10_923;
      });
      const slot = slotOf(`moved:${key}`);
      const ids = await Promise.all([from, to].map((server) => at(server, (client) => client.cluster('MYID'))));
      for (const server of [to, from, ...cluster.primaries.slice(0, 1)])
        await at(server, (client) => client.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(ids[1])));
      await one.set(String(key), 'v', 60);
      expect(await other.get(String(key))).to.equal('v');
      expect(await at(to, (client) => client.get(`moved:${key}`))).to.equal('v');
      const heard: string[] = [];
      await other.subscribe('topic', (message) => heard.push(message));
      for (let index = 0; index < 6; index += 1) await one.publish('topic', `${index}`);
      await until('heard', async () => heard.length === 6);
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  it('a key whose slot is on its way is refused for that moment, done nowhere, and found where it went', async () => {
    const state = await openRedisState({ at: settings(), log: silent, prefix: 'asked:', commandTimeout: 5000 });
    const [from, to] = [cluster.primaries[2], cluster.primaries[1]];
    if (!from || !to) throw new Error('no primary');
    try {
      const key = Array.from({ length: 1000 }, (_, index) => `k${index}`).find(
        (name) => slotOf(`asked:${name}`) > 10_922,
      );
      const slot = slotOf(`asked:${key}`);
      const [fromId, toId] = await Promise.all([from, to].map((server) => at(server, (one) => one.cluster('MYID'))));
      const moves = (server: typeof from, ...words: string[]) =>
        at(server, (client) => client.call('CLUSTER', 'SETSLOT', slot, ...words));
      await moves(to, 'IMPORTING', String(fromId));
      await moves(from, 'MIGRATING', String(toId));
      const refused = await state.add(String(key), 'v', 60).then(
        () => undefined,
        (error: Error) => error,
      );
      expect(refused).to.be.instanceOf(StateUnavailable);
      expect(String((refused?.cause as Error | undefined)?.message)).to.match(/^ASK /);
      for (const server of [to, from, ...cluster.primaries.slice(0, 1)]) await moves(server, 'NODE', String(toId));
      expect(await state.add(String(key), 'v', 60), 'nobody had done it').to.equal(true);
      expect(await at(to, (client) => client.get(`asked:${key}`))).to.equal('v');
    } finally {
      await state.close();
    }
  });

  describe('a primary that dies', () => {
    let database: FreshDatabase;
    let running: RunningHouse;
    let node: Node;
    let login: string;
    before(async () => {
      database = await freshDatabase();
      running = await startHouse({
        backend: { databaseUrl: database.url },
        files: { 'storage.yaml': { state: { cluster: { nodes: cluster.nodes } } } },
      });
      ({ login } = await person(running.house));
      node = await anotherNode(running);
    });
    after(async () => {
      await node.close();
      await running.close();
      await database.drop();
    });

    it('the doctor looks at every primary, and knows a member by its url', async () => {
      const of = async (state: RedisSettings) => {
        const { settings } = running;
        const all = await examine({ ...settings, storage: { ...settings.storage, state } }, systemClock);
        return new Map(all.filter(({ check }) => check.startsWith('redis')).map((one) => [one.check, one]));
      };
      const found = await of(settings());
      for (const { port } of cluster.primaries)
        expect(found.get(`redis 127.0.0.1:${port}`)?.status, `${port}`).to.equal('ok');
      expect(found.get('redis cluster')).to.deep.include({
        status: 'warn',
        detail: 'does not answer: 127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1)',
      });
      const nodes = cluster.primaries.map(({ port }) => ({ host: '127.0.0.1', port }));
      const alone = (await of({ kind: 'redis-cluster', nodes, tls: false })).get('redis cluster');
      expect(alone?.detail).to.equal(
        `without a replica, so nobody takes over: ${nodes
          .slice(1)
          .map(({ port }) => `127.0.0.1:${port}`)
          .join(', ')}`,
      );
      const single = (await of({ kind: 'redis', url: new Secret(cluster.primaries[0]?.url ?? '', 'test') })).get(
        'redis',
      );
      expect(single?.status).to.equal('fail');
      expect(single?.detail).to.contain('state.cluster');
    });

    it('F09: a code that was spent in the lost moment is refused, sessions live on, sign-ins go on', async () => {
      const [primary, replica] = [cluster.primaries[0], cluster.replica];
      if (!primary || !replica) throw new Error('no replica');
      const begun = await begin(running, login, (key) => slotOf(key) <= 5460);
      await loseTheSpending(running, node.database, begun, { primary, replica });
      expect((await node.state.health()).ok, 'not whole').to.equal(false);
      // Two of three primaries serve what is theirs, so wait for the third.
      await until('whole again', async () => (await node.state.health()).ok);
      await signInsGoOn(running, login);
      await nobodyIsLetIn(running, begun, replica);
      expect(node.state.epoch()).to.equal(2);
    });
  });
});
