// Passwords, vault, outbound guard, folder lock and the Redis epoch.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { exportJWK, generateKeyPair } from 'jose';
import { isPublicAddress } from '../../src/platform/addresses.ts';
import { createLog } from '../../src/platform/log.ts';
import { createOutbound } from '../../src/platform/outbound.ts';
import { createOutboundFetch } from '../../src/platform/outbound-fetch.ts';
import { createPasswords } from '../../src/platform/passwords.ts';
import { createQueue, QueueFull } from '../../src/platform/queue.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { type EncryptionJwk, sealSecrets } from '../../src/protocol/messages.ts';
import { Secret } from '../../src/settings/secret.ts';
import { openDatabase } from '../../src/storage/postgres/database.ts';
import { DatabaseInUse, lockFolder } from '../../src/storage/postgres/folder-lock.ts';
import { type Db, rows } from '../../src/storage/postgres/statement.ts';
import type { Epochs } from '../../src/storage/state/redis/epoch.ts';
import { openRedisState } from '../../src/storage/state/redis/state.ts';
import { createVault } from '../../src/storage/vault.ts';
import { freshDatabase, freshRedis } from '../support/services.ts';
import { atOnce, redisAt, silent } from './stores.ts';

const key = (id: string) => ({ id, secret: new Secret(systemRandom.id(32), 'test') });
const COST = { memoryKib: 1024, passes: 1, concurrency: 2, queue: 3 };

/** A promise that is opened from outside. */
function gate() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

async function failure(work: Promise<unknown>): Promise<Error | undefined> {
  return work.then(
    () => undefined,
    (error: Error) => error,
  );
}

describe('passwords', () => {
  it('are right, stale or wrong; another pepper or cost is stale, none is wrong', async () => {
    const [one, two] = [key('p1'), key('p2')];
    const old = createPasswords(() => COST, { peppers: () => [one] });
    const stored = await old.hash('pass\u0065\u0301');
    expect(await old.verify(stored, 'pass\u00e9')).to.equal('right');
    expect(await old.verify(stored, 'other')).to.equal('wrong');
    expect(await old.pretend('pass\u00e9')).to.equal('wrong');
    expect(await createPasswords(() => COST, { peppers: () => [two, one] }).verify(stored, 'pass\u00e9')).to.equal(
      'stale',
    );
    const dearer = createPasswords(() => ({ ...COST, memoryKib: 2048 }), { peppers: () => [one] });
    expect(await dearer.verify(stored, 'pass\u00e9')).to.equal('stale');
    expect(await createPasswords(() => COST, { peppers: () => [two] }).verify(stored, 'pass\u00e9')).to.equal('wrong');
  });

  it('stand in a bounded line', async () => {
    const passwords = createPasswords(() => COST, { peppers: () => [key('p1')] });
    const outcomes = await atOnce(20, () => failure(passwords.pretend('x')));
    expect(outcomes.filter((error) => error instanceof QueueFull)).to.have.length(15);
    expect(await passwords.pretend('x')).to.equal('wrong');
  });

  it('follow other bounds, in which those who wait move up', async () => {
    let bounds = { atOnce: 1, waiting: 2 };
    const bounded = createQueue(() => bounds);
    const begun: number[] = [];
    const gates = Array.from({ length: 5 }, gate);
    const run = (place: number) =>
      bounded(() => {
        begun.push(place);
        return gates[place]?.promise ?? Promise.resolve();
      });
    const work = [run(0), run(1), run(2)];
    expect(await failure(run(3))).to.be.instanceOf(QueueFull);
    bounds = { atOnce: 3, waiting: 2 };
    // Wider ones are used at the next coming: the places go to those who were there first.
    const last = run(4);
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).to.deep.equal([0, 1, 2]);
    bounds = { atOnce: 1, waiting: 2 };
    for (const place of [0, 1]) gates[place]?.resolve();
    await Promise.all(work.slice(0, 2));
    expect(begun, 'narrower ones: one is still at it').to.deep.equal([0, 1, 2]);
    for (const { resolve } of gates) resolve();
    await Promise.all([...work, last]);
    expect(begun).to.deep.equal([0, 1, 2, 4]);
  });
});

