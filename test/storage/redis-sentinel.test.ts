// A Redis that Sentinels watch: its primary dies in the middle of sign-ins (security page F09).
import { expect } from 'chai';
import { examine } from '../../src/app/examine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { at, startSentinels, type TestSentinels, until } from '../support/redis-together.ts';
import { type FreshDatabase, freshDatabase } from '../support/services.ts';
import { anotherNode, begin, loseTheSpending, type Node, nobodyIsLetIn, signInsGoOn } from './with-failover.ts';

describe('Redis Sentinel', function () {
  this.timeout(120_000);
  let servers: TestSentinels;
  let database: FreshDatabase;
  let running: RunningHouse;
  let node: Node;
  let login: string;
  before(async () => {
    [servers, database] = await Promise.all([startSentinels(), freshDatabase()]);
    running = await startHouse({
      backend: { databaseUrl: database.url },
      // A Sentinel that is not there does no harm.
      files: { 'storage.yaml': { state: { sentinel: { name: 'main', nodes: ['127.0.0.1:1', ...servers.nodes] } } } },
    });
    ({ login } = await person(running.house));
    node = await anotherNode(running);
  });
  after(async () => {
    await node.close();
    await running.close();
    await Promise.all([servers.close(), database.drop()]);
  });

  it('the doctor asks the Sentinels and looks at their primary', async () => {
    const { settings } = running;
    const { state } = settings.storage;
    if (state.kind !== 'redis-sentinel') throw new Error(state.kind);
    const of = async (change: Partial<typeof state>) => {
      const storage = { ...settings.storage, state: { ...state, ...change } };
      const all = await examine({ ...settings, storage }, systemClock);
      return all.filter(({ check }) => check.startsWith('redis'));
    };
    const [sentinels, primary] = await of({ nodes: state.nodes.slice(1) });
    expect(sentinels).to.deep.include({ check: 'redis sentinel', status: 'ok' });
    expect(primary).to.deep.include({ check: 'redis', status: 'ok' });
    expect((await of({}))[0]).to.deep.include({ status: 'warn' });
    expect(await of({ master: 'nobody' })).to.deep.equal([
      { check: 'redis', status: 'fail', detail: 'no Sentinel watches a primary named "nobody"' },
    ]);
  });

  it('F09: a code that was spent in the lost moment is refused, sessions live on, sign-ins go on', async () => {
    const { primary, replica } = servers;
    const begun = await begin(running, login, () => true);
    const heard: string[] = [];
    await node.state.subscribe('txn:a', (message) => heard.push(message));
    await loseTheSpending(running, node.database, begun, { primary, replica });
    await signInsGoOn(running, login);
    await servers.elected(replica);
    const back = `oidc:Session:${fingerprint(begun.leaving.session)}`;
    expect(await at(replica, (client) => client.exists(back)), 'the sign-out was lost').to.equal(1);
    await nobodyIsLetIn(running, begun, replica);
    expect(node.state.epoch()).to.equal(2);
    await until('listeners were told to look again', async () => heard.includes(''));
  });

  it('the old primary comes back as a replica, and nobody asks it', async () => {
    const { primary } = servers;
    await primary.start();
    await signInsGoOn(running, login);
    await until('well', async () => (await node.state.health()).ok);
  });
});
