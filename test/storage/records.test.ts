// The contract of Records, of the audit and of migrations, held by both databases.
import { expect } from 'chai';
import type { Consent } from '../../src/domain/consent.ts';
import type { NewDevice } from '../../src/domain/ports.ts';
import type { User } from '../../src/domain/user.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { chainAudit, startAuditChain } from '../../src/storage/postgres/audit.ts';
import { pruneAudit } from '../../src/storage/postgres/audit-retention.ts';
import { verifyAudit } from '../../src/storage/postgres/audit-verify.ts';
import type { Database } from '../../src/storage/postgres/database.ts';
import { tidy } from '../../src/storage/postgres/housekeeping.ts';
import { migrationNames } from '../../src/storage/postgres/migrations.ts';
import { changeAttributes, changeGroups } from '../../src/usecases/change-groups.ts';
import { atOnce, DATABASES, type Opened, silent } from './stores.ts';

const id = () => systemRandom.id();

const person = (over: Partial<User> = {}): User => ({
  id: id(),
  login: `${id()}@example.org`.toLowerCase(),
  name: 'Ada',
  email: 'Ada@Example.org',
  state: 'active',
  alwaysSecondFactor: false,
  factorsVersion: 1,
  offlineFailures: 0,
  wrongNumbers: 0,
  groups: [],
  attributes: {},
  pushPaused: false,
  sessionsValidAfter: 0,
  endedSessions: [],
  createdAt: 1_700_000_000_000,
  ...over,
});

const VERIFIER = { pepper_id: 'p1', mac: 'mac' };
const SEALED = { kek_id: 'k1', nonce: 'n', ciphertext: 'c' };

const phone = (userId: string, over: Partial<NewDevice['device']> = {}): NewDevice => ({
  device: {
    id: `d_${id()}`,
    userId,
    name: 'Phone',
    publicJwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
    platform: 'test',
    state: 'active',
    salt: 'salt',
    kdf: { name: 'PBKDF2-SHA256', iterations: 600_000 },
    pinFailures: 0,
    addedAt: 1_700_000_000_000,
    push: false,
    biometric: false,
    ...over,
  },
  installHash: 'install',
  verifier: VERIFIER,
  offline: SEALED,
  ratchet: 'r0',
});

async function refused(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: Error) => error.message,
  );
}

it('a migration has one name, whether it runs from source or built', () => {
  const built = ['0001_a.js', '0001_a.d.ts', '0001_a.js.map', '0002_b.js'];
  expect(migrationNames(built)).to.deep.equal(migrationNames(['0002_b.ts', '0001_a.ts']));
});