it('an identifier never begins with a hyphen, which a command line would take for an option', () => {
  const first = new Set(Array.from({ length: 5000 }, () => systemRandom.id(9)[0]));
  expect(first.size).to.equal(63);
  expect(first).not.to.include('-');
});

describe('vault', () => {
  async function vault(kek = [key('k1')]) {
    const { privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kid: 'e1' };
    return createVault({ kek, peppers: [key('p1')], encryption: { keys: [jwk] }, random: systemRandom });
  }

  it('opens what it sealed for its own row only, untouched', async () => {
    const kek = key('k1');
    const it_ = await vault([kek]);
    const sealed = it_.seal(new Uint8Array([1, 2, 3]), 'row a');
    expect(it_.open(sealed, 'row a')).to.deep.equal(new Uint8Array([1, 2, 3]));
    expect(it_.open(sealed, 'row b')).to.equal(undefined);
    expect(it_.open({ ...sealed, nonce: it_.seal(new Uint8Array(1), 'row a').nonce }, 'row a')).to.equal(undefined);
    expect(it_.open({ ...sealed, kek_id: 'other' }, 'row a')).to.equal(undefined);
    expect((await vault([key('k2'), kek])).open(sealed, 'row a')).to.deep.equal(new Uint8Array([1, 2, 3]));
  });

  it('peppers, and opens what a phone sealed to it', async () => {
    const it_ = await vault();
    const data = new Uint8Array([9]);
    expect(it_.peppered(data, it_.pepper(data))).to.equal(true);
    expect(it_.peppered(new Uint8Array([8]), it_.pepper(data))).to.equal(false);
    const sec = await sealSecrets(it_.encryptionJwk(), { device: 'd', pin_tag: 't' });
    expect(await it_.unseal(sec)).to.deep.equal({ ok: true, plaintext: { device: 'd', pin_tag: 't' } });
    const other: EncryptionJwk = { ...it_.encryptionJwk(), kid: 'unknown' };
    expect(await it_.unseal(await sealSecrets(other, { device: 'd' }))).to.deep.equal({
      ok: false,
      why: 'unknown_key',
    });
    for (const bad of ['', 'a.b.c.d.e', `${sec}x.y`, sec.replace(/.{9}$/, 'AAAAAAAAA')]) {
      expect(await it_.unseal(bad), bad.slice(-9)).to.deep.equal({ ok: false, why: 'malformed' });
    }
  });
});

describe('outbound guard', () => {
  let hits = 0;
  const canary = createServer((request, response) => {
    hits += 1;
    if (request.url === '/away') response.writeHead(302, { location: '/' });
    if (request.url !== '/slow') response.end('ok');
  });
  let connections = 0;
  canary.on('connection', () => {
    connections += 1;
  });
  let port = 0;
  before((done) => {
    canary.listen(0, '127.0.0.1', () => {
      port = (canary.address() as AddressInfo).port;
      done();
    });
  });
  after(() => {
    canary.closeAllConnections();
    canary.close();
  });

  it('follows the rules of a reload from the next request on', async () => {
    const before = { allow: [], timeoutMs: 1000 };
    const after = { allow: [`localhost:${port}`], timeoutMs: 1000 };
    let rules: { allow: string[]; timeoutMs: number } = before;
    const fetch = createOutboundFetch(() => rules);
    const ask = async () => (await fetch(`http://localhost:${port}/`)).text();
    expect(await failure(ask())).to.be.instanceOf(TypeError);
    rules = after;
    expect(await ask()).to.equal('ok');
    rules = before;
    expect(await failure(ask())).to.be.instanceOf(TypeError);
    hits = 0;
    connections = 0;
  });

  it('never reaches the canary by address, name or rebinding', async () => {
    const { fetch, close } = createOutbound({
      allow: [],
      timeoutMs: 1000,
      lookup: ((_host: string, _options: object, answer: (...given: unknown[]) => void) =>
        answer(null, [
          { address: '93.184.216.34', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ])) as never,
    });
    for (const host of [
      '127.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '2130706433',
      '0x7f.1',
      '0.0.0.0',
      'rebind.example',
    ]) {
      expect(await failure(fetch(`http://${host}:${port}/`)), host).to.be.instanceOf(Error);
    }
    const named = createOutbound({ allow: [], timeoutMs: 1000 });
    expect(await failure(named.fetch(`http://localhost:${port}/`))).to.be.instanceOf(Error);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect({ connections, hits }).to.deep.equal({ connections: 0, hits: 0 });
    await Promise.all([close(), named.close()]);
  });

  it('reaches what is allowed, hands redirects back, ends what is slow, and replaces a dispatcher', async () => {
    const { fetch, close } = createOutbound({ allow: [`localhost:${port}`], timeoutMs: 300 });
    expect(await (await fetch(`http://localhost:${port}/`)).text()).to.equal('ok');
    expect((await fetch(`http://localhost:${port}/away`, { redirect: 'follow' })).status).to.equal(302);
    expect(await failure(fetch(`http://localhost:${port}/slow`))).to.be.instanceOf(Error);
    const own = { dispatcher: { dispatch: () => expect.fail('used') } } as RequestInit;
    expect(await failure(fetch(`http://127.0.0.1:${port}/`, own))).to.be.instanceOf(TypeError);
    await close();
  });

  it('knows which addresses are public', () => {
    for (const address of ['8.8.8.8', '2606:4700::1111']) expect(isPublicAddress(address), address).to.equal(true);
    const ours = [
      '10.1.2.3',
      '169.254.169.254',
      '100.64.0.1',
      '224.0.0.1',
      'fd00::1',
      'fe80::1',
      'ff02::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'x',
    ];
    for (const address of ours) expect(isPublicAddress(address), address).to.equal(false);
  });
});

it('the folder of the embedded database is opened once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  const unlock = lockFolder(join(folder, 'db'));
  expect(() => lockFolder(join(folder, 'db'))).to.throw(DatabaseInUse);
  unlock();
  lockFolder(join(folder, 'db'))();
  rmSync(folder, { recursive: true });
});

