// The device protocol over real HTTP, by a headless phone, on the embedded default and on PostgreSQL with Redis.
import { expect } from 'chai';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore, type PhoneStore } from '../../src/cli/phone-state.ts';
import { PhoneProblem } from '../../src/cli/phone-wire.ts';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { contextHash } from '../../src/protocol/context.ts';
import { openLink, signInLink } from '../../src/protocol/links.ts';
import { devicePath, type PendingTransaction } from '../../src/protocol/messages.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { addUser, resetFactors, setUserState } from '../../src/usecases/manage-users.ts';
import { spendApproval } from '../../src/usecases/spend-approval.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const WRONG = '805138';
const service = { clientId: 'payroll', name: 'Payroll' };

/** A person with one phone. */
interface Owner {
  userId: string;
  phone: HeadlessPhone;
  store: PhoneStore;
}

/** The code of the refusal that a promise ends with. */
async function refusal(work: Promise<unknown>): Promise<PhoneProblem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PhoneProblem) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
const why = async (work: Promise<unknown>) => (await refusal(work)).code;

for (const backend of ['embedded', 'servers'] as const) {
  describe(`device API on ${backend}`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    let world: World;
    let people = 0;

    before(async () => {
      running = await startHouse({ backend });
      world = running.house.world;
    });
    after(() => running.close());

    async function person(): Promise<string> {
      people += 1;
      const added = await addUser(world, {
        login: `person${people}`,
        name: 'A Person',
        email: `p${people}@example.test`,
      });
      if (!added.ok) throw new Error(added.why);
      return added.user.id;
    }

    async function offer(userId: string) {
      const started = await startEnrolment(world, {
        userId,
        session: 'session',
        name: 'My phone',
        pin: PIN,
        pinAgain: PIN,
      });
      if (!started.ok) throw new Error(started.why);
      return started;
    }

    function newPhone(store: PhoneStore = memoryStore()): HeadlessPhone {
      return new HeadlessPhone({ origin: running.issuer, state: store });
    }

    async function owner(): Promise<Owner> {
      const userId = await person();
      const store = memoryStore();
      const phone = newPhone(store);
      expect((await phone.enrol({ link: (await offer(userId)).link }, PIN)).state).to.equal('active');
      return { userId, phone, store };
    }

    async function ask(userId: string, wants: 'push' | 'qr', bind = 'bind'): Promise<Transaction> {
      const asking = {
        userId,
        interaction: 'uid',
        kind: 'signin',
        bind,
        service,
        level: 'mfa',
        wants,
        fresh: true,
      } as const;
      const asked = await askPhone(world, asking);
      if (!asked.ok) throw new Error(asked.why);
      return asked.transaction;
    }

    const spend = (userId: string, txn: string, bind = 'bind') =>
      spendApproval(world, { txn, bind, interaction: 'uid', userId, service, level: 'mfa' });

    async function only(phone: HeadlessPhone): Promise<PendingTransaction> {
      const [entry] = (await phone.pending()).transactions;
      if (!entry) throw new Error('nothing is pending');
      return entry;
    }

    async function linkOf(transaction: Transaction): Promise<string> {
      return signInLink(running.issuer, transaction.id, await currentFrame(world, transaction), transaction.context);
    }

    it('approves by number and PIN, and the browser spends it once', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      expect(entry.number_required).to.equal(true);
      expect((await phone.approve(entry, { pin: PIN, number: transaction.number })).state).to.equal('approved');
      expect(await spend(userId, transaction.id, 'another browser')).to.include({
        ok: false,
        why: 'unknown_transaction',
      });
      const spent = await Promise.all(Array.from({ length: 20 }, () => spend(userId, transaction.id)));
      const good = spent.filter((one) => one.ok);
      expect(good).to.have.length(1);
      expect(good[0]?.ok && good[0].proof.amr).to.deep.equal(['swk', 'pin', 'mca', 'user', 'mfa']);
    });

    it('approves a scanned code without a number, and refuses stale and forged ones', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'qr');
      expect((await phone.pending()).transactions).to.deep.equal([]);
      const frame = await currentFrame(world, transaction);
      const link = (i: number) => signInLink(running.issuer, transaction.id, { ...frame, i }, transaction.context);
      expect(await why(phone.claim(link(frame.i + 30)))).to.equal('qr_stale');
      expect(await why(phone.claim(link(frame.i + 1)))).to.equal('qr_forged');
      const entry = await phone.claim(await linkOf(transaction));
      expect(entry.number_required).to.equal(false);
      expect((await phone.approve(entry, { pin: PIN })).state).to.equal('approved');
    });

    it('wants the number where a link was only opened', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'qr');
      const entry = await phone.open(openLink(running.issuer, transaction.id));
      expect(await why(phone.approve(entry, { pin: PIN }))).to.equal('not_transferred');
      expect((await phone.approve(entry, { pin: PIN, number: transaction.number })).state).to.equal('approved');
    });

    it('ends a request whose number is wrong, before any PIN is looked at', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      const number = transaction.number === '000000' ? '000001' : '000000';
      expect(await why(phone.approve(entry, { pin: WRONG, number }))).to.equal('wrong_number');
      expect(await why(phone.approve(entry, { pin: PIN, number: transaction.number }))).to.equal('failed');
      const { deviceId } = await phone.account();
      expect((await world.records.devices.byId(deviceId))?.pinFailures).to.equal(0);
    });

    it('refuses another nonce and another context', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      const proof = { pin: PIN, number: transaction.number };
      expect(await why(phone.approve({ ...entry, nonce: world.random.id() }, proof))).to.equal('nonce');
      const doctored = { ...entry, ctx: { ...entry.ctx, rp: 'Bank' } };
      expect(await why(phone.approve(doctored, proof))).to.equal('context_mismatch');
    });

    it("knows nothing of another person's request", async () => {
      const [one, two] = [await owner(), await owner()];
      const transaction = await ask(one.userId, 'push');
      expect((await two.phone.pending()).transactions).to.deep.equal([]);
      expect(await why(two.phone.open(transaction.id))).to.equal('unknown_transaction');
      expect(await why(two.phone.claim(await linkOf(transaction)))).to.equal('unknown_transaction');
      expect(await why(two.phone.approve(await only(one.phone), { pin: PIN }))).to.equal('unknown_transaction');
    });

    it('denies, and reports', async () => {
      const { userId, phone } = await owner();
      await ask(userId, 'push');
      const entry = await only(phone);
      expect((await phone.deny(entry)).state).to.equal('denied');
      expect(await why(phone.deny(entry))).to.equal('denied');
      const second = await ask(userId, 'push');
      const strange = await only(phone);
      expect((await phone.report(strange)).state).to.equal('denied');
      expect(await why(phone.report(strange))).to.equal('denied');
      expect((await world.transactions.find(second.id))?.state).to.equal('reported');
      expect(await spend(userId, second.id)).to.include({ ok: false, why: 'not_approved' });
      expect((await world.records.users.byId(userId))?.pushPaused).to.equal(true);
      expect((await ask(userId, 'push')).mode).to.equal('qr');
    });

    it('counts wrong PINs and makes the phone wait from the third on', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      const proof = { pin: WRONG, number: transaction.number };
      const first = await refusal(phone.approve(entry, proof));
      expect([first.code, first.problem.remaining]).to.deep.equal(['wrong_pin', 4]);
      await refusal(phone.approve(entry, proof));
      const third = await refusal(phone.approve(entry, proof));
      expect([third.code, third.problem.remaining, third.problem.retry_after]).to.deep.equal(['wrong_pin', 2, 60]);
      const fourth = await refusal(phone.approve(entry, { ...proof, pin: PIN }));
      expect(fourth.code).to.equal('pin_backoff');
      expect(fourth.problem.retry_after).to.be.within(1, 60);
    });

    it('looks at no more than five of twenty wrong PINs at once', async () => {
      const { userId, phone, store } = await owner();
      const transaction = await ask(userId, 'push');
      const { txn, nonce, ctx } = await only(phone);
      const ratchet = (await store.load())?.account?.ratchet;
      const messages: string[] = [];
      for (let n = 0; n < 20; n += 1) {
        const claims = {
          txn,
          nonce,
          ctx_hash: await contextHash(ctx),
          decision: 'approve',
          number: transaction.number,
        };
        messages.push(await phone.sign('respond', { ...claims, uv: 'pin', pin_tag: world.random.id(32), ratchet }));
      }
      const url = `${running.issuer}${devicePath('respond')}`;
      const headers = { 'Content-Type': 'application/jose' };
      const answers = await Promise.all(messages.map((body) => fetch(url, { method: 'POST', body, headers })));
      const codes = await Promise.all(answers.map(async (one) => ((await one.json()) as { type: string }).type));
      expect(codes.filter((one) => one.endsWith(':wrong_pin')).length).to.be.within(1, 5);
      expect(answers.filter((one) => one.status < 400 || one.status >= 500)).to.deep.equal([]);
    });

    it('takes exactly one of many approvals at once', async () => {
      const { userId, phone, store } = await owner();
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      const answers = await Promise.allSettled(
        Array.from({ length: 30 }, () => newPhone(store).approve(entry, { pin: PIN, number: transaction.number })),
      );
      expect(answers.filter((one) => one.status === 'fulfilled')).to.have.length(1);
      for (const one of answers)
        if (one.status === 'rejected') expect(one.reason).to.have.property('status').below(500);
    });

    it('lets either an approval or a denial win, never both', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      const race = await Promise.allSettled([
        phone.approve(entry, { pin: PIN, number: transaction.number }),
        phone.deny(entry),
      ]);
      expect(race.filter((one) => one.status === 'fulfilled')).to.have.length(1);
    });

    it('locks a phone that was copied', async () => {
      const { userId, phone, store } = await owner();
      const before = await store.load();
      for (let round = 0; round < 2; round += 1) {
        const transaction = await ask(userId, 'push');
        await phone.approve(await only(phone), { pin: PIN, number: transaction.number });
        await spend(userId, transaction.id);
      }
      const now = await store.load();
      if (!before?.account || !now?.account) throw new Error('no account');
      const copy = newPhone(memoryStore({ ...before, account: { ...before.account, counter: now.account.counter } }));
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      expect(await why(copy.approve(entry, { pin: PIN, number: transaction.number }))).to.equal('device_cloned');
      expect(await why(phone.approve(entry, { pin: PIN, number: transaction.number }))).to.equal('device_cloned');
      expect((await phone.deny(entry)).state).to.equal('denied');
    });

    it('gives a contested enrolment to nobody', async () => {
      const userId = await person();
      const { link } = await offer(userId);
      const [one, two] = [newPhone(), newPhone()];
      await one.begin({ link });
      expect(await why(two.begin({ link }))).to.equal('enrolment_claimed');
      expect(await why(one.complete(PIN))).to.equal('enrolment_claimed');
      expect(await world.records.devices.ofUser(userId)).to.deep.equal([]);
    });

    it('takes the typed code with the name, answers wrong ones alike, and cancels after three wrong PINs', async () => {
      const userId = await person();
      const { code } = await offer(userId);
      const login = `person${people}`;
      const phone = newPhone();
      expect(await why(phone.begin({ code, login: 'nobody' }))).to.equal('enrolment_expired');
      expect(await why(phone.begin({ code: '00000-00000', login }))).to.equal('enrolment_expired');
      await phone.begin({ code: code.toLowerCase(), login });
      for (const remaining of [2, 1, 0]) {
        expect((await refusal(phone.complete(WRONG))).problem.remaining).to.equal(remaining);
      }
      expect(await why(phone.complete(PIN))).to.equal('enrolment_cancelled');
    });

    it('makes an offline code for what the person saw, and for nothing else', async () => {
      const { userId, phone } = await owner();
      const transaction = await ask(userId, 'qr');
      const enter = (code: string) =>
        enterOfflineCode(world, {
          txn: transaction.id,
          bind: 'bind',
          interaction: 'uid',
          userId,
          service,
          level: 'mfa',
          code,
        });
      const doctored = { ...transaction, context: { ...transaction.context, rp: 'Bank' } };
      const { code: other } = await phone.offlineCode(await linkOf(doctored), PIN);
      expect(await enter(other)).to.deep.equal({ ok: false, why: 'wrong_code', remaining: 2 });
      const { code: wrong } = await phone.offlineCode(await linkOf(transaction), WRONG);
      expect(await enter(wrong)).to.deep.equal({ ok: false, why: 'wrong_code', remaining: 1 });
      const { code } = await phone.offlineCode(await linkOf(transaction), PIN);
      const spent = await enter(code);
      expect(spent.ok && spent.proof.amr).to.deep.equal(['swk', 'pin', 'otp', 'user', 'mfa']);
      expect(await enter(code)).to.include({ ok: false });
    });

    it('changes the PIN: the old one is wrong, online and offline', async () => {
      const { userId, phone } = await owner();
      await phone.changePin(PIN, '928374');
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      expect(await why(phone.approve(entry, { pin: PIN, number: transaction.number }))).to.equal('wrong_pin');
      expect((await phone.approve(entry, { pin: '928374', number: transaction.number })).state).to.equal('approved');
    });

    it('streams, and closes at once where the phone is removed', async () => {
      const { userId, phone } = await owner();
      const lists: number[] = [];
      const closed = phone.watch(({ transactions }) => lists.push(transactions.length), AbortSignal.timeout(5000));
      await ask(userId, 'push');
      const { deviceId } = await phone.account();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const start = performance.now();
      await removeDevice(world, { userId, deviceId });
      await closed;
      expect(performance.now() - start, 'before its own end').to.be.below(4000);
      expect(lists.at(-1)).to.equal(1);
      expect(await why(phone.pending())).to.equal('device_removed');
    });

    it('takes a disabled person’s phone for a locked one, at once, until the person is enabled (A42)', async () => {
      const { userId, phone } = await owner();
      const user = await world.records.users.byId(userId);
      if (!user) throw new Error('nobody');
      const longest = AbortSignal.timeout(5000);
      let told = 0;
      const closed = phone.watch(() => {
        told += 1;
      }, longest);
      for (let tries = 0; tries < 1000 && told === 0; tries += 1) await new Promise((go) => setTimeout(go, 20));
      const transaction = await ask(userId, 'push');
      const entry = await only(phone);
      const start = performance.now();
      await setUserState(world, user, 'disabled');
      await closed;
      expect(performance.now() - start, 'within a second').to.be.below(1000);
      const ratchet = Buffer.alloc(16).toString('base64url');
      const pin_tag = Buffer.alloc(32).toString('base64url');
      const locked: { [what: string]: () => Promise<unknown> } = {
        approve: () => phone.approve(entry, { pin: PIN, number: transaction.number }),
        pin: () => phone.changePin(PIN, '928374'),
        push: () => phone.request('push', { subscription: null }),
        rename: () => phone.rename('Mine'),
        open: () => phone.request('open', { txn: transaction.id }),
        stream: () => phone.watch(() => undefined, AbortSignal.timeout(2000)),
        biometric: () => phone.request('webauthn/register/options', { ratchet, pin_tag }),
        'webauthn/remove': () => phone.request('webauthn/remove'),
      };
      for (const [what, work] of Object.entries(locked)) expect(await why(work()), what).to.equal('device_locked');
      // What a locked one may still do: look, and leave.
      expect((await phone.self()).state).to.equal('locked');
      expect((await phone.pending()).transactions).to.deep.equal([]);
      await setUserState(world, user, 'active');
      expect((await phone.self()).state).to.equal('active');
      const next = await ask(userId, 'push', 'another');
      const approved = await phone.approve(await only(phone), { pin: PIN, number: next.number });
      expect(approved.state, 'its keys, its PIN and its ratchet are as they were').to.equal('approved');
      await setUserState(world, user, 'disabled');
      await phone.unlink();
    });

    it('ends what waits and closes the stream where the operator resets the phones', async () => {
      const { userId, phone } = await owner();
      const lists: number[] = [];
      const longest = AbortSignal.timeout(5000);
      const closed = phone.watch(({ transactions }) => lists.push(transactions.length), longest);
      const transaction = await ask(userId, 'push');
      for (let tries = 0; tries < 1000 && lists.at(-1) !== 1; tries += 1) await new Promise((go) => setTimeout(go, 20));
      const user = await world.records.users.byId(userId);
      if (!user) throw new Error('nobody');
      expect(await resetFactors(world, user)).to.equal(1);
      await closed;
      expect(longest.aborted, 'before its own end').to.equal(false);
      expect((await world.transactions.find(transaction.id))?.state).to.equal('expired');
    });

    describe('messages', () => {
      const post = (path: string, body: string, headers: Record<string, string> = {}) =>
        fetch(`${running.issuer}${path}`, {
          method: 'POST',
          body,
          headers: { 'Content-Type': 'application/jose', ...headers },
        });
      const code = async (answer: Response) => ((await answer.json()) as { type: string }).type.split(':').at(-1);

      it('refuses what is malformed, too large, of another type, method or origin', async () => {
        const path = devicePath('pending');
        expect(await code(await post(path, 'a'.repeat(9000)))).to.equal('too_large');
        expect(await code(await post(path, 'x', { 'Content-Type': 'text/plain' }))).to.equal('unsupported_media_type');
        for (const body of ['', 'x', 'a.b.c', '....', 'e30.e30.', '\u0000'])
          expect(await code(await post(path, body))).to.equal('malformed');
        expect(await code(await post(path, 'x', { Origin: 'https://evil.example' }))).to.equal('wrong_origin');
        const got = await fetch(`${running.issuer}${path}`);
        expect([got.status, got.headers.get('cache-control')]).to.deep.equal([405, 'no-store']);
        expect(
          (await fetch(`${running.issuer}/device/v1/nothing`, { headers: { Accept: 'application/json' } })).status,
        ).to.equal(404);
        expect((await fetch(`${running.issuer}${devicePath('metadata')}`)).status).to.equal(200);
      });

      it('refuses a replay, a changed message, and one for another endpoint', async () => {
        const { phone } = await owner();
        const jws = await phone.sign('pending', {});
        expect((await post(devicePath('pending'), jws)).status).to.equal(200);
        expect(await code(await post(devicePath('pending'), jws))).to.equal('replayed');
        expect(await code(await post(devicePath('stream'), await phone.sign('pending', {})))).to.equal('wrong_aud');
        expect(await code(await post(devicePath('respond'), await phone.sign('pending', {})))).to.equal('wrong_typ');
        const [head, body, signature = ''] = jws.split('.');
        const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
        expect(await code(await post(devicePath('pending'), `${head}.${body}.${other}`))).to.equal('bad_signature');
      });

      it('commits a counter that rises, whatever becomes of the message, but not one from the far future', async () => {
        const { userId, phone } = await owner();
        await ask(userId, 'push');
        const entry = await only(phone);
        const claims = {
          txn: world.random.id(),
          nonce: entry.nonce,
          ctx_hash: await contextHash(entry.ctx),
          decision: 'deny',
        };
        const jws = await phone.sign('respond', claims);
        expect(await code(await post(devicePath('respond'), jws))).to.equal('unknown_transaction');
        expect(await code(await post(devicePath('respond'), jws))).to.equal('replayed');
        const ahead = await phone.sign('respond', { ...claims, ctr: world.clock.now() + 300_000 });
        expect(await code(await post(devicePath('respond'), ahead))).to.equal('clock_skew');
        expect((await phone.deny(entry)).state).to.equal('denied');
      });
    });
  });
}
