// The biometric of a phone over real HTTP (protocol sections 4 E5 and 5.5), by an authenticator in software: every branch and every refusal.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import pg from 'pg';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { PhoneProblem } from '../../src/cli/phone-wire.ts';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { toBase64url } from '../../src/protocol/bytes.ts';
import { openLink, signInLink } from '../../src/protocol/links.ts';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { spendApproval } from '../../src/usecases/spend-approval.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { BiometricPhone, type Faults } from '../support/authenticator.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const WRONG = '805138';
const service = { clientId: 'payroll', name: 'Payroll' };
const random = (length: number) => toBase64url(crypto.getRandomValues(new Uint8Array(length)));

/** The refusal that a promise ends with. */
async function refusal(work: Promise<unknown>): Promise<PhoneProblem> {
  const ended = await work.catch((error: unknown) => error);
  if (ended instanceof PhoneProblem) return ended;
  if (ended instanceof Error) throw ended;
  throw new Error('nothing was refused');
}
const why = async (work: Promise<unknown>) => (await refusal(work)).code;

describe('the biometric of a phone', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let world: World;
  let database: pg.Client;

  before(async () => {
    running = await startHouse();
    world = running.house.world;
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
  });
  after(async () => {
    await database.end();
    await running.close();
  });

  async function owner(): Promise<{ userId: string; login: string; deviceId: string; phone: BiometricPhone }> {
    const { id: userId, login } = await person(running.house);
    const started = await startEnrolment(world, { userId, session: 's', name: 'My phone', pin: PIN, pinAgain: PIN });
    if (!started.ok) throw new Error(started.why);
    const phone = new BiometricPhone(running.issuer, memoryStore());
    await phone.enrol({ link: started.link }, PIN);
    return { userId, login, deviceId: (await phone.account()).deviceId, phone };
  }

  /** An owner whose biometric is switched on. */
  async function withBiometric() {
    const one = await owner();
    await one.phone.switchOn(PIN);
    return one;
  }

  async function ask(userId: string): Promise<Transaction> {
    await world.limits.clear('push_short', userId);
    const asking = { userId, interaction: 'uid', kind: 'signin', bind: 'b', level: 'mfa', fresh: true } as const;
    const asked = await askPhone(world, { ...asking, service, wants: 'qr' });
    if (!asked.ok) throw new Error(asked.why);
    return asked.transaction;
  }

  /** A request that this phone has opened and that wants the number. */
  async function asked(one: { userId: string; phone: BiometricPhone }) {
    const transaction = await ask(one.userId);
    return { transaction, entry: await one.phone.open(openLink(running.issuer, transaction.id)) };
  }

  const device = async (id: string) => {
    const found = await world.records.devices.byId(id);
    if (!found) throw new Error('no device');
    return found;
  };
  const audited = async (userId: string) =>
    (
      await database.query(
        `select event ->> 'event' as event from audit_events where event ->> 'sub' = $1 order by id`,
        [userId],
      )
    ).rows.map(({ event }: { event: string }) => event);
  const subjects = (login: string) =>
    readdirSync(join(running.folder, 'data', 'outbox'))
      .sort()
      .map((name) => readFileSync(join(running.folder, 'data', 'outbox', name), 'utf8'))
      .filter((mail) => mail.includes(`${login}@example.org`))
      .map((mail) => /^Subject: (.*)$/m.exec(mail)?.[1]);

  describe('switching it on', () => {
    it('offers a credential of the phone itself, that nobody finds, with its user verified', async () => {
      const { login, phone } = await owner();
      const { options } = await phone.offer(PIN);
      const { challenge, user, ...rest } = options;
      expect(challenge).to.match(/^[\w-]{43}$/);
      expect(user).to.deep.include({ name: login, displayName: login });
      expect(user.id).to.match(/^[\w-]{22}$/);
      expect(rest).to.deep.equal({
        rp: { id: 'localhost', name: 'localhost' },
        pubKeyCredParams: [-7, -257].map((alg) => ({ type: 'public-key', alg })),
        timeout: 120_000,
        attestation: 'none',
        authenticatorSelection: {
          authenticatorAttachment: 'platform',
          residentKey: 'discouraged',
          requireResidentKey: false,
          userVerification: 'required',
        },
      });
      expect((await phone.offer(PIN)).options).to.not.include({ challenge });
      expect((await phone.offer(PIN)).options.user.id).to.not.equal(user.id);
    });

    it('is told by self, mail and audit, on and off', async () => {
      const { userId, login, phone } = await owner();
      expect((await phone.self()).biometric).to.equal(false);
      await phone.switchOn(PIN);
      expect((await phone.self()).biometric).to.equal(true);
      await phone.request('webauthn/remove');
      await phone.request('webauthn/remove');
      expect((await phone.self()).biometric).to.equal(false);
      const about = (await audited(userId)).filter((event) => event.startsWith('biometric'));
      expect(about).to.deep.equal(['biometric_added', 'biometric_removed']);
      expect(subjects(login).filter((subject) => subject?.startsWith('Face'))).to.deep.equal([
        'Face or fingerprint was switched on for a phone',
        'Face or fingerprint was switched off for a phone',
      ]);
    });

    it('asks the PIN first and counts it like any other', async () => {
      const { deviceId, phone } = await owner();
      const wrong = await refusal(phone.offer(WRONG));
      expect([wrong.code, wrong.problem.remaining]).to.deep.equal(['wrong_pin', 4]);
      expect((await device(deviceId)).pinFailures).to.equal(1);
      await phone.offer(PIN);
      expect((await device(deviceId)).pinFailures).to.equal(0);
      for (let n = 0; n < 3; n += 1) await world.records.devices.reservePin(deviceId);
      expect(await why(phone.offer(PIN))).to.equal('pin_backoff');
    });

    it('gives a copied phone away before its PIN is looked at', async () => {
      const { deviceId, phone } = await owner();
      const pin_tag = random(32);
      const copied = phone.request('webauthn/register/options', { pin_tag, ratchet: random(16) });
      expect(await why(copied)).to.equal('device_cloned');
      expect(await device(deviceId)).to.include({ lockReason: 'cloned', pinFailures: 0 });
    });

    it('moves the ratchet', async () => {
      const { deviceId, phone } = await owner();
      const first = (await phone.store.load())?.account?.ratchet ?? '';
      await phone.offer(PIN);
      await phone.offer(PIN);
      expect(await why(phone.request('webauthn/register/options', { pin_tag: random(32), ratchet: first }))).to.equal(
        'device_cloned',
      );
      expect((await device(deviceId)).state).to.equal('locked');
    });

    it('takes an offer once, and only the last one', async () => {
      const { phone } = await owner();
      const old = await phone.offer(PIN);
      const { options } = await phone.offer(PIN);
      expect(await why(phone.register(phone.authenticator.create(old.options.challenge)))).to.equal('wrong_biometric');
      // A wrong answer has used the offer up.
      expect(await why(phone.register(phone.authenticator.create(options.challenge)))).to.equal('wrong_biometric');
      const { options: fresh } = await phone.offer(PIN);
      const made = phone.authenticator.create(fresh.challenge);
      await phone.register(made);
      expect(await why(phone.register(made))).to.equal('wrong_biometric');
    });

    it('takes no credential without an offer, and none that was offered to another phone', async () => {
      const [one, two] = [await owner(), await owner()];
      const { options } = await one.phone.offer(PIN);
      const made = two.phone.authenticator.create(options.challenge);
      expect(await why(two.phone.register(made))).to.equal('wrong_biometric');
      expect((await one.phone.self()).biometric).to.equal(false);
      await one.phone.register(made);
    });

    it('keeps an offer for 120 seconds', async () => {
      const { deviceId, phone } = await owner();
      await phone.offer(PIN);
      const redis = new Redis(running.environment['REDIS_URL'] ?? '');
      const [key = ''] = await redis.keys(`*webauthn:${deviceId}`);
      const left = await redis.ttl(key);
      redis.disconnect();
      expect(left).to.be.within(100, 120);
    });

    it('ends an offer with the PIN that it was asked with', async () => {
      const { phone } = await owner();
      const { options } = await phone.offer(PIN);
      await phone.changePin(PIN, '928374');
      expect(await why(phone.register(phone.authenticator.create(options.challenge)))).to.equal('wrong_biometric');
      expect((await phone.self()).biometric).to.equal(false);
    });

    it('ends an offer when it is switched off', async () => {
      const { phone } = await owner();
      const { options } = await phone.offer(PIN);
      await phone.request('webauthn/remove');
      expect(await why(phone.register(phone.authenticator.create(options.challenge)))).to.equal('wrong_biometric');
    });

    const wrong: { [what: string]: Faults } = {
      'of another origin': { origin: 'https://evil.example' },
      'of another RP ID': { rpId: 'evil.example' },
      'without its user verified': { unverified: true },
      'that is a use of one': { type: 'webauthn.get' },
      'for another challenge': { challenge: random(32) },
      'with the certificate of a maker': { certified: true },
    };
    for (const [what, faults] of Object.entries(wrong)) {
      it(`refuses a credential ${what}`, async () => {
        const { phone } = await owner();
        const { options } = await phone.offer(PIN);
        const made = phone.authenticator.create(options.challenge, faults);
        expect(await why(phone.register(made))).to.equal('wrong_biometric');
        expect((await phone.self()).biometric).to.equal(false);
      });
    }

    it('refuses a credential under another id than its own', async () => {
      const { phone } = await owner();
      const { options } = await phone.offer(PIN);
      const made = { ...phone.authenticator.create(options.challenge), credential_id: random(16) };
      expect(await why(phone.register(made))).to.equal('wrong_biometric');
    });

    it('refuses bytes that are no attestation', async () => {
      const { phone } = await owner();
      const { options } = await phone.offer(PIN);
      const made = { ...phone.authenticator.create(options.challenge), attestation_object: random(40) };
      expect(await why(phone.register(made))).to.equal('wrong_biometric');
    });

    it('replaces the one before: one for each phone', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const { number } = transaction;
      const old = await one.phone.approval(entry, { number });
      await one.phone.switchOn(PIN);
      expect(await why(one.phone.ratcheted('respond', old))).to.equal('wrong_biometric');
      expect(await one.phone.approveByBiometric(entry, { number })).to.include({ state: 'approved' });
    });
  });

  describe('approving with it', () => {
    it('tells what to ask the authenticator for, for an open request of its person', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      expect(await one.phone.request('webauthn/options', { txn: entry.txn })).to.deep.equal({
        rp_id: 'localhost',
        credential_id: one.phone.authenticator.credentialId,
      });
      expect(await why(one.phone.request('webauthn/options', { txn: random(16) }))).to.equal('unknown_transaction');
      const stranger = await withBiometric();
      expect(await why(stranger.phone.request('webauthn/options', { txn: entry.txn }))).to.equal('unknown_transaction');
      await world.transactions.answer(transaction.id, 'denied');
      expect(await why(one.phone.request('webauthn/options', { txn: entry.txn }))).to.equal('denied');
      const bare = await owner();
      const { entry: other } = await asked(bare);
      expect(await why(bare.phone.request('webauthn/options', { txn: other.txn }))).to.equal('no_biometric');
    });

    it('approves by number, and amr names neither a PIN nor a face', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const { number } = transaction;
      expect(await one.phone.approveByBiometric(entry, { number })).to.include({ state: 'approved' });
      const now = { bind: 'b', interaction: 'uid', userId: one.userId, service, level: 'mfa' };
      const spent = await spendApproval(world, { txn: transaction.id, ...now });
      expect(spent.ok && spent.proof.amr).to.deep.equal(['swk', 'mca', 'user', 'mfa']);
      expect(await audited(one.userId)).to.include('transaction_approved');
    });

    it('approves a scanned code without a number', async () => {
      const one = await withBiometric();
      const transaction = await ask(one.userId);
      const frame = await currentFrame(world, transaction);
      const entry = await one.phone.claim(signInLink(running.issuer, transaction.id, frame, transaction.context));
      expect(await one.phone.approveByBiometric(entry)).to.include({ state: 'approved' });
    });

    it('moves the ratchet only: no PIN is counted, none is forgiven, and none makes it wait', async () => {
      const one = await withBiometric();
      for (let n = 0; n < 3; n += 1) await world.records.devices.reservePin(one.deviceId);
      const before = (await one.phone.store.load())?.account?.ratchet;
      const { entry, transaction } = await asked(one);
      const { number } = transaction;
      expect(await why(one.phone.approve(entry, { pin: PIN, number }))).to.equal('pin_backoff');
      expect(await one.phone.approveByBiometric(entry, { number })).to.include({ state: 'approved' });
      expect((await device(one.deviceId)).pinFailures).to.equal(3);
      const after = (await one.phone.store.load())?.account?.ratchet;
      expect(after).to.not.equal(before);
      expect(await why(one.phone.approve((await asked(one)).entry, { pin: PIN, number }))).to.not.equal(
        'device_cloned',
      );
    });

    const doctored: { [what: string]: (entry: PendingTransaction) => object } = {
      'another context': () => ({ ctx_hash: random(32) }),
      'another request': () => ({ txn: random(16) }),
      'another nonce': () => ({ nonce: random(16) }),
      'another device': () => ({ device: 'd_another' }),
      'another number': () => ({ number: '12' }),
      'no number': () => ({ number: undefined }),
    };
    for (const [what, signed] of Object.entries(doctored)) {
      it(`refuses an assertion over ${what}`, async () => {
        const one = await withBiometric();
        const { entry, transaction } = await asked(one);
        const told = one.phone.approveByBiometric(entry, { number: transaction.number, signed: signed(entry) });
        expect(await why(told)).to.equal('wrong_biometric');
        expect((await world.transactions.find(transaction.id))?.state).to.equal('pending');
        expect((await device(one.deviceId)).pinFailures).to.equal(0);
      });
    }

    const wrong: { [what: string]: Faults } = {
      'of another origin': { origin: 'https://evil.example' },
      'of another RP ID': { rpId: 'evil.example' },
      'without its user verified': { unverified: true },
      'that makes a credential': { type: 'webauthn.create' },
      'of an authenticator that counts backwards': { counter: 1 },
    };
    for (const [what, faults] of Object.entries(wrong)) {
      it(`refuses an assertion ${what}`, async () => {
        const one = await withBiometric();
        const { entry, transaction } = await asked(one);
        const { number } = transaction;
        expect(await why(one.phone.approveByBiometric(entry, { number, faults }))).to.equal('wrong_biometric');
        expect(await one.phone.approve(entry, { pin: PIN, number })).to.include({ state: 'approved' });
      });
    }

    it('refuses the credential of another phone, and a signature of another key under the right id', async () => {
      const [one, two] = [await withBiometric(), await withBiometric()];
      const { entry, transaction } = await asked(one);
      const { number } = transaction;
      const mine = await one.phone.approval(entry, { number });
      const { deviceId: signed } = one;
      const theirs = await two.phone.approval(entry, { number, signed: { device: signed } });
      expect(await why(one.phone.ratcheted('respond', theirs))).to.equal('wrong_biometric');
      const borrowed = { ...(theirs['assertion'] as object), credential_id: one.phone.authenticator.credentialId };
      expect(await why(one.phone.ratcheted('respond', { ...mine, assertion: borrowed }))).to.equal('wrong_biometric');
      const renamed = { ...(mine['assertion'] as object), credential_id: two.phone.authenticator.credentialId };
      expect(await why(one.phone.ratcheted('respond', { ...mine, assertion: renamed }))).to.equal('wrong_biometric');
      expect(await one.phone.ratcheted('respond', mine)).to.include({ state: 'approved' });
    });

    it('wants exactly one of PIN and assertion, and the one that uv names', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const good = await one.phone.approval(entry, { number: transaction.number });
      const { assertion, ...bare } = good;
      for (const claims of [
        { ...good, pin_tag: random(32) },
        { ...good, uv: 'pin' },
        { ...bare, pin_tag: random(32) },
        bare,
        { ...good, assertion: { ...(assertion as object), more: 'x' } },
        { ...good, assertion: { ...(assertion as object), signature: 'not base64url!' } },
      ])
        expect(await why(one.phone.ratcheted('respond', claims))).to.equal('malformed');
      expect(await one.phone.ratcheted('respond', good)).to.include({ state: 'approved' });
    });

    it('needs the transfer first, and an approval that was never asked for is none', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      expect(await why(one.phone.approveByBiometric(entry))).to.equal('not_transferred');
      const number = transaction.number === '000000' ? '000001' : '000000';
      expect(await why(one.phone.approveByBiometric(entry, { number, faults: { unverified: true } }))).to.equal(
        'wrong_number',
      );
      expect((await world.transactions.find(transaction.id))?.state).to.equal('failed');
    });

    it('says no_biometric where there is none any more, and the PIN still works', async () => {
      const one = await withBiometric();
      await one.phone.request('webauthn/remove');
      const { entry, transaction } = await asked(one);
      const { number } = transaction;
      expect(await why(one.phone.approveByBiometric(entry, { number }))).to.equal('no_biometric');
      expect(await one.phone.approve(entry, { pin: PIN, number })).to.include({ state: 'approved' });
    });

    it('cannot be replayed, by the same message or in a new one', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const good = await one.phone.approval(entry, { number: transaction.number });
      await one.phone.ratcheted('respond', good);
      expect(await why(one.phone.ratcheted('respond', good))).to.equal('approved');
      const next = await asked(one);
      const old = {
        ...(await one.phone.approval(next.entry, { number: next.transaction.number })),
        assertion: good['assertion'],
      };
      expect(await why(one.phone.ratcheted('respond', old))).to.equal('wrong_biometric');
    });

    it('carries the ratchet also where the request was ended in the meantime', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const { number } = transaction;
      const claims = await one.phone.approval(entry, { number });
      const { answer } = world.transactions;
      // Another phone is faster, between this one's check and its move.
      world.transactions.answer = async (...args) => {
        world.transactions.answer = answer;
        await answer(args[0], 'denied');
        return answer(...args);
      };
      const late = await refusal(one.phone.ratcheted('respond', claims));
      expect(late.code).to.equal('denied');
      expect(late.problem.ratchet).to.match(/^[\w-]{22}$/);
      const again = await asked(one);
      expect(await one.phone.approveByBiometric(again.entry, { number: again.transaction.number })).to.include({
        state: 'approved',
      });
    });

    it('is refused where it is switched off between check and settling, and the phone is not taken for a copy', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const claims = await one.phone.approval(entry, { number: transaction.number });
      const { atomically } = world;
      world.atomically = async (work) => {
        world.atomically = atomically;
        await world.records.devices.clearBiometric(one.deviceId);
        return atomically(work);
      };
      expect(await why(one.phone.ratcheted('respond', claims))).to.equal('no_biometric');
      expect((await device(one.deviceId)).state).to.equal('active');
      expect((await world.transactions.find(transaction.id))?.state).to.equal('pending');
    });
  });

  describe('what ends it', () => {
    it('a new PIN', async () => {
      const one = await withBiometric();
      await one.phone.changePin(PIN, '928374');
      expect((await one.phone.self()).biometric).to.equal(false);
    });

    it('a copy: the biometric is no way around the ratchet', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      const claims = await one.phone.approval(entry, { number: transaction.number });
      expect(await why(one.phone.request('respond', { ...claims, ratchet: random(16) }))).to.equal('device_cloned');
      expect(await device(one.deviceId)).to.include({ state: 'locked', biometric: false });
    });

    it('a lock, while it lasts', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      await database.query(`update devices set state = 'locked', lock_reason = 'pin' where id = $1`, [one.deviceId]);
      const { number } = transaction;
      expect(await why(one.phone.approveByBiometric(entry, { number }))).to.equal('device_locked');
      expect(await why(one.phone.request('webauthn/options', { txn: entry.txn }))).to.equal('device_locked');
      expect(await why(one.phone.offer(PIN))).to.equal('device_locked');
      expect(await why(one.phone.request('webauthn/remove'))).to.equal('device_locked');
      await world.records.devices.unlock(one.deviceId, one.userId);
      expect(await one.phone.approveByBiometric(entry, { number })).to.include({ state: 'approved' });
    });

    it('removal of the phone', async () => {
      const one = await withBiometric();
      const { entry, transaction } = await asked(one);
      await removeDevice(world, { userId: one.userId, deviceId: one.deviceId });
      const { number } = transaction;
      expect(await why(one.phone.approveByBiometric(entry, { number }))).to.equal('device_removed');
      const { rows } = await database.query('select biometric from devices where id = $1', [one.deviceId]);
      expect(rows).to.deep.equal([{ biometric: null }]);
    });
  });
});
