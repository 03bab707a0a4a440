// The rules of the phone, use case by use case, on the embedded default and on PostgreSQL with Redis: races, limits, letters, audit.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import type { Device } from '../../src/domain/device.ts';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { toBase64url } from '../../src/protocol/bytes.ts';
import { contextHash } from '../../src/protocol/context.ts';
import type { PublicJwk } from '../../src/protocol/derivations.ts';
import { sealSecrets } from '../../src/protocol/messages.ts';
import { offlineCode } from '../../src/protocol/ocra.ts';
import { acceptRestored } from '../../src/usecases/accept-restored.ts';
import { type Answered, answerTransaction } from '../../src/usecases/answer-transaction.ts';
import { type Asked, type Asking, askPhone } from '../../src/usecases/ask-phone.ts';
import { beginEnrolment } from '../../src/usecases/begin-enrolment.ts';
import { currentFrame, extendTransaction } from '../../src/usecases/browser-transaction.ts';
import { changePin } from '../../src/usecases/change-pin.ts';
import { claimQr } from '../../src/usecases/claim-qr.ts';
import { completeEnrolment } from '../../src/usecases/complete-enrolment.ts';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import { removeDevice, renameDevice } from '../../src/usecases/manage-devices.ts';
import { addUser } from '../../src/usecases/manage-users.ts';
import { spendApproval } from '../../src/usecases/spend-approval.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { unlockDevice } from '../../src/usecases/unlock-device.ts';
import { openStores, type Stores } from '../support/stores.ts';

const PIN = '805139';
const service = { clientId: 'payroll', name: 'Payroll' };

/** A phone on paper: what a real one keeps, without its turns. */
interface Paper {
  userId: string;
  email: string;
  deviceId: string;
  tag: Uint8Array;
  offlineKey: Uint8Array<ArrayBuffer>;
  ratchet: string;
}

const id16 = () => toBase64url(crypto.getRandomValues(new Uint8Array(16)));
const bytes32 = () => crypto.getRandomValues(new Uint8Array(32));

async function newJwk(): Promise<PublicJwk> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
  const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { kty: 'EC', crv: 'P-256', x, y };
}