it('a Redis that went back in time raises the epoch', async () => {
  const redis = await freshRedis();
  const row = { beat: 0, epoch: 1, servers: {}, age: 0 };
  const epochs: Epochs = {
    read: async () => ({ ...row }),
    confirm: async (beat, servers) => {
      Object.assign(row, { beat: Math.max(row.beat, beat), servers });
      return row.epoch;
    },
    raise: async () => {
      row.epoch += 1;
      return true;
    },
  };
  const options = { at: redisAt(redis.url), log: silent, epochs, commandTimeout: 5000, beatEvery: 30 };
  const state = await openRedisState(options);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(state.epoch()).to.equal(1);
  const admin = new Redis(redis.url);
  await admin.set('beat', '0');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(state.epoch()).to.equal(2);
  const again = await openRedisState(options);
  expect(again.epoch()).to.equal(2);
  admin.disconnect();
  await Promise.all([state.close(), again.close()]);
  await redis.close();
});

it('errors are logged without what Redis or the database was asked', async function () {
  this.timeout(120_000);
  const [redis, server] = await Promise.all([freshRedis(), freshDatabase()]);
  const state = await openRedisState({ at: redisAt(redis.url), log: silent, commandTimeout: 5000 });
  const { knex, close } = await openDatabase({ kind: 'postgres', url: new Secret(server.url, 'test'), poolMax: 1 });
  const told: string[] = [];
  const log = createLog('info', { write: (line) => void told.push(line) });
  const secret = systemRandom.id(32);
  await state.set('kept', 'a value', 60);
  await rows(knex, 'create table kept (value text check (length(value) < 3))');
  const insert = (db: Db) => rows(db, 'insert into kept (value) values (?)', [secret]);
  for (const work of [
    () => state.write('kept', { value: secret }, 60),
    () => insert(knex),
    () => knex.transaction((trx) => insert(trx)),
  ] as (() => Promise<unknown>)[]) {
    const error = await failure(work());
    expect(JSON.stringify({ ...error }), 'the library hangs it on').to.contain(secret);
    log.error({ err: error }, 'it failed');
    log.error({ err: new Error('it failed', { cause: error }) }, 'it failed');
  }
  expect(told).to.have.length(6);
  expect(told.join()).to.not.contain(secret);
  expect(told.join()).to.contain('WRONGTYPE').and.contain('violates check constraint').and.contain('"errno":"23514"');
  await Promise.all([state.close(), close()]);
  await Promise.all([redis.close(), server.drop()]);
});
