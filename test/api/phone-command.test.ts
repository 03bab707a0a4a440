// `countersign phone` as people run it: a process of its own against a running provider; and the headless phone where clocks are off or answers get lost.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { fileStore, memoryStore, type PhoneState } from '../../src/cli/phone-state.ts';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { openLink, signInLink } from '../../src/protocol/links.ts';
import { devicePath } from '../../src/protocol/messages.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const service = { clientId: 'payroll', name: 'Payroll' };

/** How one run ended. */
interface Ran {
  code: number | null;
  out: string;
  err: string;
}

describe('countersign phone', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let world: World;
  let folder: string;
  let userId: string;
  let login: string;
  let state: string;

  before(async () => {
    running = await startHouse();
    world = running.house.world;
    folder = mkdtempSync(join(tmpdir(), 'countersign-phone-'));
    state = join(folder, 'phone.json');
    ({ id: userId, login } = await person(running.house));
  });
  after(async () => {
    await running.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the command from its sources. */
  function phone(args: string[], pin?: string): Promise<Ran> {
    return new Promise((resolve) => {
      const { COUNTERSIGN_PHONE_PIN: _, ...rest } = process.env;
      const env = pin === undefined ? rest : { ...rest, COUNTERSIGN_PHONE_PIN: pin };
      const whole = ['--import', 'tsx', 'src/main.ts', 'phone', ...args];
      const child = spawn(process.execPath, whole, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const ran: Ran = { code: null, out: '', err: '' };
      child.stdout.on('data', (chunk: Buffer) => {
        ran.out += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        ran.err += chunk.toString();
      });
      child.once('close', (code) => resolve({ ...ran, code }));
    });
  }
  const on = (...args: string[]) => [...args, '--state', state];

  async function offer(): Promise<{ link: string; code: string }> {
    const started = await startEnrolment(world, { userId, session: 's', name: 'My phone', pin: PIN, pinAgain: PIN });
    if (!started.ok) throw new Error(started.why);
    return started;
  }

  async function ask(wants: 'push' | 'qr'): Promise<Transaction> {
    // The limit of pushes is not what is tested here.
    await world.limits.clear('push_short', userId);
    const asking = {
      userId,
      interaction: 'uid',
      kind: 'signin',
      bind: 'b',
      service,
      level: 'mfa',
      fresh: true,
    } as const;
    const asked = await askPhone(world, { ...asking, wants });
    if (!asked.ok) throw new Error(asked.why);
    return asked.transaction;
  }

  const scanned = async (one: Transaction) =>
    signInLink(running.issuer, one.id, await currentFrame(world, one), one.context);
  const stateOf = async (one: Transaction) => (await world.transactions.find(one.id))?.state;
  const kept = () => JSON.parse(readFileSync(state, 'utf8')) as PhoneState;

  it('says what is missing: no account, no link, no PIN, no server', async () => {
    const runs = await Promise.all([
      phone(on('list')),
      phone(on('enrol'), PIN),
      phone(['list']),
      phone([...on('enrol', 'http://127.0.0.1:9/phone/#e1.AAAAAAAAAAAAAAAAAAAAAA')], PIN),
      phone(on('enrol', 'https://evil.example/')),
    ]);
    expect(runs.map(({ code }) => code)).to.deep.equal([5, 2, 2, 3, 7]);
    expect(runs[0]?.err).to.include('countersign phone enrol');
    for (const { err } of runs) expect(err).to.not.match(/\n\s+at /);
  });

  it('is enrolled by its link, and keeps its keys where only its owner reads them', async () => {
    const { link } = await offer();
    const wrong = await phone(on('enrol', link), '805138');
    expect([wrong.code, wrong.err]).to.deep.equal([4, 'The PIN is wrong. 2 tries are left.\n']);
    // The same code again: the same keys go on.
    const ran = await phone(on('enrol', link), PIN);
    expect(ran).to.include({ code: 0, err: '' });
    expect(ran.out).to.include(`Adding this phone as "My phone" to ${login}.`).and.include('This phone is ready.');
    expect(statSync(state).mode & 0o777).to.equal(0o600);
    expect(readFileSync(state, 'utf8')).to.not.include(PIN);
    const self = await phone(on('self'));
    expect(JSON.parse(self.out)).to.include({ state: 'active', name: 'My phone', account: login });
  });

  it('is enrolled by the typed code and the sign-in name', async () => {
    const { code } = await offer();
    const other = join(folder, 'other.json');
    const args = [
      'enrol',
      '--code',
      code.toLowerCase(),
      '--login',
      login,
      '--server',
      running.issuer,
      '--state',
      other,
    ];
    expect(await phone(args, PIN)).to.include({ code: 0 });
  });

  it('lists, approves by number, and denies', async () => {
    expect((await phone(on('list'))).out).to.equal('No request waits for this phone.\n');
    expect((await phone(on('approve'), PIN)).code).to.equal(6);
    const one = await ask('push');
    const listed = await phone(on('list'));
    expect(listed.out).to.include(one.id).and.include('Payroll asks you to sign in');
    expect(listed.out).to.not.include(one.number);
    expect(await phone(on('approve', '--number', one.number), '111222')).to.include({ code: 4 });
    expect(await phone(on('approve'), PIN)).to.include({ code: 7 });
    expect(await phone(on('approve', '--number', one.number), PIN)).to.include({ code: 0 });
    expect(await stateOf(one)).to.equal('approved');
    const two = await ask('push');
    expect(await phone(on('deny', two.id))).to.include({ code: 0, out: 'Denied.\n' });
    expect(await stateOf(two)).to.equal('denied');
    expect((await phone(on('deny', two.id))).code).to.equal(6);
  });

  it('scans, opens, and makes a code without network', async () => {
    const one = await ask('qr');
    expect(await phone(on('claim', await scanned(one)), PIN)).to.include({ code: 0 });
    expect(await stateOf(one)).to.equal('approved');
    const two = await ask('qr');
    const opened = await phone(on('open', openLink(running.issuer, two.id)));
    expect(opened.out).to.include('Needs the number');
    const made = await phone(on('code', await scanned(two)), PIN);
    const code = made.out.split('\n')[1] ?? '';
    expect(code).to.match(/^\d{4} \d{4}$/);
    const asked = { txn: two.id, bind: 'b', interaction: 'uid', userId, service, level: 'mfa', code };
    expect((await enterOfflineCode(world, asked)).ok).to.equal(true);
    expect((await phone(on('code', openLink(running.issuer, two.id)), PIN)).code).to.equal(7);
  });

  it('takes the clock of the server where its own is off, also for a counter', async () => {
    const wrong = { ...kept(), clockOffset: 3_600_000 };
    writeFileSync(state, JSON.stringify(wrong));
    expect((await phone(on('self'))).code).to.equal(0);
    expect(Math.abs(kept().clockOffset)).to.be.below(5000);
    for (const clockOffset of [3_600_000, -3_600_000]) {
      writeFileSync(state, JSON.stringify({ ...kept(), clockOffset }));
      const one = await ask('push');
      const [entry] = (await new HeadlessPhone({ state: memoryStore(kept()) }).pending()).transactions;
      if (!entry) throw new Error('nothing is pending');
      // Straight to `respond`, so that the counter itself is what was made by the wrong clock.
      const headless = new HeadlessPhone({ state: fileStore(state) });
      expect((await headless.approve(entry, { pin: PIN, number: one.number })).state).to.equal('approved');
      expect(kept().account?.counter).to.be.below(Date.now() + 60_000);
    }
    // Stored by a clock that was far ahead, and then the phone was switched off: the one before it is gone.
    const { account } = kept();
    if (!account) throw new Error('no account');
    writeFileSync(state, JSON.stringify({ ...kept(), account: { ...account, counter: Date.now() + 86_400_000 } }));
    const one = await ask('push');
    expect(await phone(on('approve', '--number', one.number), PIN)).to.include({ code: 0 });
    expect(await stateOf(one)).to.equal('approved');
  });

  it('reads a lost answer to an approval as success, and goes on', async () => {
    let lost = 0;
    const losing: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (lost > 0 || !String(input).endsWith(devicePath('respond'))) return answer;
      lost += 1;
      await answer.arrayBuffer();
      throw new TypeError('fetch failed');
    };
    for (let round = 0; round < 2; round += 1) {
      lost = 0;
      const one = await ask('push');
      const headless = new HeadlessPhone({ state: fileStore(state), fetch: losing });
      const [entry] = (await headless.pending()).transactions;
      if (!entry) throw new Error('nothing is pending');
      expect((await headless.approve(entry, { pin: PIN, number: one.number })).state).to.equal('approved');
      expect([lost, await stateOf(one)]).to.deep.equal([1, 'approved']);
      // Its ratchet is one behind: the next approval still counts.
      const next = await ask('push');
      expect(await phone(on('approve', '--number', next.number), PIN)).to.include({ code: 0 });
    }
  });

  it('changes its PIN and its name', async () => {
    expect((await phone(on('change-pin', '--new-pin', '111111'), PIN)).code).to.equal(2);
    expect((await phone(on('change-pin', '--new-pin', '928374'), PIN)).out).to.equal('The PIN is changed.\n');
    expect((await phone(on('rename', 'Desk phone'))).out).to.include('"Desk phone"');
  });

  it('deletes its keys where it was removed, or leaves by itself', async () => {
    const { account } = kept();
    if (!account) throw new Error('no account');
    await removeDevice(world, { userId, deviceId: account.deviceId });
    expect((await phone(on('list'))).code).to.equal(5);
    expect(kept()).to.not.have.any.keys('account', 'enrolling');
    const other = join(folder, 'other.json');
    expect((await phone(['unlink', '--state', other])).code).to.equal(0);
    expect(readFileSync(other, 'utf8')).to.not.include('"key"');
    expect(await world.records.devices.ofUser(userId)).to.deep.equal([]);
  });
});