for (const { name, open } of DATABASES) {
  describe(`records, ${name}`, function () {
    this.timeout(120_000);
    let opened: Opened<Database>;
    let db: Database;
    before(async () => {
      opened = await open();
      db = opened.it;
    });
    after(() => opened.close());

    async function someone(over: Partial<User> = {}): Promise<User> {
      const user = person(over);
      expect(await db.records.users.insert(user, 'hash')).to.equal(true);
      return user;
    }

    async function somePhone(): Promise<{ user: User; device: NewDevice['device'] }> {
      const user = await someone();
      const made = phone(user.id);
      expect(await db.records.devices.insert(made)).to.equal(true);
      return { user, device: made.device };
    }

    /** The row as if its block were over: tests move the row, never the clock. */
    const unblock = (device: string) =>
      db.knex.raw(`update devices set pin_blocked_until = '-infinity' where id = ?`, [device]);

    it('migrates down and up again', async () => {
      const { done, pending } = await db.status();
      expect(pending).to.deep.equal([]);
      expect(await db.rollback('everything')).to.have.members(done);
      expect((await db.status()).pending).to.deep.equal(done);
      expect(await db.migrate()).to.deep.equal(done);
      expect(await db.migrate()).to.deep.equal([]);
      expect(await db.health()).to.deep.equal({ ok: true });
    });

    it('people: as written, one for a sign-in name', async () => {
      const user = await someone();
      expect(await db.records.users.byId(user.id)).to.deep.equal(user);
      expect(await db.records.users.byLogin(user.login)).to.deep.equal(user);
      expect(await db.records.users.withPassword(user.login)).to.deep.equal({
        user,
        passwordHash: 'hash',
        passwordFailures: 0,
      });
      expect(await db.records.users.byEmail('ADA@example.ORG')).to.deep.include(user);
      expect(await db.records.users.insert(person({ login: user.login }))).to.equal(false);
      expect(await db.records.users.byId('nobody')).to.equal(undefined);
      const login = `${id()}@race`;
      const inserted = await atOnce(50, () => db.records.users.insert(person({ login })));
      expect(inserted.filter(Boolean)).to.have.length(1);
    });

    it('people: what changes', async () => {
      const { id: user } = await someone();
      const { users } = db.records;
      await users.setPasswordHash(user, 'other');
      await users.setLocale(user, 'fr');
      await users.setAlwaysSecondFactor(user, true);
      await users.setPushPaused(user, true);
      await users.factorsChanged(user);
      expect(await users.setState(user, 'disabled')).to.equal(true);
      expect(await users.setState('nobody', 'disabled')).to.equal(false);
      await users.endSessions(user);
      const now = await users.byId(user);
      expect(now).to.deep.include({
        locale: 'fr',
        alwaysSecondFactor: true,
        pushPaused: true,
        factorsVersion: 2,
        state: 'disabled',
      });
      expect(Math.abs((now?.sessionsValidAfter ?? 0) - Date.now())).to.be.below(60_000);
      expect(await users.passwordHash(user)).to.equal('other');
    });

    it('people: sessions that were signed out of are kept while they could live, and no more than a hundred', async () => {
      const { users } = db.records;
      const ada = person();
      await users.insert(ada);
      const kept = async () => (await users.byId(ada.id))?.endedSessions ?? [];
      await atOnce(3, (at) => users.sessionEnded(ada.id, `s${at}`, 60));
      expect(await kept()).to.have.members(['s0', 's1', 's2']);
      await users.sessionEnded(ada.id, 's1', 0);
      expect(await kept(), 'over by itself').to.have.members(['s0', 's2']);
      for (let at = 0; at < 101; at += 1) await users.sessionEnded(ada.id, `long${at}`, 1000 + at);
      expect(await kept())
        .to.have.length(100)
        .and.include('long100')
        .and.not.include('s0');
    });

    it('people: groups and attributes that change at once all change, and only those', async () => {
      const user = await someone();
      const names = ['a', 'b', 'c', 'd', 'e'];
      await changeGroups(db, user, { set: ['staff', 'interns'] });
      await Promise.all([
        changeGroups(db, user, { remove: ['interns'] }),
        ...names.map((group) => changeGroups(db, user, { add: [group] })),
        ...names.map((name) => changeAttributes(db, user, { set: { [name]: `is "${name}"` }, remove: [] })),
      ]);
      const now = await db.records.users.byId(user.id);
      const attributes = Object.fromEntries(names.map((name) => [name, `is "${name}"`]));
      expect(now).to.deep.equal({ ...user, groups: [...names, 'staff'], attributes });
      expect((await changeGroups(db, user, { add: Array.from({ length: 100 }, (_none, at) => `g${at}`) })).ok).to.equal(
        false,
      );
      expect(await db.records.users.byId(user.id)).to.deep.equal(now);
    });

    it('people: a node of the version before adds somebody who is in no group', async () => {
      const user = person();
      const { id: key, login } = user;
      await db.knex.raw(`insert into users (id, login, name, state) values (?, ?, 'Ada', 'active')`, [key, login]);
      expect(await db.records.users.byId(key)).to.deep.include({ groups: [], attributes: {} });
    });

    it('people: tries are counted before they are checked', async () => {
      const { id: user } = await someone();
      const { users } = db.records;
      const numbers = await atOnce(30, () => users.reserveNumber(user));
      expect(new Set(numbers).size).to.equal(30);
      await users.clearNumbers(user);
      expect(await users.reserveNumber(user)).to.equal(1);
      const offline = await atOnce(100, () => users.reserveOffline(user));
      expect(offline.filter((n) => n !== undefined)).to.have.length(50);
      await users.clearOffline(user);
      expect(await users.reserveOffline(user)).to.equal(1);
    });

    it('phones: as written, of their own person only', async () => {
      const { user, device } = await somePhone();
      const { devices } = db.records;
      expect(await devices.byId(device.id)).to.deep.equal(device);
      expect(await devices.insert(phone(user.id, { id: device.id }))).to.equal(false);
      expect(await devices.rename(device.id, 'other', 'Mine')).to.equal(false);
      expect(await devices.rename(device.id, user.id, 'New')).to.equal(true);
      expect((await devices.ofUser(user.id)).map((one) => one.name)).to.deep.equal(['New']);
      const other = await someone();
      expect(await devices.othersWithInstall(['unseen', 'install'], other.id)).to.be.greaterThan(0);
      expect(await devices.othersWithInstall(['unseen'], other.id)).to.equal(0);
    });

    it('phones: a removed one keeps no secret and does nothing', async () => {
      const { user, device } = await somePhone();
      const { devices } = db.records;
      expect(await devices.remove(device.id, 'other')).to.equal(false);
      expect(await devices.remove(device.id, user.id)).to.equal(true);
      expect(await devices.remove(device.id, user.id)).to.equal(false);
      expect(await devices.offlineKey(device.id)).to.equal(undefined);
      expect(await devices.reservePin(device.id)).to.deep.equal({ ok: false, why: 'removed' });
      expect(await devices.commitCounter(device.id, 5)).to.equal(false);
      expect(await devices.ratchetKnown(device.id, 'r0')).to.equal(false);
      expect(await devices.settleRightPin(device.id, 1, 'r0', 'r1', VERIFIER)).to.equal(false);
      expect(await devices.ofUser(user.id)).to.deep.equal([]);
      expect((await devices.byId(device.id))?.state).to.equal('removed');
      const { rows } = await db.knex.raw('select verifier, offline_key, ratchet, push from devices where id = ?', [
        device.id,
      ]);
      expect(rows[0]).to.deep.equal({ verifier: null, offline_key: null, ratchet: null, push: null });
    });

    it('phones: a counter rises, and a hundred of the same are one', async () => {
      const { device } = await somePhone();
      const { devices } = db.records;
      const committed = await atOnce(100, () => devices.commitCounter(device.id, 1_795_500_000_000));
      expect(committed.filter(Boolean)).to.have.length(1);
      expect(await devices.commitCounter(device.id, 1_795_499_999_999)).to.equal(false);
      expect(await devices.commitCounter(device.id, 1_795_500_000_001)).to.equal(true);
    });

    it('phones: a hundred PINs at once are three tries, then a wait; five lock', async () => {
      const { user, device } = await somePhone();
      const { devices } = db.records;
      const tries = await atOnce(100, () => devices.reservePin(device.id));
      expect(tries.flatMap((one) => (one.ok ? [one.failures] : [])).sort()).to.deep.equal([1, 2, 3]);
      const blocked = tries.find((one) => !one.ok);
      expect(blocked).to.deep.include({ why: 'blocked' });
      expect(blocked && 'retryAfter' in blocked && blocked.retryAfter).to.be.within(50, 60);
      await unblock(device.id);
      expect(await devices.reservePin(device.id)).to.deep.equal({ ok: true, failures: 4, verifier: VERIFIER });
      expect(await devices.lockAfterWrongPin(device.id)).to.equal(false);
      const fourth = await devices.reservePin(device.id);
      expect(fourth).to.deep.include({ ok: false, why: 'blocked' });
      expect('retryAfter' in fourth && fourth.retryAfter).to.be.within(110, 120);
      await unblock(device.id);
      expect(await devices.reservePin(device.id)).to.deep.include({ ok: true, failures: 5 });
      const locks = await atOnce(20, () => devices.lockAfterWrongPin(device.id));
      expect(locks.filter(Boolean)).to.have.length(1);
      expect(await devices.reservePin(device.id)).to.deep.equal({ ok: false, why: 'locked' });
      expect(await devices.settleRightPin(device.id, 5, 'r0', 'r1', VERIFIER)).to.equal(false);
      expect(await devices.unlock(device.id, 'other')).to.equal(false);
      expect(await devices.unlock(device.id, user.id)).to.equal(true);
      expect(await devices.byId(device.id)).to.deep.include({ state: 'active', pinFailures: 3 });
    });

    it('phones: the right PIN clears the count that it reserved, and no other', async () => {
      const { device } = await somePhone();
      const { devices } = db.records;
      await devices.reservePin(device.id);
      await devices.reservePin(device.id);
      expect(await devices.settleRightPin(device.id, 1, 'r0', 'r1', { pepper_id: 'p2', mac: 'new' })).to.equal(true);
      expect((await devices.byId(device.id))?.pinFailures).to.equal(1);
      expect(await devices.reservePin(device.id)).to.deep.equal({
        ok: true,
        failures: 2,
        verifier: { pepper_id: 'p2', mac: 'new' },
      });
      expect(await devices.settleRightPin(device.id, 2, 'r1', 'r2', VERIFIER)).to.equal(true);
      expect((await devices.byId(device.id))?.pinFailures).to.equal(0);
    });

    it('phones: the ratchet knows the newest and the one before; a copy locks for good', async () => {
      const { user, device } = await somePhone();
      const { devices } = db.records;
      expect(await devices.settleRightPin(device.id, 0, 'r0', 'r1', VERIFIER)).to.equal(true);
      expect(await devices.settleRightPin(device.id, 0, 'r0', 'r2', VERIFIER)).to.equal(true);
      expect(await devices.ratchetKnown(device.id, 'r0')).to.equal(true);
      expect(await devices.ratchetKnown(device.id, 'r1')).to.equal(false);
      expect(await devices.settleRightPin(device.id, 0, 'r1', 'r3', VERIFIER)).to.equal(false);
      const locks = await atOnce(20, () => devices.lockCloned(device.id));
      expect(locks.filter(Boolean)).to.have.length(1);
      expect(await devices.unlock(device.id, user.id)).to.equal(false);
      expect(await devices.byId(device.id)).to.deep.include({ state: 'locked', lockReason: 'cloned' });
    });

    it('phones: a biometric is set under the newest ratchet and moves it, and no PIN is counted', async () => {
      const { device } = await somePhone();
      const { devices } = db.records;
      const credential = { credential_id: 'c1', public_key: 'key', counter: 0 };
      const use = { credentialId: 'c1', counter: 7, presented: 'r0', next: 'r1' };
      expect(await devices.clearBiometric(device.id)).to.equal(false);
      expect(await devices.settleBiometric(device.id, use)).to.equal(false);
      expect(await devices.setBiometric(device.id, 'an older one', credential)).to.equal(false);
      expect(await devices.setBiometric(device.id, 'r0', credential)).to.equal(true);
      expect((await devices.byId(device.id))?.biometric).to.equal(true);
      await devices.reservePin(device.id);
      expect(await devices.settleBiometric(device.id, { ...use, credentialId: 'c2' })).to.equal(false);
      expect(await devices.settleBiometric(device.id, { ...use, presented: 'a copy' })).to.equal(false);
      expect(await devices.settleBiometric(device.id, use)).to.equal(true);
      expect(await devices.ratchetKnown(device.id, 'r1')).to.equal(true);
      expect(await devices.biometric(device.id)).to.deep.equal({ ...credential, counter: 7 });
      expect((await devices.byId(device.id))?.pinFailures).to.equal(1);
      expect(await devices.clearBiometric(device.id)).to.equal(true);
      expect(await devices.biometric(device.id)).to.equal(undefined);
      await devices.setBiometric(device.id, 'r1', credential);
      await devices.lockCloned(device.id);
      expect((await devices.byId(device.id))?.biometric).to.equal(false);
      expect(await devices.setBiometric(device.id, 'r1', credential)).to.equal(false);
    });

    it('phones: a new PIN changes verifier, offline key and ratchet together', async () => {
      const { device } = await somePhone();
      const { devices } = db.records;
      await devices.reservePin(device.id);
      const sealed = { ...SEALED, ciphertext: 'new' };
      expect(await devices.changePin(device.id, 1, 'unknown', 'r1', VERIFIER, sealed)).to.equal(false);
      expect(await devices.offlineKey(device.id)).to.deep.equal(SEALED);
      expect(await devices.changePin(device.id, 1, 'r0', 'r1', VERIFIER, sealed)).to.equal(true);
      expect(await devices.offlineKey(device.id)).to.deep.equal(sealed);
      expect(await devices.byId(device.id)).to.deep.include({ pinFailures: 0 });
      expect((await devices.byId(device.id))?.lastUsedAt).to.be.a('number');
    });

    it('known browsers: replaced, forgotten, over after their time', async () => {
      const user = await someone();
      const { knownBrowsers } = db.records;
      const [one, two] = [id(), id()];
      await knownBrowsers.remember(user.id, one);
      await knownBrowsers.remember(user.id, two, one);
      expect(await knownBrowsers.find(one)).to.equal(undefined);
      expect(await knownBrowsers.find(two)).to.deep.equal({ userId: user.id });
      await db.knex.raw(`update known_browsers set expires_at = clock_timestamp() where hash = ?`, [two]);
      expect(await knownBrowsers.find(two)).to.equal(undefined);
      await tidy(db.knex);
      await knownBrowsers.remember(user.id, one);
      await knownBrowsers.forgetAll(user.id);
      expect(await knownBrowsers.find(one)).to.equal(undefined);
    });

    it('consents: added to, listed newest first, taken back with what hangs on them, of one person and one service', async () => {
      const [user, other] = [await someone(), await someone()];
      const { consents } = db.records;
      const own = (client: object, resources: object = {}) => ({ client, resources }) as Consent['own'];
      const first: Consent = { scopes: ['openid'], claims: ['name'], resources: { r: ['read'] }, own: own({ a: 'x' }) };
      const later: Consent = {
        scopes: ['openid', 'email'],
        claims: [],
        resources: { r: ['write'], s: [] },
        own: own({ a: 'y' }, { r: { b: 'z' } }),
      };
      expect(await consents.of(user.id, 'app')).to.equal(undefined);
      await consents.add(user.id, 'app', first);
      await consents.add(other.id, 'app', first);
      await consents.add(user.id, 'shop', first);
      await consents.add(user.id, 'app', later);
      expect(await consents.of(user.id, 'app')).to.deep.equal({
        scopes: ['openid', 'email'],
        claims: ['name'],
        resources: { r: ['read', 'write'], s: [] },
        own: own({ a: 'y' }, { r: { b: 'z' } }),
      });
      const listed = await consents.all(user.id);
      expect(listed.map(({ clientId }) => clientId)).to.deep.equal(['app', 'shop']);
      expect(listed[0]?.givenAt).to.be.closeTo(Date.now(), 60_000);

      const keep = (model: string, of: string, clientId: string) =>
        db.knex.raw(`insert into oidc_artefacts (model, id, payload, account_id) values (?, ?, ?, ?)`, [
          model,
          `${model} of ${of} for ${clientId}`,
          JSON.stringify({ clientId }),
          of,
        ]);
      for (const model of ['Grant', 'RefreshToken'])
        for (const of of [user.id, other.id]) for (const client of ['app', 'shop']) await keep(model, of, client);
      expect(await consents.takeBack(user.id, 'app')).to.equal(true);
      expect(await consents.takeBack(user.id, 'app')).to.equal(false);
      const { rows } = await db.knex.raw(`select id from oidc_artefacts where account_id = ?`, [user.id]);
      expect(rows.map((row: { id: string }) => row.id)).to.have.members([
        `Grant of ${user.id} for shop`,
        `RefreshToken of ${user.id} for shop`,
      ]);
      const left = await db.knex.raw(`select id from oidc_artefacts where account_id = ?`, [other.id]);
      expect(left.rows).to.have.length(4);
      expect(await consents.of(user.id, 'app')).to.equal(undefined);
      expect(await consents.of(other.id, 'app')).to.deep.equal(first);
      expect(await consents.of(user.id, 'shop')).to.deep.equal(first);
    });

    it('tickets: one of a hundred spends it, for its purpose, in its time', async () => {
      const user = await someone();
      const { tickets } = db.records;
      const ticket = { hash: id(), userId: user.id, purpose: 'invite' as const, expiresInSeconds: 60 };
      await tickets.insert(ticket);
      expect(await tickets.peek(ticket.hash, 'password_reset')).to.equal(undefined);
      expect(await tickets.peek(ticket.hash, 'invite')).to.equal(user.id);
      const spent = await atOnce(100, () => tickets.spend(ticket.hash, 'invite'));
      expect(spent.filter((found) => found === user.id)).to.have.length(1);
      const late = { ...ticket, hash: id(), expiresInSeconds: -1 };
      await tickets.insert(late);
      expect(await tickets.spend(late.hash, 'invite')).to.equal(undefined);
      const cancelled = { ...ticket, hash: id() };
      await tickets.insert(cancelled);
      await tickets.cancelAll(user.id);
      expect(await tickets.peek(cancelled.hash, 'invite')).to.equal(undefined);
    });

    it('spent: true for one of a hundred', async () => {
      const spent = await atOnce(100, () => db.records.spent.transaction('txn'));
      expect(spent.filter(Boolean)).to.have.length(1);
    });

    it('commits everything together, or nothing', async () => {
      const user = person();
      const error = await refused(
        db.atomically(async (records) => {
          await records.users.insert(user);
          await records.audit.record({ event: 'user_created', outcome: 'success', sub: user.id });
          throw new Error('half-way');
        }),
      );
      expect(error).to.equal('half-way');
      expect(await db.records.users.byId(user.id)).to.equal(undefined);
      const { rows } = await db.knex.raw(`select id from audit_events where event ->> 'sub' = ?`, [user.id]);
      expect(rows).to.deep.equal([]);
    });

    it('audit: chained once by many writers, verified, and odd text stops nothing', async () => {
      await atOnce(20, (n) =>
        db.records.audit.record({ event: 'sys_startup', outcome: 'success', detail: { n, half: 0.5 } }),
      );
      await db.records.audit.record({
        event: 'device_added',
        outcome: 'success',
        userAgent: 'a\u0000b \ud800 "\\',
        detail: { x: true },
      });
      const chained = await atOnce(4, () => chainAudit(db.knex));
      expect(chained.reduce((sum, n) => sum + n, 0)).to.be.at.least(21);
      const stop = startAuditChain(db.knex, silent, 20);
      await db.records.audit.record({ event: 'sys_shutdown', outcome: 'success' });
      await stop();
      const verdict = await verifyAudit(db.knex);
      expect(verdict).to.deep.include({ ok: true, unchained: 0 });
    });

    it('audit: rows cannot be changed, deleted or emptied', async () => {
      for (const statement of [
        `update audit_events set event = '{}'`,
        `update audit_events set hash = 'x'`,
        'delete from audit_events',
        'truncate audit_events',
      ]) {
        expect(await refused(db.knex.raw(statement)), statement).to.contain('append-only');
      }
    });

    it('audit: tampering by somebody who can drop the guard is found', async () => {
      const head = await verifyAudit(db.knex);
      if (!head.ok || !head.head) throw new Error('nothing chained');
      const known = head.head;
      expect(await verifyAudit(db.knex, known)).to.deep.include({ ok: true });
      const behindTheGuard = async (...statements: string[]) => {
        await db.knex.raw('alter table audit_events disable trigger all');
        for (const statement of statements) await db.knex.raw(statement);
        await db.knex.raw('alter table audit_events enable trigger all');
      };
      await behindTheGuard(
        'create table kept as select * from audit_events',
        `update audit_events set event = event || '{"outcome": "failure"}' where seq = 3`,
      );
      const wrong = async () => {
        const verdict = await verifyAudit(db.knex);
        return verdict.ok ? [] : verdict.problems;
      };
      const places = async () => (await wrong()).map(({ seq, why }) => `${seq} ${why}`);
      const [changed] = await wrong();
      const { rows: third } = await db.knex.raw('select id::text as id from audit_events where seq = 3');
      expect(changed).to.deep.include({ seq: 3, why: 'changed', id: third[0].id });
      expect(await places()).to.deep.equal(['3 changed']);
      await behindTheGuard('delete from audit_events where seq = 3');
      expect(await places()).to.deep.equal(['3 missing']);
      // Two rows change places, links and all.
      await behindTheGuard(
        'delete from audit_events',
        'insert into audit_events overriding system value select * from kept',
        'update audit_events set seq = -1 where seq = 5',
        'update audit_events set seq = 5 where seq = 4',
        'update audit_events set seq = 4 where seq = -1',
      );
      expect(await places()).to.deep.equal(['4 moved', '5 moved']);
      expect((await wrong())[0]).to.deep.include({ foundAt: 5 });
      // A row's event is given to another row.
      await behindTheGuard(
        'delete from audit_events',
        'insert into audit_events overriding system value select * from kept',
        'update audit_events set event = (select k.event from kept k where k.seq = 7) where seq = 6',
      );
      expect(await places()).to.deep.equal(['6 changed']);
      await behindTheGuard(
        'delete from audit_events',
        'insert into audit_events overriding system value select * from kept',
        `delete from audit_events where seq = ${known.seq}`,
      );
      expect(await verifyAudit(db.knex)).to.deep.include({ ok: true });
      expect(await verifyAudit(db.knex, known)).to.deep.equal({
        ok: false,
        problems: [{ seq: known.seq, why: 'head_gone' }],
      });
    });

    it('audit: what is old goes up to a checkpoint, and the rest is still verified', async () => {
      while ((await chainAudit(db.knex)) > 0);
      const year = 365 * 86_400;
      expect(await pruneAudit(db.knex, year)).to.equal(0);
      await db.knex.raw('alter table audit_events disable trigger all');
      await db.knex.raw('delete from audit_events');
      await db.knex.raw('alter table audit_events enable trigger all');
      const old = Array.from(
        { length: 9 },
        (_none, n) => `('{"event":"sys_startup","n":${n}}', now() - interval '400 days')`,
      );
      await db.knex.raw(`insert into audit_events (event, at) values ${old.join(',')}`);
      await db.records.audit.record({ event: 'sys_shutdown', outcome: 'success' });
      while ((await chainAudit(db.knex)) > 0);
      expect(await verifyAudit(db.knex)).to.deep.include({ ok: true, events: 10, from: 0 });
      expect(await pruneAudit(db.knex, year)).to.equal(9);
      expect(await verifyAudit(db.knex)).to.deep.include({ ok: true, events: 1, from: 9, unchained: 1 });
      while ((await chainAudit(db.knex)) > 0);
      expect(await verifyAudit(db.knex)).to.deep.include({ ok: true, events: 2, from: 9 });
      // What is younger than the checkpoint still cannot be deleted.
      expect(await refused(db.knex.raw('delete from audit_events'))).to.contain('append-only');
      // A checkpoint that somebody made up, to hide a deletion, is no event of the chain.
      const { rows: link } = await db.knex.raw('select hash from audit_events where seq = 10');
      await db.knex.raw('insert into audit_checkpoints (seq, hash, told_by) select 10, ?, min(id) from audit_events', [
        link[0].hash,
      ]);
      await db.knex.raw('delete from audit_events where seq = 10');
      expect(await verifyAudit(db.knex)).to.deep.equal({
        ok: false,
        problems: [{ seq: 10, why: 'checkpoint_unknown' }],
      });
    });
  });
}
