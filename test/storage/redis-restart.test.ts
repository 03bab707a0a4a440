// A Redis of the test's own that dies, comes back, or comes back with yesterday's data (security page F06 to F08).
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { errors } from 'oidc-provider';
import { systemRandom } from '../../src/platform/random.ts';
import { createAdapter } from '../../src/storage/oidc/adapter.ts';
import { createClientCatalog } from '../../src/storage/oidc/client-catalog.ts';
import type { Database } from '../../src/storage/postgres/database.ts';
import { keepEpoch } from '../../src/storage/state/redis/epoch.ts';
import { openRedisState } from '../../src/storage/state/redis/state.ts';
import { type State, StateUnavailable } from '../../src/storage/state/state.ts';
import { createTransactions } from '../../src/storage/transactions.ts';
import { freshRedis, startRedis, type TestServer } from '../support/services.ts';
import { atOnce, DATABASES, type Opened, redisAt, silent } from './stores.ts';

const id = () => systemRandom.id(32);

const push = () => ({
  id: id(),
  userId: id(),
  interaction: 'interaction',
  kind: 'signin' as const,
  mode: 'push' as const,
  nonce: id(),
  number: '012345',
  context: { rp: 'Payroll', browser: 'Firefox', at: 1, level: 'mfa' },
  level: 'mfa',
  clientId: 'payroll',
  bind: id(),
  qrSecret: id(),
});

