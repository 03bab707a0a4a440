// Adding a phone over real HTTP: the PIN chosen on the phone, the typed check, and answers that get lost.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore, type PhoneStore } from '../../src/cli/phone-state.ts';
import { PhoneProblem } from '../../src/cli/phone-wire.ts';
import type { World } from '../../src/domain/ports.ts';
import { devicePath, type EnrolmentResult } from '../../src/protocol/messages.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { confirmEnrolment } from '../../src/usecases/confirm-enrolment.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const SESSION = 'session';

/** The code of the refusal that a promise ends with. */
async function why(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
  } catch (error) {
    if (error instanceof PhoneProblem) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** A network that delivers a request but loses the answer, so many times. */
function losing(endpoint: 'enrol/complete' | 'respond', times: number): { fetch: typeof fetch; lost(): number } {
  let lost = 0;
  return {
    lost: () => lost,
    fetch: async (input, init) => {
      const answer = await fetch(input, init);
      if (lost >= times || !String(input).endsWith(devicePath(endpoint))) return answer;
      await answer.arrayBuffer();
      lost += 1;
      throw new TypeError('fetch failed');
    },
  };
}

for (const setup of ['browser', 'phone'] as const) {
  for (const backend of ['embedded', 'servers'] as const) {
    describe(`adding a phone, PIN set on the ${setup}, on ${backend}`, function () {
      this.timeout(120_000);
      let running: RunningHouse;
      let world: World;

      before(async () => {
        const files = {
          'devices.yaml': { kdf_iterations: 1000, pin: { setup } },
          'lifetimes.yaml': { enrolment: '4m' },
        };
        running = await startHouse({ backend, files });
        world = running.house.world;
      });
      after(() => running.close());

      async function offer(): Promise<{ userId: string; link: string; enrolmentId: string; expiresAt: number }> {
        const { id: userId } = await person(running.house);
        const pins = setup === 'browser' ? { pin: PIN, pinAgain: PIN } : {};
        const started = await startEnrolment(world, { userId, session: SESSION, name: 'My phone', ...pins });
        if (!started.ok) throw new Error(started.why);
        return { userId, link: started.link, enrolmentId: started.enrolmentId, expiresAt: started.expiresAt };
      }

      const newPhone = (state: PhoneStore = memoryStore(), fetching: typeof fetch = fetch) =>
        new HeadlessPhone({ origin: running.issuer, state, fetch: fetching });

      const confirm = (of: { userId: string; enrolmentId: string }, check: string, session = SESSION) =>
        confirmEnrolment(world, { ...of, session, check });

      /** Types the check where there is one: afterwards the phone works. */
      async function finish(of: { userId: string; enrolmentId: string }, result: EnrolmentResult): Promise<void> {
        if (result.state === 'confirm') expect((await confirm(of, result.check)).ok).to.equal(true);
      }

      async function approves(userId: string, phone: HeadlessPhone): Promise<void> {
        const asking = { userId, interaction: 'uid', kind: 'signin', bind: 'b', level: 'mfa', wants: 'push' } as const;
        const service = { clientId: 'payroll', name: 'Payroll' };
        const asked = await askPhone(world, { ...asking, service, fresh: true });
        const [entry] = (await phone.pending()).transactions;
        if (!asked.ok || !entry) throw new Error('nothing is pending');
        const approved = await phone.approve(entry, { pin: PIN, number: asked.transaction.number });
        expect(approved.state).to.equal('approved');
      }

      it('repeats after a lost answer and gets the same one', async () => {
        const of = await offer();
        const network = losing('enrol/complete', 1);
        const phone = newPhone(memoryStore(), network.fetch);
        await phone.begin({ link: of.link });
        const result = await phone.complete(PIN);
        expect(network.lost()).to.equal(1);
        await finish(of, result);
        expect(await world.records.devices.ofUser(of.userId)).to.have.length(1);
        await approves(of.userId, phone);
      });

      it('tells the person of second phones once, however many come', async () => {
        const of = await offer();
        await finish(of, await newPhone().enrol({ link: of.link }, PIN));
        for (let more = 0; more < 3; more += 1)
          expect(await why(newPhone().begin({ link: of.link }))).to.equal('enrolment_claimed');
        const email = (await world.records.users.byId(of.userId))?.email;
        const folder = join(running.folder, 'data/outbox');
        const mails = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
        const told = mails.filter((mail) => mail.includes(`To: ${email}`) && mail.includes('A second phone'));
        expect(told).to.have.length(1);
      });

      it('lives as long as the operator says', async () => {
        const { expiresAt } = await offer();
        expect(expiresAt - (await world.enrolments.now())).to.be.within(200_000, 240_000);
      });

      it('takes no platform that cannot be kept', async () => {
        const of = await offer();
        const platform = 'Phone\u0000';
        const phone = new HeadlessPhone({ origin: running.issuer, state: memoryStore(), platform });
        await phone.begin({ link: of.link });
        expect(await why(phone.complete(PIN))).to.equal('malformed');
      });

      it('goes on after a crash, with the same keys', async () => {
        const of = await offer();
        const store = memoryStore();
        const dead = newPhone(store, losing('enrol/complete', 9).fetch);
        await dead.begin({ link: of.link });
        expect(await dead.complete(PIN).catch((error: Error) => error.name)).to.equal('Unreachable');
        const phone = newPhone(store);
        const result = await phone.enrol({ link: of.link }, PIN);
        await finish(of, result);
        expect((await world.enrolments.find(of.enrolmentId))?.state).to.equal('done');
        await approves(of.userId, phone);
      });

      it('answers three of the same at once alike, and writes one device', async () => {
        const of = await offer();
        const store = memoryStore();
        await newPhone(store).begin({ link: of.link });
        const state = await store.load();
        // Three of them: each looks at the PIN, which may be looked at three times.
        const answers = await Promise.all([1, 2, 3].map(() => newPhone(memoryStore(state)).complete(PIN)));
        expect(new Set(answers.map((one) => JSON.stringify(one)))).to.have.length(1);
        const [first] = answers;
        if (first) await finish(of, first);
        expect(await world.records.devices.ofUser(of.userId)).to.have.length(1);
        const kept = memoryStore(state);
        const phone = newPhone(kept);
        expect((await phone.complete(PIN)).ratchet).to.equal(first?.ratchet);
        await approves(of.userId, phone);
      });

      it('answers nobody once the device is gone, and no other nonce', async () => {
        const of = await offer();
        const store = memoryStore();
        const phone = newPhone(store);
        await phone.begin({ link: of.link });
        const state = await store.load();
        if (!state?.enrolling) throw new Error('not begun');
        await finish(of, await phone.complete(PIN));
        const { deviceId } = await phone.account();
        const other = { ...state, enrolling: { ...state.enrolling, nonce: world.random.id() } };
        expect(await why(newPhone(memoryStore(other)).complete(PIN))).to.equal('enrolment_expired');
        await removeDevice(world, { userId: of.userId, deviceId });
        expect(await why(newPhone(memoryStore(state)).complete(PIN))).to.equal('enrolment_expired');
      });

      it('answers no locked device', async () => {
        const of = await offer();
        const store = memoryStore();
        const phone = newPhone(store);
        await phone.begin({ link: of.link });
        const state = await store.load();
        await finish(of, await phone.complete(PIN));
        await world.records.devices.lockCloned((await phone.account()).deviceId);
        expect(await why(newPhone(memoryStore(state)).complete(PIN))).to.equal('enrolment_expired');
      });

      if (setup === 'phone') {
        it('can do nothing until the six digits are typed into the page that began', async () => {
          const of = await offer();
          const phone = newPhone();
          const result = await phone.enrol({ link: of.link }, PIN);
          if (result.state !== 'confirm') throw new Error(result.state);
          expect(result.check).to.match(/^[0-9]{6}$/);
          for (const work of [() => phone.pending(), () => phone.self(), () => phone.open(world.random.id())])
            expect(await why(work())).to.equal('bad_signature');
          expect(await world.records.devices.ofUser(of.userId)).to.deep.equal([]);
          expect(await confirm(of, result.check, 'another session')).to.deep.equal({
            ok: false,
            why: 'unknown_enrolment',
          });
          const stranger = { ...of, userId: (await offer()).userId };
          expect(await confirm(stranger, result.check)).to.deep.equal({ ok: false, why: 'unknown_enrolment' });
          const typed = await Promise.all(
            [1, 2].map(() => confirm(of, ` ${result.check.slice(0, 3)} ${result.check.slice(3)}`)),
          );
          expect(typed.filter((one) => one.ok)).to.have.length(1);
          expect(await confirm(of, result.check)).to.deep.equal({ ok: false, why: 'not_waiting' });
          await approves(of.userId, phone);
        });

        it('ends after three wrong checks, also where they come at once', async () => {
          const of = await offer();
          const result = await newPhone().enrol({ link: of.link }, PIN);
          if (result.state !== 'confirm') throw new Error(result.state);
          const wrong = result.check === '000000' ? '000001' : '000000';
          const tries = await Promise.all(Array.from({ length: 10 }, () => confirm(of, wrong)));
          expect(tries.filter((one) => !one.ok && one.why === 'wrong_check')).to.have.length.within(1, 3);
          expect((await confirm(of, result.check)).ok).to.equal(false);
          expect((await world.enrolments.find(of.enrolmentId))?.state).to.equal('cancelled');
          expect(await world.records.devices.ofUser(of.userId)).to.deep.equal([]);
        });

        it('is contested by a second key while it waits, and by a change of factors', async () => {
          const of = await offer();
          const result = await newPhone().enrol({ link: of.link }, PIN);
          expect(await why(newPhone().begin({ link: of.link }))).to.equal('enrolment_claimed');
          if (result.state === 'confirm')
            expect(await confirm(of, result.check)).to.deep.equal({ ok: false, why: 'not_waiting' });
          const again = await offer();
          const second = await newPhone().enrol({ link: again.link }, PIN);
          await world.records.users.factorsChanged(again.userId);
          if (second.state === 'confirm')
            expect(await confirm(again, second.check)).to.deep.equal({ ok: false, why: 'cancelled' });
          for (const { userId } of [of, again]) expect(await world.records.devices.ofUser(userId)).to.deep.equal([]);
        });
      }
    });
  }
}