for (const backend of ['embedded', 'servers'] as const) {
  describe(`phone use cases on ${backend}`, function () {
    this.timeout(120_000);
    let stores: Stores;
    let world: World;
    let people = 0;

    before(async () => {
      stores = await openStores(backend, { 'devices.yaml': { kdf_iterations: 1000, accounts_per_device: 1 } });
      world = stores.world;
    });
    after(() => stores.close());

    async function person(): Promise<{ userId: string; email: string }> {
      people += 1;
      const email = `p${people}@example.test`;
      const added = await addUser(world, { login: `person${people}`, name: 'A Person', email });
      if (!added.ok) throw new Error(added.why);
      return { userId: added.user.id, email };
    }

    async function offer(userId: string): Promise<{ token: string; enrolmentId: string }> {
      const started = await startEnrolment(world, { userId, session: 's', name: 'My phone', pin: PIN, pinAgain: PIN });
      if (!started.ok) throw new Error(started.why);
      return { token: started.link.split('#e1.')[1] ?? '', enrolmentId: started.enrolmentId };
    }

    const begin = (token: string, jwk: PublicJwk, installId = id16()) =>
      beginEnrolment(world, { by: { token }, jwk, installId, address: '192.0.2.1' });

    async function enrol(userId: string, email = '', installId = id16()): Promise<Paper & { token: string }> {
      const { token, enrolmentId } = await offer(userId);
      const begun = await begin(token, await newJwk(), installId);
      if (!begun.ok) throw new Error(begun.why);
      const enrolment = await world.enrolments.find(enrolmentId);
      if (!enrolment) throw new Error('no enrolment');
      const [tag, offlineKey] = [bytes32(), bytes32()];
      const secrets = { pin: PIN, pin_tag: toBase64url(tag), k_off: toBase64url(offlineKey) };
      const sec = await sealSecrets(world.vault.encryptionJwk(), { device: begun.offer.device_id, ...secrets });
      const completed = await completeEnrolment(world, { enrolment, nonce: begun.offer.nonce, platform: 'Paper', sec });
      if (!completed.ok) throw new Error(completed.why);
      const { device_id, ratchet } = completed.result;
      return { userId, email, deviceId: device_id, tag, offlineKey, ratchet, token };
    }

    async function owner(): Promise<Paper & { token: string }> {
      const { userId, email } = await person();
      return enrol(userId, email);
    }

    async function device(paper: Paper): Promise<Device> {
      const found = await world.records.devices.byId(paper.deviceId);
      if (!found) throw new Error('no device');
      return found;
    }

    async function asked(userId: string, more: Partial<Asking> = {}): Promise<Extract<Asked, { ok: true }>> {
      const interaction = 'uid';
      const usual = { userId, interaction, kind: 'signin', bind: 'bind', service, level: 'mfa', fresh: true } as const;
      const answer = await askPhone(world, { ...usual, ...more });
      if (!answer.ok) throw new Error(answer.why);
      return answer;
    }

    const ask = async (userId: string, more?: Partial<Asking>): Promise<Transaction> =>
      (await asked(userId, more)).transaction;

    /** Why no request goes to the phone, of somebody who asks for one. */
    const held = async (userId: string, more?: Partial<Asking>) =>
      (await asked(userId, { wants: 'push', ...more })).held;

    async function approve(
      paper: Paper,
      transaction: Transaction,
      more: { number?: string; pinTag?: Uint8Array; ratchet?: string } = {},
    ): Promise<Answered> {
      const { id: txn, nonce, number } = transaction;
      const ctxHash = await contextHash(transaction.context);
      const { pinTag, ...transfer } = { number, pinTag: paper.tag, ratchet: paper.ratchet, ...more };
      const answered = await answerTransaction(world, {
        device: await device(paper),
        answer: { decision: 'approve', txn, nonce, ctxHash, ...transfer, proof: { uv: 'pin', pinTag } },
      });
      if ('ratchet' in answered && answered.ratchet !== undefined) paper.ratchet = answered.ratchet;
      return answered;
    }

    async function stop(paper: Paper, transaction: Transaction, decision: 'deny' | 'report'): Promise<Answered> {
      const { id: txn, nonce, context } = transaction;
      const answer = { decision, txn, nonce, ctxHash: await contextHash(context) };
      return answerTransaction(world, { device: await device(paper), answer });
    }

    const spend = (transaction: Transaction, more: { interaction?: string; knownBrowser?: string } = {}) =>
      spendApproval(world, {
        txn: transaction.id,
        bind: transaction.bind,
        interaction: 'uid',
        userId: transaction.userId,
        service,
        level: 'mfa',
        ...more,
      });

    const enter = (transaction: Transaction, code: string) =>
      enterOfflineCode(world, {
        txn: transaction.id,
        bind: transaction.bind,
        interaction: 'uid',
        userId: transaction.userId,
        service,
        level: 'mfa',
        code,
      });

    const codeOf = (paper: Paper, { id, context }: Transaction) =>
      offlineCode(paper.offlineKey, Uint8Array.from(Buffer.from(id, 'base64url')), context);

    async function wrongCode(paper: Paper, transaction: Transaction): Promise<string> {
      return (await codeOf(paper, transaction)) === '00000000' ? '00000001' : '00000000';
    }

    /** The last mail to this person, which may take a moment. @param subject what it must be about. */
    async function mail(paper: { email: string }, subject: string): Promise<string> {
      for (let tries = 0; tries < 1000; tries += 1) {
        const found = stores.mailsTo(paper.email).find((one) => one.includes(`Subject: ${subject}\r\n`));
        if (found !== undefined) return found;
        await wait(20);
      }
      throw new Error(`no mail "${subject}"`);
    }

    const events = async (paper: { userId: string }) =>
      (await stores.audit(paper.userId)).map(({ event, outcome, reason }) => [event, outcome, reason].filter(Boolean));

    const unblock = (paper: Paper) =>
      stores.sql(`update devices set pin_blocked_until = '-infinity' where id = ?`, [paper.deviceId]);

    describe('races', () => {
      it('takes exactly one of 100 approvals at once', async () => {
        const paper = await owner();
        const transaction = await ask(paper.userId, { wants: 'push' });
        const before = { ...paper };
        const answers = await Promise.all(Array.from({ length: 100 }, () => approve({ ...before }, transaction)));
        expect(answers.filter((one) => one.ok)).to.have.length(1);
        expect((await spend(transaction)).ok).to.equal(true);
        expect((await spend(transaction)).ok).to.equal(false);
        const approved = (await events(paper)).filter(
          ([event, outcome]) => event === 'transaction_approved' && outcome,
        );
        expect(approved.length).to.be.at.least(1);
      });

      it('gives one end where approvals and denials meet', async () => {
        for (let round = 0; round < 5; round += 1) {
          const paper = await owner();
          const transaction = await ask(paper.userId, { wants: 'push' });
          const race = await Promise.all([
            approve({ ...paper }, transaction),
            stop(paper, transaction, 'deny'),
            stop(paper, transaction, 'deny'),
          ]);
          const won = race.filter((one) => one.ok);
          expect(won).to.have.length(1);
          const end = (await world.transactions.find(transaction.id))?.state;
          expect(end).to.equal(won[0]?.ok && won[0].state);
          expect((await spend(transaction)).ok).to.equal(end === 'approved');
        }
      });

      it('looks at no more than five of 30 wrong PINs at once', async () => {
        const paper = await owner();
        const transaction = await ask(paper.userId, { wants: 'qr' });
        // Scanned, so that numbers typed and counted do not stand before the PIN.
        const { i, mac } = await currentFrame(world, transaction);
        await claimQr(world, { device: await device(paper), txn: transaction.id, i, mac });
        const tries = () =>
          Promise.all(Array.from({ length: 30 }, () => approve({ ...paper }, transaction, { pinTag: bytes32() })));
        const looked = (answers: Answered[]) => answers.filter((one) => !one.ok && one.why === 'wrong_pin').length;
        let verified = looked(await tries());
        // The third on makes the phone wait: the wait is taken away, as if the thief had it.
        for (let round = 0; round < 6; round += 1) {
          await unblock(paper);
          verified += looked(await tries());
        }
        expect(verified).to.equal(5);
        expect(await device(paper)).to.include({ state: 'locked', lockReason: 'pin', pinFailures: 5 });
        expect(await approve(paper, transaction)).to.include({ ok: false, why: 'device_locked' });
        const letter = await mail(paper, 'A phone was locked');
        expect(letter).to.include('wrong five times on the phone “My phone”').and.include('If this was not you');
        expect(await events(paper)).to.deep.include(['device_locked', 'failure', 'pin']);
        expect((await stop(paper, transaction, 'deny')).ok).to.equal(true);
      });

      it('leaves two tries after an unlock by another phone', async () => {
        const paper = await owner();
        const transaction = await ask(paper.userId, { wants: 'push' });
        for (let round = 0; round < 5; round += 1) {
          await unblock(paper);
          await approve({ ...paper }, transaction, { pinTag: bytes32() });
        }
        const which = { userId: paper.userId, deviceId: paper.deviceId };
        expect(await unlockDevice(world, which)).to.deep.equal({ ok: false, why: 'no_other_phone' });
        await enrol(paper.userId);
        expect(await unlockDevice(world, which)).to.deep.equal({ ok: true });
        expect(await mail(paper, 'A phone was unlocked')).to.include('“My phone” can approve your sign-ins again');
        expect(await unlockDevice(world, which)).to.deep.equal({ ok: false, why: 'unknown_device' });
        await unblock(paper);
        const fourth = await approve({ ...paper }, transaction, { pinTag: bytes32() });
        expect(fourth).to.include({ ok: false, why: 'wrong_pin', remaining: 1 });
        await unblock(paper);
        const fifth = await approve({ ...paper }, transaction, { pinTag: bytes32() });
        expect(fifth).to.include({ ok: false, why: 'wrong_pin', remaining: 0 });
        expect((await device(paper)).state).to.equal('locked');
        expect(await events(paper)).to.deep.include(['device_unlocked', 'success']);
      });

      it('clears the count by a right PIN and never unlocks a copied phone', async () => {
        const paper = await owner();
        const transaction = await ask(paper.userId, { wants: 'push' });
        for (let round = 0; round < 2; round += 1) await approve({ ...paper }, transaction, { pinTag: bytes32() });
        expect((await approve(paper, transaction)).ok).to.equal(true);
        expect((await device(paper)).pinFailures).to.equal(0);
        const next = await ask(paper.userId, { wants: 'qr' });
        // A copy with a wrong PIN: the ratchet gives it away before any PIN is counted.
        const copy = await approve({ ...paper, ratchet: id16() }, next, { pinTag: bytes32() });
        expect(copy).to.include({ ok: false, why: 'device_cloned' });
        expect(await device(paper)).to.include({ state: 'locked', lockReason: 'cloned', pinFailures: 0 });
        await mail(paper, 'A phone may have been copied');
        expect(await events(paper)).to.deep.include(['device_cloned', 'failure', 'cloned']);
        await enrol(paper.userId);
        const which = { userId: paper.userId, deviceId: paper.deviceId };
        expect(await unlockDevice(world, which)).to.deep.equal({ ok: false, why: 'cloned' });
      });
    });

    it('takes any ratchet once after a restore, with the right PIN, and notices a copy from then on', async () => {
      const paper = await owner();
      expect(await acceptRestored(world)).to.be.at.least(1);
      const first = await ask(paper.userId, { wants: 'push' });
      const elsewhere = { ...paper, ratchet: toBase64url(bytes32()) };
      expect(await approve(elsewhere, first, { pinTag: bytes32() })).to.include({ ok: false, why: 'wrong_pin' });
      expect((await approve(elsewhere, first)).ok).to.equal(true);
      const second = await ask(paper.userId, { wants: 'push' });
      expect(await approve({ ...paper, ratchet: toBase64url(bytes32()) }, second)).to.include({
        ok: false,
        why: 'device_cloned',
      });
    });

    describe('limits of a push', () => {
      it('holds one open, gives another browser a QR code, and replaces its own', async () => {
        const { userId } = await owner();
        const first = await ask(userId, { wants: 'push' });
        const stranger = await ask(userId, { wants: 'push', bind: 'other', interaction: 'other' });
        expect([first.mode, stranger.mode]).to.deep.equal(['push', 'qr']);
        expect(await held(userId, { bind: 'other', interaction: 'other' })).to.deep.equal({ why: 'busy' });
        expect((await world.transactions.find(first.id))?.state).to.equal('pending');
        expect((await ask(userId, { wants: 'push', interaction: 'uid2' })).mode).to.equal('push');
        expect((await world.transactions.find(first.id))?.state).to.equal('expired');
      });

      it('is pushed three times in ten minutes and ten times a day', async () => {
        const paper = await owner();
        const modes = async (count: number) => {
          const seen: string[] = [];
          for (let n = 0; n < count; n += 1) seen.push((await ask(paper.userId, { wants: 'push' })).mode);
          return seen;
        };
        expect(await modes(4)).to.deep.equal(['push', 'push', 'push', 'qr']);
        const often = await held(paper.userId);
        expect(often).to.include({ why: 'often' });
        expect(often).to.have.property('seconds').that.is.within(590, 600);
        // Ten minutes later …
        for (const left of [3, 3]) {
          await world.limits.clear('push_short', paper.userId);
          expect(await modes(left)).to.deep.equal(['push', 'push', 'push']);
        }
        await world.limits.clear('push_short', paper.userId);
        expect(await modes(2)).to.deep.equal(['push', 'qr']);
        // … and a success of this browser begins a new day.
        const transaction = await ask(paper.userId, { wants: 'qr' });
        await approve(paper, transaction);
        expect((await spend(transaction)).ok).to.equal(true);
        await world.limits.clear('push_short', paper.userId);
        expect(await modes(1)).to.deep.equal(['push']);
      });

      it('is for known browsers by itself, and stops counting as known by a report', async () => {
        const paper = await owner();
        const first = await ask(paper.userId);
        expect(first.mode).to.equal('qr');
        await approve(paper, first);
        const spent = await spend(first);
        if (!spent.ok) throw new Error(spent.why);
        const { knownBrowser } = spent;
        const second = await ask(paper.userId, { knownBrowser });
        expect(second.mode).to.equal('push');
        expect((await stop(paper, second, 'report')).ok).to.equal(true);
        const third = await ask(paper.userId, { knownBrowser });
        expect(third.mode).to.equal('qr');
        expect((await ask(paper.userId, { wants: 'push' })).mode).to.equal('qr');
        expect(await held(paper.userId)).to.deep.equal({ why: 'paused' });
        const letter = await mail(paper, 'You reported a sign-in');
        expect(letter).to.include('sign-in to Payroll from An unknown browser').and.include('Please change it');
        expect(await events(paper)).to.deep.include(['transaction_reported', 'success']);
        // The next full sign-in clears it.
        const last = await ask(paper.userId, { wants: 'qr' });
        await approve(paper, last);
        expect((await spend(last)).ok).to.equal(true);
        expect((await ask(paper.userId, { wants: 'push' })).mode).to.equal('push');
      });
    });

    describe('limits of a code', () => {
      const open = async (list: Transaction[]) => {
        const found = await Promise.all(list.map(({ id }) => world.transactions.find(id)));
        return found.filter((one) => one?.state === 'pending').length;
      };

      it('five are open in one browser and ten for one person; the oldest ends', async () => {
        const { userId } = await owner();
        const here: Transaction[] = [];
        for (let n = 0; n < 6; n += 1) here.push(await ask(userId, { wants: 'qr', bind: 'b1', interaction: `i${n}` }));
        expect(await open(here)).to.equal(5);
        expect(await open(here.slice(0, 1))).to.equal(0);
        const there: Transaction[] = [];
        for (let n = 0; n < 6; n += 1)
          there.push(await ask(userId, { wants: 'qr', bind: `c${n}`, interaction: `j${n}` }));
        expect(await open([...here, ...there])).to.equal(10);
        expect(await open(there)).to.equal(6);
      });

      it('after 20 wrong numbers only the camera counts, until a success', async () => {
        const paper = await owner();
        const wrong = (right: string) => (right === '000000' ? '000001' : '000000');
        for (let n = 0; n < 20; n += 1) {
          const transaction = await ask(paper.userId, { wants: 'qr' });
          const answered = await approve(paper, transaction, { number: wrong(transaction.number) });
          expect(answered).to.include({ ok: false, why: 'wrong_number' });
        }
        const typed = await ask(paper.userId, { wants: 'push' });
        expect(typed.mode).to.equal('qr');
        expect(await approve(paper, typed)).to.include({ ok: false, why: 'not_transferred' });
        expect((await device(paper)).pinFailures).to.equal(0);
        const { i, mac } = await currentFrame(world, typed);
        expect((await claimQr(world, { device: await device(paper), txn: typed.id, i, mac })).ok).to.equal(true);
        expect((await approve(paper, typed)).ok).to.equal(true);
        expect((await spend(typed)).ok).to.equal(true);
        expect((await ask(paper.userId, { wants: 'push' })).mode).to.equal('push');
        expect(await events(paper)).to.deep.include(['transaction_failed', 'failure', 'wrong_number']);
      });

      it('a scan counts for the phone that scanned, not for another one of the same person', async () => {
        const one = await owner();
        const two = await enrol(one.userId);
        const transaction = await ask(one.userId, { wants: 'qr' });
        const frame = { txn: transaction.id, ...(await currentFrame(world, transaction)) };
        expect((await claimQr(world, { device: await device(one), ...frame })).ok).to.equal(true);
        expect(await claimQr(world, { device: await device(two), ...frame })).to.include({ ok: false, why: 'claimed' });
        const { number: _, ...unnumbered } = transaction;
        const bare = { ...unnumbered, number: undefined } as unknown as Transaction;
        expect(await approve(two, bare)).to.include({ ok: false, why: 'not_transferred' });
        expect((await approve(one, bare)).ok).to.equal(true);
      });

      it('lives 120, 180 or 300 seconds and at most 600 in all', async () => {
        const { userId } = await owner();
        const life = async (wants: 'push' | 'qr' | 'code') => {
          const { startedAt, expiresAt } = await ask(userId, { wants });
          return (expiresAt - startedAt) / 1000;
        };
        expect([await life('push'), await life('qr'), await life('code')]).to.deep.equal([120, 180, 300]);
        const transaction = await ask(userId, { wants: 'qr' });
        const which = { txn: transaction.id, bind: 'bind' };
        expect(await extendTransaction(world, { ...which, bind: 'other' })).to.equal(undefined);
        const lives: number[] = [];
        for (let n = 0; n < 6; n += 1) {
          const extended = await extendTransaction(world, which);
          if (extended) lives.push((extended.expiresAt - extended.startedAt) / 1000);
        }
        expect(lives.slice(0, 4)).to.deep.equal([300, 420, 540, 600]);
        expect(Math.max(...lives)).to.equal(600);
        const now = await world.transactions.find(transaction.id);
        expect(now).to.include({ number: transaction.number, nonce: transaction.nonce });
      });
    });

    describe('codes typed in the browser', () => {
      it('takes three tries a transaction', async () => {
        const paper = await owner();
        const transaction = await ask(paper.userId);
        const wrong = await wrongCode(paper, transaction);
        for (const remaining of [2, 1, 0])
          expect(await enter(transaction, wrong)).to.deep.equal({ ok: false, why: 'wrong_code', remaining });
        expect(await enter(transaction, await codeOf(paper, transaction))).to.include({ ok: false, why: 'failed' });
        expect(await events(paper)).to.deep.include(['transaction_failed', 'failure', 'wrong_code']);
      });

      it('compares no more than three of 30 at once', async () => {
        const paper = await owner();
        const transaction = await ask(paper.userId);
        const wrong = await wrongCode(paper, transaction);
        await world.limits.clear('offline_code', paper.userId);
        const answers = await Promise.all(Array.from({ length: 30 }, () => enter(transaction, wrong)));
        expect(answers.filter((one) => !one.ok && one.why === 'wrong_code')).to.have.length.within(1, 3);
        expect((await enter(transaction, await codeOf(paper, transaction))).ok).to.equal(false);
      });

      it('closes after ten in 15 minutes, and says for how long', async () => {
        const paper = await owner();
        for (let n = 0; n < 10; n += 1) {
          const transaction = await ask(paper.userId);
          await enter(transaction, await wrongCode(paper, transaction));
        }
        const transaction = await ask(paper.userId);
        const closed = await enter(transaction, await codeOf(paper, transaction));
        expect(closed).to.include({ ok: false, why: 'closed' });
        expect(!closed.ok && 'retryAfter' in closed && closed.retryAfter).to.be.within(1, 900);
      });

      it('closes at 50 until an approval online', async () => {
        const paper = await owner();
        await stores.sql('update users set offline_failures = 49 where id = ?', [paper.userId]);
        const fiftieth = await ask(paper.userId);
        await enter(fiftieth, await wrongCode(paper, fiftieth));
        expect(await mail(paper, 'Codes from your phone are switched off for now')).to.include('Too many wrong codes');
        const shut = await ask(paper.userId);
        expect(await enter(shut, await codeOf(paper, shut))).to.deep.equal({ ok: false, why: 'closed' });
        const online = await ask(paper.userId);
        await approve(paper, online);
        expect((await spend(online)).ok).to.equal(true);
        const again = await ask(paper.userId);
        expect((await enter(again, await codeOf(paper, again))).ok).to.equal(true);
        expect(await events(paper)).to.deep.include(['transaction_approved', 'success', 'offline']);
      });
    });

    describe('devices', () => {
      it('tells of a second key after the end, and refuses it', async () => {
        const paper = await owner();
        await mail(paper, 'A phone was added to your account');
        expect(await begin(paper.token, await newJwk())).to.include({ ok: false, why: 'enrolment_claimed' });
        const letter = await mail(paper, 'A second phone tried to use your code');
        expect(letter).to.include('After the phone “My phone” was added').and.include('remove this device');
        expect(await events(paper)).to.deep.include(['enrolment_contested', 'failure', 'done']);
        expect((await device(paper)).state).to.equal('active');
      });

      it('serves one account on one installation', async () => {
        const [one, two] = [await person(), await person()];
        const installId = id16();
        await enrol(one.userId, one.email, installId);
        const { token } = await offer(two.userId);
        expect(await begin(token, await newJwk(), installId)).to.include({ ok: false, why: 'device_has_account' });
        // The same person may add the same phone again.
        await enrol(one.userId, one.email, installId);
      });

      it('adds five and no sixth', async () => {
        const { userId } = await person();
        for (let n = 0; n < 5; n += 1) await enrol(userId);
        const sixth = await startEnrolment(world, { userId, session: 's', name: 'x', pin: PIN, pinAgain: PIN });
        expect(sixth).to.deep.equal({ ok: false, why: 'too_many_devices' });
      });

      it('is refused where a factor changed since the offer', async () => {
        const { userId } = await person();
        const { token, enrolmentId } = await offer(userId);
        const begun = await begin(token, await newJwk());
        const enrolment = await world.enrolments.find(enrolmentId);
        if (!begun.ok || !enrolment) throw new Error('not begun');
        await world.records.users.factorsChanged(userId);
        const secrets = { pin: PIN, pin_tag: toBase64url(bytes32()), k_off: toBase64url(bytes32()) };
        const sec = await sealSecrets(world.vault.encryptionJwk(), { device: begun.offer.device_id, ...secrets });
        const completed = await completeEnrolment(world, { enrolment, nonce: begun.offer.nonce, platform: 'P', sec });
        expect(completed).to.include({ ok: false, why: 'enrolment_cancelled' });
        expect(await world.records.devices.ofUser(userId)).to.deep.equal([]);
      });

      it('writes down and tells: added, renamed, PIN changed, denied, removed', async () => {
        const paper = await owner();
        const { userId, deviceId } = paper;
        expect(await renameDevice(world, { userId, deviceId, name: ' Old\nphone ' })).to.deep.equal({
          ok: true,
          name: 'Old phone',
        });
        const [tag, offlineKey] = [bytes32(), bytes32()];
        const sec = await sealSecrets(world.vault.encryptionJwk(), {
          device: deviceId,
          old_tag: toBase64url(paper.tag),
          pin_tag: toBase64url(tag),
          k_off: toBase64url(offlineKey),
        });
        const changed = await changePin(world, { device: await device(paper), ratchet: paper.ratchet, sec });
        expect(changed.ok).to.equal(true);
        await stop(paper, await ask(userId), 'deny');
        expect(await removeDevice(world, { userId: 'another', deviceId })).to.include({ ok: false });
        expect(await removeDevice(world, { userId, deviceId })).to.deep.equal({ ok: true });
        expect(await mail(paper, 'The PIN of a phone was changed')).to.include('The phone “Old phone” has a new PIN.');
        expect(await mail(paper, 'A phone was removed from your account')).to.include('can no longer approve');
        for (const letter of stores.mailsTo(paper.email)) expect(letter).to.not.match(/https?:|805139/);
        expect(await events(paper)).to.deep.equal([
          ['user_created', 'success'],
          ['enrolment_started', 'success'],
          ['device_added', 'success'],
          ['device_renamed', 'success'],
          ['user_updated', 'success'],
          ['transaction_opened', 'success'],
          ['transaction_denied', 'success'],
          ['device_removed', 'success'],
        ]);
      });
    });
  });
}