/** Asks until it holds, at most five seconds: the time in which a store that came back must serve again. */
async function soon(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 5000;
  while (!(await Promise.resolve(holds()).catch(() => false))) {
    if (Date.now() > end) throw new Error(`not within 5 s: ${what}`);
    await wait(20);
  }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('Redis that dies', function () {
  this.timeout(120_000);
  let redis: TestServer;
  let database: Opened<Database>;
  let state: State;
  const open = () =>
    openRedisState({
      at: redisAt(redis.url),
      log: silent,
      epochs: database.it.epochs,
      commandTimeout: 2000,
      beatEvery: 50,
    });
  const adapters = (on: State) => createAdapter({ knex: database.it.knex, state: on, clients: createClientCatalog() });
  const dump = () => join(redis.folder, 'dump.rdb');

  async function admin<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(redis.url, { lazyConnect: true });
    await client.connect();
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  beforeEach(async () => {
    const onPostgres = DATABASES.find(({ name }) => name === 'PostgreSQL');
    if (!onPostgres) throw new Error('no PostgreSQL');
    [redis, database] = await Promise.all([startRedis({ settings: { dbfilename: 'dump.rdb' } }), onPostgres.open()]);
    state = await open();
  });
  afterEach(async () => {
    await state.close();
    await Promise.all([redis.close(), database.close()]);
  });

  it('F08: restored from an old snapshot, nothing from before it is accepted again, and sessions live on', async () => {
    const transactions = createTransactions(state);
    const adapter = adapters(state);
    const { id: txn, bind } = await transactions.open(push(), 120);
    await transactions.answer(txn, 'approved', { device: 'd', means: 'pin' });
    const [code, grantId, session, uid, interaction] = [id(), id(), id(), id(), id()];
    await adapter('AuthorizationCode').upsert(code, { jti: code, grantId }, 60);
    await adapter('Session').upsert(session, { jti: session, uid, accountId: 'ada' }, 3600);
    await adapter('Interaction').upsert(interaction, { jti: interaction }, 600);
    await admin((client) => client.save());
    copyFileSync(dump(), `${dump()}.old`);

    expect((await transactions.consume(txn, bind, 'interaction')).ok).to.equal(true);
    await adapter('AuthorizationCode').consume(code);
    await adapter('Interaction').destroy(interaction);
    const before = await database.it.epochs.read();
    await soon('a heartbeat', async () => (await database.it.epochs.read()).beat > before.beat);

    await redis.kill();
    copyFileSync(`${dump()}.old`, dump());
    await redis.start();
    await soon('served again', async () => (await state.health()).ok);
    // The old data are back indeed: without the epoch the used challenge would stand there as approved.
    const keys = await admin((client) => client.keys('*'));
    expect(
      keys.some((key) => key.startsWith('txn:1:')),
      'the snapshot was loaded',
    ).to.equal(true);

    expect(state.epoch()).to.equal(2);
    expect(await transactions.find(txn)).to.equal(undefined);
    expect((await transactions.consume(txn, bind, 'interaction')).ok).to.equal(false);
    expect(await adapter('AuthorizationCode').find(code)).to.equal(undefined);
    expect(await failure(adapter('AuthorizationCode').consume(code))).to.be.instanceOf(errors.InvalidGrant);
    expect(await adapter('Interaction').find(interaction)).to.equal(undefined);
    expect((await adapter('Session').find(session))?.accountId).to.equal('ada');
    expect((await adapter('Session').findByUid(uid))?.jti).to.equal(session);

    const fresh = await transactions.open(push(), 120);
    expect((await transactions.find(fresh.id))?.state).to.equal('pending');
  });

  it('F08: every node hears of the new epoch, also one that starts later', async () => {
    const other = await open();
    try {
      const before = await database.it.epochs.read();
      await soon('a heartbeat', async () => (await database.it.epochs.read()).beat > before.beat + 2);
      await redis.kill();
      await redis.start();
      await soon('both served', async () => (await state.health()).ok && (await other.health()).ok);
      expect([state.epoch(), other.epoch()]).to.deep.equal([2, 2]);
      const third = await open();
      expect(third.epoch()).to.equal(2);
      await third.close();
      await wait(300);
      expect((await database.it.epochs.read()).epoch, 'raised once, not once a node').to.equal(2);
    } finally {
      await other.close();
    }
  });

  it('F07: with nothing kept, people start again and what the database spent stays spent', async () => {
    const transactions = createTransactions(state);
    const { id: txn, bind } = await transactions.open(push(), 120);
    await transactions.answer(txn, 'approved', { device: 'd', means: 'pin' });
    expect(await database.it.records.spent.transaction(txn)).to.equal(true);
    await soon('a heartbeat', async () => (await database.it.epochs.read()).beat > 1);
    await redis.kill();
    expect(existsSync(dump())).to.equal(false);
    await redis.start();
    await soon('served again', async () => (await state.health()).ok);
    expect((await transactions.consume(txn, bind, 'interaction')).ok).to.equal(false);
    expect(await database.it.records.spent.transaction(txn)).to.equal(false);
  });

  it('while it is away everything is refused at once, and nothing is sent twice afterwards', async () => {
    await state.set('t:counted', '0', 60);
    await redis.kill();
    await soon('noticed', async () => !(await state.health()).ok);
    const begun = Date.now();
    const refusals = await atOnce(50, () => failure(state.increment('t:later', 60)));
    for (const refusal of refusals) expect(refusal).to.be.instanceOf(StateUnavailable);
    expect(Date.now() - begun).to.be.below(3000);
    await redis.start();
    await soon('served again', async () => (await state.health()).ok);
    expect(await state.get('t:later'), 'no refused command was kept and sent later').to.equal(undefined);
  });

  it('F09: behind one address another server is noticed by having run before, and a restart is none', async () => {
    const { epochs } = database.it;
    const keeper = keepEpoch({ epochs, prefix: 'keeper:', restarts: true, log: silent });
    const other = await freshRedis();
    const look = async (url: string) => {
      const client = new Redis(url, { lazyConnect: true });
      await client.connect();
      try {
        await keeper.check([{ client, place: () => ({ name: 'primary', tag: '' }) }], true);
      } finally {
        client.disconnect();
      }
      return keeper.epoch();
    };
    const before = state.epoch();
    await state.close();
    try {
      await database.it.knex.raw(`update state_epoch set servers = '{}', beat = 0`);
      expect(await look(redis.url), 'the first that is seen').to.equal(before);
      expect(await look(redis.url)).to.equal(before);
      await redis.stop();
      await redis.start();
      // With all of its numbers, as an append-only file would have kept them.
      const { beat } = await epochs.read();
      await admin((client) => client.set('keeper:beat', String(beat)));
      expect(await look(redis.url), 'started again').to.equal(before);
      // A replica that took over has every number and misses the last moment.
      await database.it.knex.raw(`update state_epoch set seen_at = clock_timestamp()`);
      const replica = new Redis(other.url);
      await replica.set('keeper:beat', String(beat + 5));
      replica.disconnect();
      expect(await look(other.url), 'another one').to.equal(before + 1);
      expect(await look(other.url)).to.equal(before + 1);
      expect((await epochs.read()).epoch).to.equal(before + 1);
    } finally {
      await other.close();
    }
  });

  it('topics are heard again after it came back, and listeners are told to look', async () => {
    const heard: string[] = [];
    const stop = await state.subscribe('txn:a', (message) => heard.push(message));
    await redis.kill();
    await soon('noticed', async () => !(await state.health()).ok);
    const stopLate = await state.subscribe('txn:b', (message) => heard.push(`late ${message}`));
    await redis.start();
    await soon('told to look', () => heard.includes('') && heard.includes('late '));
    await soon('served again', async () => (await state.health()).ok);
    await state.publish('txn:a', 'approved');
    await state.publish('txn:b', 'denied');
    await soon('heard', () => heard.includes('approved') && heard.includes('late denied'));
    stop();
    stopLate();
  });
});

describe('epochs in PostgreSQL', function () {
  this.timeout(120_000);
  for (const { name, open } of DATABASES) {
    it(`${name}: confirmed never falls, and one of many raises it`, async () => {
      const database = await open();
      try {
        const { epochs } = database.it;
        expect(await epochs.read()).to.deep.equal({ beat: 0, epoch: 1, servers: {}, age: undefined });
        await atOnce(20, (beat) => epochs.confirm(beat, { a: 'one' }));
        expect(await epochs.confirm(3, { b: 'two' })).to.equal(1);
        const confirmed = await epochs.read();
        expect(confirmed).to.deep.include({ beat: 19, epoch: 1, servers: { a: 'one', b: 'two' } });
        expect(confirmed.age).to.be.within(0, 60);
        const raised = await atOnce(20, () => epochs.raise(1, { b: 'three' }, false));
        expect(raised.filter(Boolean)).to.have.length(1);
        expect(await epochs.read()).to.deep.include({ beat: 19, epoch: 2, servers: { a: 'one', b: 'three' } });
        expect(await epochs.raise(2, { c: 'four' }, true)).to.equal(true);
        expect(await epochs.read()).to.deep.include({ beat: 19, epoch: 3, servers: { c: 'four' } });
      } finally {
        await database.close();
      }
    });
  }
});
