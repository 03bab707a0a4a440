// The secrets of keys.yaml exchanged on two nodes that run, one node after the other: people sign in and phones approve at every moment of it.
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Command } from 'commander';
import pg from 'pg';
import { stringify } from 'yaml';
import { assemble, type House } from '../../src/app/assemble.ts';
import { runningLists, unopened } from '../../src/app/key-lists.ts';
import { type Opened, openWorld, vaultOf } from '../../src/app/world.ts';
import { addKeyCommands } from '../../src/cli/keys.ts';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import {
  resealAll,
  retireFromList,
  rotateList,
  type SecretKeys,
  secretEntries,
  secretLines,
} from '../../src/cli/secret-keys.ts';
import { offlineKeyAad } from '../../src/domain/device.ts';
import { createLog } from '../../src/platform/log.ts';
import { newEncryptionKeys, newSecret, newSigningKey } from '../../src/settings/demo-secrets.ts';
import { type KeyIds, type KeyList, keyIds } from '../../src/settings/key-lists.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { Secret } from '../../src/settings/secret.ts';
import type { KeySettings } from '../../src/settings/settings.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse, startHouse, writeFiles } from '../support/house.ts';
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
  this.timeout(180_000);
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
        if (atSecond) second.handler(request, response);
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
    const { login } = await person(running.house);
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
    const { login } = await person(running.house);
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

  describe('by command', () => {
    /** Works on the folder as a command does, beside the nodes; with connections that all of them share. */
    let opened: Opened;
    const command = async <T>(work: (keys: SecretKeys) => Promise<T>): Promise<T> => {
      const settings = read();
      const { knex } = opened.database;
      const lists = await runningLists(opened.state);
      return work({ folder: running.folder, settings, knex, vault: vaultOf(settings.keys), running: lists });
    };
    const refusal = (work: Promise<unknown>) =>
      work.then(
        () => 'nothing was refused',
        (error: Error) => error.message,
      );
    const rotate = (list: KeyList, now = false) => command((secrets) => rotateList(secrets, list, now));
    const retire = (list: KeyList, id: string, now = false) =>
      command((secrets) => retireFromList(secrets, list, id, now));
    const ids = () => keyIds(read().keys);
    /** Has a node take the files over, and waits until it has said so. */
    async function reloaded(...houses: House[]): Promise<void> {
      for (const house of houses) await house.reload(read());
      const text = (lists: readonly KeyIds[]) => [...new Set(lists.map((one) => JSON.stringify(one)))].sort().join();
      const wanted = text([running.house, second].map((house) => keyIds(house.settings().keys)));
      const deadline = performance.now() + 15_000;
      while (text(await command(async (secrets) => secrets.running)) !== wanted) {
        if (performance.now() > deadline) throw new Error('the nodes do not say what they know');
        await wait(100);
      }
    }
    const everywhere = () => reloaded(running.house, second);
    /** As if a secret had last been in use so long ago. */
    const longAgo = (list: KeyList, id: string, hours: number) =>
      database.query(
        `update key_uses set last_used_at = now() - make_interval(hours => $3) where list = $1 and id = $2`,
        [list, id, hours],
      );
    async function keks(): Promise<string[]> {
      const { rows } = await database.query<{ kek: string }>(
        `select distinct offline_key ->> 'kek_id' as kek from devices where offline_key is not null
         union select sealed ->> 'kek_id' from signing_keys where sealed is not null order by 1`,
      );
      return rows.map(({ kek }) => kek);
    }
    let someone: Awaited<ReturnType<typeof personWithPhone>>;
    const allWorks = () =>
      onBoth(async (house) => {
        sentBack((await signedIn(running.issuer, someone.login)).answer);
        await approves(house, someone.id, someone.phone);
      });

    before(async () => {
      const settings = read();
      opened = await openWorld(() => settings, createLog('silent'));
      // What earlier tests took away is out of the way of these.
      await database.query(`delete from users where password_hash not like 'p3:%'`);
      const { encryption, ...rest } = { ...keys, peppers: keys.peppers.slice(0, 1) };
      const path = join(running.folder, 'data', 'secrets', 'encryption.jwks.json');
      writeFileSync(path, encryption, { mode: 0o600 });
      const text = stringify({ ...rest, encryption_file: './data/secrets/encryption.jwks.json' });
      writeFileSync(join(running.folder, 'keys.yaml'), text.replace('kek:', '# Ours since the move.\nkek:'));
      await everywhere();
      someone = await personWithPhone(running);
    });
    after(() => opened?.close());

    it('a new kek is known, then used, then everything is sealed under it, and the old one goes', async () => {
      const [day = ''] = new Date().toISOString().split('T');
      const made = await rotate('kek');
      const path = join(running.folder, 'data', 'secrets', `kek-${day}`);
      expect(made.lines[0]).to.equal(`made data/secrets/kek-${day}`);
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      expect(JSON.stringify(made)).to.not.contain(readFileSync(path, 'utf8').trim());
      expect(readFileSync(join(running.folder, 'keys.yaml'), 'utf8')).to.contain('# Ours since the move.');
      expect(ids().kek).to.deep.equal(['k2', 'k1', day]);
      expect(await refusal(rotate('kek'))).to.contain('1 of 1 running configurations do not know');
      await reloaded(running.house);
      expect(await refusal(rotate('kek'))).to.contain('1 of 2 running configurations do not know');
      await everywhere();
      await rotate('kek');
      expect(ids().kek).to.deep.equal([day, 'k2', 'k1']);
      expect(await refusal(retire('kek', day))).to.contain('is the one in use');
      const unknown = await refusal(
        command(({ settings, ...rest }) => {
          const kek = [{ id: 'unknown', secret: new Secret(newSecret(), 'test') }, ...settings.keys.kek];
          return resealAll({ ...rest, settings: { ...settings, keys: { ...settings.keys, kek } } }, () => {});
        }),
      );
      expect(unknown).to.contain('1 of 1 running configurations do not know the kek "unknown" yet');
      expect(await refusal(retire('kek', 'k2'))).to.contain('1 of 1 running configurations still use "k2"');
      await reloaded(running.house);
      expect(await refusal(retire('kek', 'k2'))).to.contain('1 of 2 running configurations still use "k2"');
      await allWorks();
      await everywhere();
      expect(await refusal(retire('kek', 'k2'))).to.match(
        /^"k2" is still needed: \d+ offline keys of phones stand under it .*; 1 signing keys stand under it .*; what it made counts until /,
      );
      expect(await refusal(retire('kek', 'k2', true)), 'also after a leak').to.contain('keys reseal');
    });

    it('a reseal that is killed goes on where it stopped', async () => {
      const [newest = ''] = ids().kek;
      const { id } = await personWithPhone(running);
      const rows = Array.from({ length: 600 }, (_, at) => {
        const device = `many-${String(at).padStart(4, '0')}`;
        const old = read().keys.kek.filter((one) => one.id === 'k1');
        return { device, old };
      });
      const vault = vaultOf({ ...read().keys, kek: rows[0]?.old ?? [] });
      const sealed = rows.map(({ device }) => ({
        id: device,
        sealed: vault.seal(new Uint8Array(32), offlineKeyAad(device)),
      }));
      await database.query(
        `insert into devices (id, user_id, name, public_jwk, platform, state, salt, kdf, install_hash, verifier, offline_key, ratchet, added_at)
         select made.id, user_id, name, public_jwk, platform, state, salt, kdf, 'none', verifier, made.sealed, 'none', now()
         from devices, jsonb_to_recordset($2::jsonb) as made (id text, sealed jsonb) where user_id = $1`,
        [id, JSON.stringify(sealed)],
      );
      const left = async () =>
        (
          await database.query<{ left: number }>(
            `select count(*)::integer as left from devices where offline_key ->> 'kek_id' <> $1`,
            [newest],
          )
        ).rows[0]?.left ?? 0;
      const before = await left();
      const arguments_ = ['dist/src/main.js', 'keys', 'reseal', '--config', running.folder];
      const child = spawn(process.execPath, arguments_, { env: { ...process.env, ...running.environment } });
      let said = '';
      await new Promise<void>((resolve) => {
        child.stderr.on('data', (text: Buffer) => {
          said += text.toString();
          if (said.includes('offline keys of phones: 200 of')) child.kill('SIGKILL');
        });
        child.on('close', () => resolve());
      });
      expect(child.signalCode, said).to.equal('SIGKILL');
      const meanwhile = await left();
      expect(meanwhile).to.be.greaterThan(0).and.lessThan(before);
      const { resealed, lost } = await command((secrets) => resealAll(secrets, () => {}));
      expect({ resealed, lost }).to.deep.equal({ resealed: meanwhile, lost: [] });
      expect(await left()).to.equal(0);
      expect(await keks()).to.deep.equal([newest]);
      const again = await command((secrets) => resealAll(secrets, () => {}));
      expect(again).to.deep.equal({ resealed: 0, lost: [] });
      await database.query(`delete from devices where id like 'many-%'`);
    });

    it('a row that its phone changes meanwhile is not undone', async () => {
      const { id } = await personWithPhone(running);
      const [kek = ''] = ids().kek;
      const older = vaultOf({ ...read().keys, kek: read().keys.kek.filter((one) => one.id === 'k1') });
      const { rows } = await database.query<{ id: string }>('select id from devices where user_id = $1', [id]);
      const device = rows[0]?.id ?? '';
      const set = (value: object) =>
        database.query('update devices set offline_key = $1 where id = $2', [JSON.stringify(value), device]);
      await set(older.seal(new Uint8Array([1]), offlineKeyAad(device)));
      const changed = running.house.world.vault.seal(new Uint8Array([2]), offlineKeyAad(device));
      await database.query('begin');
      await set(changed);
      const work = command((secrets) => resealAll(secrets, () => {}));
      const deadline = performance.now() + 10_000;
      const admin = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
      await admin.connect();
      // It has read the old value, and waits for our lock to replace it.
      for (;;) {
        const { rows: waiting } = await admin.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'update devices set offline_key%'`,
        );
        if (waiting.length > 0) break;
        if (performance.now() > deadline) throw new Error('nothing waits');
        await wait(50);
      }
      await admin.end();
      await database.query('commit');
      expect((await work).resealed).to.equal(0);
      const kept = await database.query<{ offline_key: object }>('select offline_key from devices where id = $1', [
        device,
      ]);
      expect(kept.rows[0]?.offline_key).to.deep.equal(changed);
      expect(kek).to.equal(changed.kek_id);
    });

    it('a kek under which nothing stands goes when what lies in Redis is over', async () => {
      for (const id of ['k2', 'k1']) {
        expect(await refusal(retire('kek', id)), id).to.match(
          new RegExp(`^"${id}" is still needed: what it made counts until [^;]+$`),
        );
        await longAgo('kek', id, 2);
        expect((await retire('kek', id)).next.join()).to.contain('Keep its secret with the backups');
        await everywhere();
      }
      await allWorks();
      expect(ids().kek).to.have.length(1);
      expect(await refusal(retire('kek', 'k1'))).to.contain('kek has no "k1"');
    });

    it('a pepper stays while passwords or PINs stand under it, or pairwise subjects', async () => {
      await rotate('peppers');
      await everywhere();
      await rotate('peppers');
      await everywhere();
      const [, old = ''] = ids().peppers;
      await longAgo('peppers', old, 2);
      const count = async () =>
        /(\d+) PINs of phones.*?(\d+) passwords/
          .exec(await refusal(retire('peppers', old)))
          ?.slice(1)
          .map(Number);
      const before = await count();
      await allWorks();
      expect(await count()).to.deep.equal(before?.map((one) => one - 1));
      await database.query(`delete from devices where verifier ->> 'pepper_id' = $1`, [old]);
      await database.query(`delete from users where password_hash like $1`, [`${old}:%`]);
      const pairwise = { file: 'x', metadata: { client_id: 'x', subject_type: 'pairwise' } } as never;
      const withPairwise = (secrets: SecretKeys): SecretKeys => ({
        ...secrets,
        settings: { ...secrets.settings, clients: [pairwise] },
      });
      expect(
        await refusal(command((secrets) => retireFromList(withPairwise(secrets), 'peppers', old, false))),
      ).to.equal(
        `"${old}" is still needed: the pairwise subjects of 1 services are made from it, and everybody would be somebody new to them`,
      );
      await retire('peppers', old);
      await everywhere();
      await allWorks();
    });

    it('a cookie secret stays as long as a session may last, unless it leaked', async () => {
      const { browser } = await signedIn(running.issuer, someone.login);
      const [old = ''] = ids().cookies;
      await rotate('cookies');
      await everywhere();
      await rotate('cookies');
      await everywhere();
      expect(await stillSignedIn(browser)).to.equal(true);
      await longAgo('cookies', old, 11);
      expect(await refusal(retire('cookies', old))).to.contain('what it made counts until');
      const { next } = await retire('cookies', old, true);
      expect(next.join()).to.contain('It was still needed');
      await everywhere();
      await allWorks();
    });

    it('a key that phones encrypt to is exchanged in its file; from the environment it is said what to do', async () => {
      const before = ids().encryption;
      await rotate('encryption');
      await everywhere();
      await rotate('encryption');
      await everywhere();
      const [fresh, old = ''] = ids().encryption;
      expect(old).to.equal(before[0]);
      await approvesAfterEnrolment();
      await retire('encryption', old);
      await everywhere();
      expect(ids().encryption).to.deep.equal([fresh]);
      await approvesAfterEnrolment();
      const elsewhere = await command(({ settings, ...rest }) =>
        rotateList(
          {
            ...rest,
            settings: {
              ...settings,
              keys: { ...settings.keys, encryption: new Secret(settings.keys.encryption.reveal(), 'env:ENC') },
            },
          },
          'encryption',
          false,
        ),
      );
      expect(elsewhere.lines[1]).to.match(
        /^encryption comes from ENC of the environment: put what stands in data\/secrets\/encryption-.*\.jwks\.json in its place$/,
      );
      const { keys: set } = JSON.parse(
        readFileSync(join(running.folder, elsewhere.lines[1]?.split(' ').at(-4) ?? ''), 'utf8'),
      ) as { keys: { kid: string }[] };
      expect(set.map(({ kid }) => kid)).to.deep.equal([fresh, elsewhere.lines[0]?.split(' ')[1]]);
    });

    async function approvesAfterEnrolment(): Promise<void> {
      const { id, phone } = await personWithPhone(running);
      await onBoth((house) => approves(house, id, phone));
    }

    it('a list says what is in use, since when, and what needs it', async () => {
      await rotate('kek');
      const entries = await command(secretEntries);
      const kek = entries.filter(({ list }) => list === 'kek');
      expect(kek.map(({ use, known, running: of }) => ({ use, known, of }))).to.deep.equal([
        { use: 'in use', known: 1, of: 1 },
        { use: 'waiting', known: 0, of: 1 },
      ]);
      expect(kek[0]?.dependents.map(({ what }) => what)).to.include('offline keys of phones');
      const text = secretLines(entries).join('\n');
      expect(text).to.match(/kek {2}waiting {4}known to 0 of 1 running configurations/);
      for (const { secret } of [...read().keys.kek, ...read().keys.peppers, ...read().keys.cookies])
        expect(text).to.not.contain(secret.reveal());
    });

    it('the command says what it wrote and what comes next, and a mistake in one line', async () => {
      const said: string[] = [];
      const run = async (...words: string[]) => {
        const program = new Command().exitOverride();
        addKeyCommands(program, {
          environment: running.environment,
          print: (line) => void said.push(line),
          complain: (line) => void said.push(line),
          exitCode: () => undefined,
        });
        const before = { ...process.env };
        Object.assign(process.env, running.environment);
        try {
          await program.parseAsync(['keys', ...words, '--config', running.folder], { from: 'user' });
        } finally {
          process.env = before;
        }
      };
      await run('rotate', 'cookie');
      expect(said[1]).to.equal(`wrote ${join(running.folder, 'keys.yaml')}`);
      expect(said.at(-1)).to.contain('"countersign keys rotate cookies" once more');
      const [, fresh = ''] = ids().cookies;
      await run('retire', 'cookies', fresh);
      expect(ids().cookies).to.not.include(fresh);
      expect(await refusal(run('rotate', 'biscuits'))).to.equal(
        'there is no list "biscuits" in keys.yaml: there are cookies, encryption, kek, peppers',
      );
    });

    it('a secret that was lost by hand, or exchanged under its name, is named with what stands under it', async () => {
      const lost = (change: (keys: KeySettings) => KeySettings) =>
        command(({ knex, settings }) => unopened(knex, vaultOf(change(settings.keys)), change(settings.keys)));
      expect(await lost((same) => same)).to.deep.equal([]);
      const [{ id } = { id: '' }] = read().keys.kek;
      const other = { id: 'other', secret: new Secret(newSecret(), 'test') };
      const gone = (await lost((old) => ({ ...old, kek: [other] }))).join('\n');
      expect(gone).to.match(
        new RegExp(`^\\d+ offline keys of phones stand under the kek "${id}", which is not in keys.yaml`),
      );
      expect(await lost((old) => ({ ...old, kek: [{ ...other, id }] }))).to.deep.equal([
        `the kek "${id}" of keys.yaml does not open what was sealed under that name: its secret is another one`,
      ]);
      expect((await lost((old) => ({ ...old, peppers: [other] }))).join('\n')).to.contain(
        'passwords stand under the pepper',
      );
    });
  });
});
