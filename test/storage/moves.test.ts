// Transactions, enrolments, limits, replays and scratch values, on both states.
import { expect } from 'chai';
import type { LimitRule } from '../../src/domain/ports.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { LimitSettings } from '../../src/settings/settings.ts';
import { createEnrolments } from '../../src/storage/enrolments.ts';
import { createLimits } from '../../src/storage/limits.ts';
import { createReplays } from '../../src/storage/replays.ts';
import { createScratch } from '../../src/storage/scratch.ts';
import type { State } from '../../src/storage/state/state.ts';
import { createTransactions } from '../../src/storage/transactions.ts';
import { atOnce, type Opened, STATES, silent } from './stores.ts';

const id = () => systemRandom.id();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const asked = (over: object = {}) => ({
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
  ...over,
});

const offered = (over: object = {}) => ({
  id: id(),
  userId: id(),
  deviceName: 'My phone',
  setup: 'browser' as const,
  pinHash: 'hash',
  tokenHash: id(),
  codeMac: 'mac',
  session: 'session',
  factorsVersion: 1,
  salt: id(),
  nonce: id(),
  ...over,
});

for (const { name, open } of STATES) {
  describe(`moves, ${name}`, () => {
    let opened: Opened<State>;
    let state: State;
    before(async () => {
      opened = await open();
      state = opened.it;
    });
    after(() => opened.close());

    describe('transactions', () => {
      it('are found as they were opened', async () => {
        const transactions = createTransactions(state);
        const wanted = asked();
        const made = await transactions.open(wanted, 120);
        expect(made).to.deep.include({ ...wanted, state: 'pending', codeTries: 0 });
        expect(made.expiresAt - made.startedAt).to.equal(120_000);
        expect(await transactions.find(made.id)).to.deep.equal(made);
        expect(await transactions.find('no such one')).to.equal(undefined);
      });

      it('are answered once and spent once, of a hundred', async () => {
        const transactions = createTransactions(state);
        const { id: txn, bind } = await transactions.open(asked(), 120);
        const answers = await atOnce(100, (n) =>
          n % 2
            ? transactions.answer(txn, 'approved', { device: `d${n}`, means: 'pin' })
            : transactions.answer(txn, 'approved'),
        );
        expect(answers.filter(({ ok }) => ok)).to.have.length(1);
        const spent = await atOnce(100, () => transactions.consume(txn, bind, 'interaction'));
        expect(spent.filter(({ ok }) => ok)).to.have.length(1);
        expect((await transactions.find(txn))?.state).to.equal('consumed');
      });

      it('are spent by their own browser and interaction only, and only when approved', async () => {
        const transactions = createTransactions(state);
        const { id: txn, bind } = await transactions.open(asked(), 120);
        expect((await transactions.consume(txn, bind, 'interaction')).ok).to.equal(false);
        await transactions.answer(txn, 'approved', { device: 'd', means: 'pin' });
        expect((await transactions.consume(txn, 'other', 'interaction')).ok).to.equal(false);
        expect((await transactions.consume(txn, bind, 'other')).ok).to.equal(false);
        expect((await transactions.consume(txn, bind, 'interaction')).ok).to.equal(true);
      });

      it('belong to the first device that claims them', async () => {
        const transactions = createTransactions(state);
        const { id: txn } = await transactions.open(asked({ mode: 'qr' }), 180);
        const claims = await atOnce(100, (n) => transactions.claim(txn, `d${n}`));
        const winners = claims.filter(({ ok }) => ok);
        expect(winners).to.have.length(1);
        expect((await transactions.claim(txn, winners[0]?.now?.claimedBy ?? '')).ok).to.equal(true);
      });

      it('end by the store’s clock', async () => {
        const transactions = createTransactions(state);
        const { id: txn, userId, bind } = await transactions.open(asked(), 1);
        await pause(1050);
        expect((await transactions.find(txn))?.state).to.equal('expired');
        expect((await transactions.answer(txn, 'approved')).ok).to.equal(false);
        expect((await transactions.claim(txn, 'd')).ok).to.equal(false);
        expect((await transactions.extend(txn, bind)).ok).to.equal(false);
        expect(await transactions.reserveCode(txn)).to.equal(undefined);
        expect(await transactions.pendingOf(userId)).to.deep.equal([]);
      });

      it('are prolonged up to ten minutes in all', async () => {
        const transactions = createTransactions(state);
        const { id: txn, bind, startedAt } = await transactions.open(asked(), 120);
        expect((await transactions.extend(txn, 'other')).ok).to.equal(false);
        for (let n = 0; n < 6; n += 1) await transactions.extend(txn, bind);
        expect((await transactions.find(txn))?.expiresAt).to.equal(startedAt + 600_000);
      });

      it('take three offline codes, of a hundred at once', async () => {
        const transactions = createTransactions(state);
        const { id: txn } = await transactions.open(asked({ mode: 'qr' }), 180);
        const tries = await atOnce(100, () => transactions.reserveCode(txn));
        expect(tries.filter((n) => n !== undefined).sort()).to.deep.equal([1, 2, 3]);
      });

      it('leave one open push, ten others of a person, and five of a browser; strangers’ codes end no push', async () => {
        const transactions = createTransactions(state);
        const userId = id();
        const first = await transactions.open(asked({ userId }), 120);
        const second = await transactions.open(asked({ userId }), 120);
        expect((await transactions.find(first.id))?.state).to.equal('expired');
        for (let n = 0; n < 12; n += 1) await transactions.open(asked({ userId, mode: 'qr' }), 180);
        const modes = await transactions.openModes(userId);
        expect(modes).to.have.length(11);
        expect(modes.map(({ id: open_ }) => open_)).to.include(second.id);
        const third = await transactions.open(asked({ userId }), 120);
        expect((await transactions.find(second.id))?.state).to.equal('expired');
        expect((await transactions.openModes(userId)).filter(({ mode }) => mode === 'push')).to.deep.equal([
          { id: third.id, mode: 'push', bind: third.bind },
        ]);
        expect(await transactions.openModes(userId)).to.have.length(11);
        const bind = id();
        for (let n = 0; n < 7; n += 1) await transactions.open(asked({ bind, mode: 'qr' }), 180);
        const others = await atOnce(1, () => transactions.open(asked({ bind, mode: 'qr' }), 180));
        expect(others[0]?.state).to.equal('pending');
        expect(await state.members(`txn-browser:${state.epoch()}:${bind}`)).to.have.length(8);
        const alive = await Promise.all(
          (await state.members(`txn-browser:${state.epoch()}:${bind}`)).map((one) => transactions.find(one)),
        );
        expect(alive.filter((one) => one?.state === 'pending')).to.have.length(5);
      });

      it('tell their watchers, and those of the person', async () => {
        const transactions = createTransactions(state);
        const { id: txn, userId, bind } = await transactions.open(asked(), 120);
        const states: string[] = [];
        let changes = 0;
        const stop = await transactions.watch(txn, (to) => states.push(to));
        const stopUser = await transactions.watchUser(userId, () => {
          changes += 1;
        });
        await transactions.answer(txn, 'approved', { device: 'd', means: 'pin' });
        await transactions.consume(txn, bind, 'interaction');
        await transactions.touchUser(userId);
        await pause(100);
        stop();
        stopUser();
        expect(states).to.deep.equal(['approved', 'consumed']);
        expect(changes).to.equal(3);
      });
    });

    describe('enrolments', () => {
      it('are claimed by one key of a hundred, which may ask again', async () => {
        const enrolments = createEnrolments(state);
        const { id: enr, tokenHash } = await enrolments.open(offered(), 300);
        const claims = await atOnce(100, (n) =>
          enrolments.claim(enr, { thumbprint: `t${n}`, jwk: '{}', installHash: 'i' }),
        );
        const winners = claims.filter(({ ok }) => ok);
        expect(winners).to.have.length(1);
        const thumbprint = winners[0]?.now?.claimedBy ?? '';
        expect((await enrolments.claim(enr, { thumbprint, jwk: '{}', installHash: 'i' })).ok).to.equal(true);
        const found = await enrolments.findByToken(tokenHash);
        expect(found).to.deep.include({ id: enr, state: 'scanned', claimedBy: thumbprint, pinHash: 'hash' });
      });

      it('move once of a hundred, and lose the PIN’s hash at the end', async () => {
        const enrolments = createEnrolments(state);
        const { id: enr } = await enrolments.open(offered(), 300);
        const moves = await atOnce(100, (n) => enrolments.move(enr, ['shown'], n % 2 ? 'cancelled' : 'contested'));
        expect(moves.filter(({ ok }) => ok)).to.have.length(1);
        expect((await enrolments.find(enr))?.pinHash).to.equal(undefined);
        expect(await state.get(`enr-pin:${state.epoch()}:${enr}`)).to.equal(undefined);
      });

      it('end by the store’s clock, the PIN’s hash with them', async () => {
        const enrolments = createEnrolments(state);
        const { id: enr, userId } = await enrolments.open(offered(), 1);
        expect(await enrolments.openOf(userId)).to.have.length(1);
        await pause(1050);
        expect(await enrolments.find(enr)).to.deep.include({ state: 'expired' });
        expect(await state.get(`enr-pin:${state.epoch()}:${enr}`)).to.equal(undefined);
        expect((await enrolments.claim(enr, { thumbprint: 't', jwk: '{}', installHash: 'i' })).ok).to.equal(false);
        expect(await enrolments.reserve(enr, 'pinTries')).to.equal(undefined);
        expect(await enrolments.openOf(userId)).to.deep.equal([]);
      });

      it('count tries before they are checked, and stop', async () => {
        const enrolments = createEnrolments(state);
        const { id: enr } = await enrolments.open(offered(), 300);
        const counted = async (what: 'pinTries' | 'codeTries' | 'checkTries') =>
          (await atOnce(50, () => enrolments.reserve(enr, what))).filter((n) => n !== undefined).sort();
        expect(await counted('pinTries')).to.deep.equal([1, 2, 3]);
        expect(await counted('codeTries')).to.deep.equal([1, 2, 3, 4, 5]);
        expect(await counted('checkTries')).to.deep.equal([1, 2, 3]);
      });

      it('carry the check and a new life into confirm, and tell their watchers', async () => {
        const enrolments = createEnrolments(state);
        const { id: enr } = await enrolments.open(offered({ setup: 'phone', pinHash: undefined }), 60);
        const states: string[] = [];
        const stop = await enrolments.watch(enr, (to) => states.push(to));
        await enrolments.claim(enr, { thumbprint: 't', jwk: '{}', installHash: 'i' });
        const moved = await enrolments.move(enr, ['scanned'], 'confirm', { check: '012345', lifeSeconds: 300 });
        expect(moved.now?.check).to.equal('012345');
        expect((moved.now?.expiresAt ?? 0) - (await enrolments.now())).to.be.within(295_000, 300_000);
        await enrolments.move(enr, ['confirm'], 'done');
        await pause(100);
        stop();
        expect(states).to.deep.equal(['scanned', 'confirm', 'done']);
      });
    });

    describe('limits', () => {
      const figures = { points: 3, seconds: 60 };
      const settings = new Proxy({} as LimitSettings, { get: () => figures });

      it('grant so many and say how long to wait; a success clears them', async () => {
        const limits = createLimits(state, () => settings, silent);
        const key = `someone ${id()}`;
        const verdicts = await atOnce(20, () => limits.take('password_person', key));
        expect(verdicts.filter(({ ok }) => ok)).to.have.length(3);
        expect(await limits.peek('password_person', key)).to.deep.include({ ok: false });
        expect((await limits.peek('password_address', key)).ok).to.equal(true);
        await limits.clear('password_person', key);
        expect(await limits.peek('password_person', key)).to.deep.equal({ ok: true });
      });

      it('fail closed where the state is gone, but for coarse limits by address', async () => {
        const broken = { ...state, throttle: async () => Promise.reject(new Error('gone')) };
        const limits = createLimits(broken, () => settings, silent);
        const guarding: LimitRule[] = ['password_person', 'offline_code', 'mail_code', 'enrolment_code_address'];
        for (const rule of guarding) {
          const failed = await limits.take(rule, 'k').then(
            () => false,
            () => true,
          );
          expect(failed, rule).to.equal(true);
        }
        const verdicts = await atOnce(10, () => limits.take('device_api_address', 'k'));
        expect(verdicts.filter(({ ok }) => ok)).to.have.length(3);
      });
    });

    it('replays: one first caller of a hundred', async () => {
      const replays = createReplays(state);
      const firsts = await atOnce(100, () => replays.first('some jti', 60));
      expect(firsts.filter(Boolean)).to.have.length(1);
    });

    it('scratch values are taken once', async () => {
      const scratch = createScratch(state);
      await scratch.set('proof:a', 'v', 60);
      expect(await scratch.get('proof:a')).to.equal('v');
      const taken = await atOnce(50, () => scratch.take('proof:a'));
      expect(taken.filter((value) => value === 'v')).to.have.length(1);
      expect(await scratch.increment('proof:n', 60)).to.equal(1);
    });
  });
}
