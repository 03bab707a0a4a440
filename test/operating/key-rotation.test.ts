// The secrets of keys.yaml exchanged on two nodes that run, one node after the other: people sign in and phones approve at every moment of it.
import { expect } from 'chai';
import pg from 'pg';
import { assemble, type House } from '../../src/app/assemble.ts';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { createLog } from '../../src/platform/log.ts';
import { newEncryptionKeys, newSecret, newSigningKey } from '../../src/settings/demo-secrets.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { type RunningHouse, startHouse, writeFiles } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { PIN, personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, sentBack, signedIn } from '../support/service.ts';

/** keys.yaml, the secrets in it. */
interface Keys {
  cookies: { secret: string }[];
  kek: { id: string; secret: string }[];
  peppers: { id: string; secret: string }[];
  encryption: string;
}

describe('secrets exchanged on two nodes', function () {
  this.timeout(60_000);
  let running: RunningHouse;
  let second: House;
  let atSecond = false;
  let database: pg.Client;
  let keys: Keys;

  before(async () => {
    keys = {
      cookies: [{ secret: newSecret() }],
      kek: [{ id: 'k1', secret: newSecret() }],
      peppers: [{ id: 'p1', secret: newSecret() }],
      encryption: await newEncryptionKeys(),
    };
    running = await startHouse({
      files: { 'keys.yaml': keys, 'limits.yaml': { push_short: { points: 100 }, push_day: { points: 100 } } },
      before: (request, response) => {
        if (atSecond) void second.app.callback()(request, response);
        return atSecond;
      },
    });
    second = await assemble(running.settings, createLog('silent'));
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
  });
  after(async () => {
    await database?.end();
    await second?.close();
    await running?.close();
  });

  const read = () => {
    const loaded = loadSettings(running.folder, running.environment);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.settings;
  };
  /** Runs `work` with all requests answered by the first node, then by the second. */
  async function onBoth(work: (house: House, node: string) => Promise<void>): Promise<void> {
    for (const [house, node] of [[running.house, 'first'] as const, [second, 'second'] as const]) {
      atSecond = house === second;
      try {
        await work(house, node);
      } finally {
        atSecond = false;
      }
    }
  }
  /** Writes keys.yaml and takes it over on the first node, then on the second; `work` runs after each. */
  async function exchange(fresh: Partial<Keys>, work: (step: string) => Promise<void>): Promise<void> {
    keys = { ...keys, ...fresh };
    writeFiles(running.folder, { 'keys.yaml': keys });
    for (const [house, node] of [[running.house, 'first'] as const, [second, 'second'] as const]) {
      const { needsRestart } = await house.reload(read());
      expect(needsRestart).to.deep.equal([]);
      await work(`${JSON.stringify(Object.keys(fresh))} taken over on the ${node}`);
    }
  }
  const hashOf = async (userId: string) =>
    (await database.query<{ password_hash: string }>('select password_hash from users where id = $1', [userId])).rows[0]
      ?.password_hash ?? '';
  const deviceOf = async (userId: string) =>
    (
      await database.query<{ verifier: { pepper_id: string }; offline_key: { kek_id: string } }>(
        'select verifier, offline_key from devices where user_id = $1',
        [userId],
      )
    ).rows[0];
  /** Whether a browser comes back to the service without typing anything. */
  async function stillSignedIn(browser: HttpBrowser): Promise<boolean> {
    const answer = await browser.visit(authorization(running.issuer).url, atService);
    return answer.location !== undefined && sentBack(answer).has('code');
  }
  async function approves(house: House, userId: string, phone: HeadlessPhone): Promise<void> {
    const asked = await askPhone(house.world, {
      userId,
      interaction: newSecret(),
      kind: 'signin',
      bind: newSecret(),
      level: 'mfa',
      wants: 'push',
      service: { clientId: 'payroll', name: 'Payroll' },
      fresh: true,
    });
    if (!asked.ok) throw new Error(asked.why);
    const entry = (await phone.pending()).transactions.find(({ txn }) => txn === asked.transaction.id);
    if (!entry) throw new Error('nothing is pending');
    expect((await phone.approve(entry, { pin: PIN, number: asked.transaction.number })).state).to.equal('approved');
  }

  it('cookies: a session counts on until its secret is taken away', async () => {
    const { login } = await personWithPhone(running);
    const { browser } = await signedIn(running.issuer, login);
    const [old] = keys.cookies;
    const fresh = { secret: newSecret() };
    if (!old) throw new Error('no secret');
    let newer = browser;
    for (const cookies of [
      [old, fresh],
      [fresh, old],
    ])
      await exchange({ cookies }, async (step) => {
        newer = (await signedIn(running.issuer, login)).browser;
        await onBoth(async (_, node) => {
          expect(await stillSignedIn(browser), `${step}, at the ${node}`).to.equal(true);
          expect(await stillSignedIn(newer), `${step}, newer one at the ${node}`).to.equal(true);
        });
      });
    // The browser that came last has a cookie of the new secret, the other one was answered under it since.
    const late = (await signedIn(running.issuer, login)).browser;
    const planted = new HttpBrowser();
    planted.setCookie('countersign_session', late.cookie('countersign_session') ?? '');
    planted.setCookie('countersign_session.sig', newSecret().slice(0, 43));
    await exchange({ cookies: [fresh] }, async (step) => {
      await onBoth(async (_, node) => {
        expect(await stillSignedIn(late), `${step}, at the ${node}`).to.equal(true);
        expect(await stillSignedIn(planted), 'another signature').to.equal(false);
      });
    });
  });

  it('cookies: what only the old secret signed is nobody’s session once that is gone', async () => {
    const { login } = await personWithPhone(running);
    const { browser } = await signedIn(running.issuer, login);
    await exchange({ cookies: [{ secret: newSecret() }] }, async () => {});
    await onBoth(async (_, node) => {
      expect(await stillSignedIn(browser), node).to.equal(false);
    });
  });

  it('peppers: password and PIN are right under the old one, and stand under the new one after that', async () => {
    const { id, login, phone } = await personWithPhone(running);
    const [old] = keys.peppers;
    const fresh = { id: 'p2', secret: newSecret() };
    if (!old) throw new Error('no pepper');
    const both = async () =>
      onBoth(async (house) => {
        sentBack((await signedIn(running.issuer, login)).answer);
        await approves(house, id, phone);
      });
    await exchange({ peppers: [old, fresh] }, both);
    expect((await hashOf(id)).split(':')[0]).to.equal('p1');
    expect((await deviceOf(id))?.verifier.pepper_id).to.equal('p1');
    await exchange({ peppers: [fresh, old] }, both);
    expect((await hashOf(id)).split(':')[0]).to.equal('p2');
    expect((await deviceOf(id))?.verifier.pepper_id).to.equal('p2');
    await exchange({ peppers: [fresh] }, both);
  });

  it('peppers: an enrolment that began before ends after, on either node, and repeats its answer', async () => {
    const [old] = keys.peppers;
    const fresh = { id: 'p3', secret: newSecret() };
    if (!old) throw new Error('no pepper');
    const { id } = await personWithPhone(running);
    const started = await startEnrolment(running.house.world, {
      userId: id,
      session: 's',
      name: 'Late phone',
      pin: PIN,
      pinAgain: PIN,
    });
    if (!started.ok) throw new Error(started.why);
    const store = memoryStore();
    const phone = new HeadlessPhone({ origin: running.issuer, state: store });
    await phone.begin({ link: started.link });
    const begun = await store.load();
    await exchange({ peppers: [old, fresh] }, async () => {});
    // The first node uses the new one, the second still the old one.
    keys = { ...keys, peppers: [fresh, old] };
    writeFiles(running.folder, { 'keys.yaml': keys });
    await running.house.reload(read());
    const result = await phone.complete(PIN);
    atSecond = true;
    const lost = new HeadlessPhone({ origin: running.issuer, state: memoryStore(begun) });
    const again = await lost.complete(PIN).finally(() => {
      atSecond = false;
    });
    expect(again).to.deep.equal(result);
    await second.reload(read());
    await onBoth(async (house) => approves(house, id, phone));
  });

  it('a password that is changed while the old one is hashed anew stays changed', async () => {
    const { id } = await personWithPhone(running);
    const { users } = running.house.world.records;
    const before = await hashOf(id);
    await users.setPasswordHash(id, 'changed');
    expect(await users.renewPasswordHash(id, before, 'hashed anew')).to.equal(false);
    expect(await hashOf(id)).to.equal('changed');
    expect(await users.renewPasswordHash(id, 'changed', 'hashed anew')).to.equal(true);
  });

  it('encryption: phones send their secrets under the old key, the new one, and whatever key is published', async () => {
    const set = (text: string) => JSON.parse(text) as { keys: object[] };
    const old = set(keys.encryption).keys;
    const fresh = set(await newEncryptionKeys()).keys;
    for (const order of [[...old, ...fresh], [...fresh, ...old], fresh])
      await exchange({ encryption: JSON.stringify({ keys: order }) }, () =>
        onBoth(async (house) => {
          // Adding a phone sends a PIN under the key that is published.
          const { id, phone } = await personWithPhone(running);
          if (house === second) await approves(house, id, phone);
        }),
      );
  });

  it('kek: what the old one sealed opens, and what is new is under the new one', async () => {
    const { id } = await personWithPhone(running);
    const [old] = keys.kek;
    const fresh = { id: 'k2', secret: newSecret() };
    if (!old) throw new Error('no kek');
    const sealed = running.house.world.vault.seal(Buffer.from('kept'), 'row');
    for (const kek of [
      [old, fresh],
      [fresh, old],
    ])
      await exchange({ kek }, async (step) => {
        await onBoth(async ({ world }, node) => {
          const opened = world.vault.open(sealed, 'row');
          expect(Buffer.from(opened ?? []).toString(), `${step}, at the ${node}`).to.equal('kept');
          const other = world.vault.seal(Buffer.from('x'), 'row');
          for (const house of [running.house, second])
            expect(house.world.vault.open(other, 'row'), `sealed at the ${node}`).to.not.equal(undefined);
        });
      });
    expect((await deviceOf(id))?.offline_key.kek_id).to.equal('k1');
    const { id: later } = await personWithPhone(running);
    expect((await deviceOf(later))?.offline_key.kek_id).to.equal('k2');
  });

  it('a reload that takes away the kek of a signing key in force is refused and changes nothing', async () => {
    const [current, old] = keys.kek;
    if (!current || !old) throw new Error('no kek');
    const jwk = await newSigningKey('ES256');
    const sealed = running.house.world.vault.seal(Buffer.from(JSON.stringify(jwk)), `signing-key:${jwk.kid}`);
    await database.query('insert into signing_keys (kid, alg, sealed) values ($1, $2, $3)', [jwk.kid, jwk.alg, sealed]);
    writeFiles(running.folder, { 'keys.yaml': { ...keys, kek: [old] } });
    const refused = await running.house.reload(read()).catch((error: Error) => error.message);
    expect(refused).to.equal(
      `the signing key ${jwk.kid} cannot be opened: the kek that sealed it must stay in keys.yaml`,
    );
    expect(running.house.settings().keys.kek.map(({ id }) => id)).to.deep.equal(['k2', 'k1']);
    expect(running.house.world.vault.seal(new Uint8Array(1), 'row').kek_id).to.equal('k2');
  });

  it('another key for push waits for a restart, and that is said', async () => {
    const { push } = running.house.settings().keys;
    writeFiles(running.folder, { 'keys.yaml': { ...keys, push: newSecret() } });
    expect((await running.house.reload(read())).needsRestart).to.deep.equal(['keys.push']);
    expect(running.house.settings().keys.push?.reveal()).to.equal(push?.reveal());
  });
});
