// The phone in Python of examples/, which shares no code with ours, against a running provider.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Transaction } from '../../src/domain/transaction.ts';
import { signInLink } from '../../src/protocol/links.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { enterOfflineCode } from '../../src/usecases/enter-offline-code.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const NEW_PIN = '928374';
const service = { clientId: 'payroll', name: 'Payroll' };

describe('a phone in Python', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let folder: string;
  let who: { id: string; login: string };
  before(async () => {
    running = await startHouse();
    folder = mkdtempSync(join(tmpdir(), 'countersign-python-'));
    who = await person(running.house);
  });
  after(async () => {
    await running.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the phone; what it printed, or what it complained of behind an exclamation mark. */
  function phone(args: string[], pin = PIN, state = 'phone.json'): Promise<string> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, COUNTERSIGN_PHONE_PIN: pin };
      const whole = ['examples/python-phone/phone.py', '--state', join(folder, state), ...args];
      const child = spawn('python3', whole, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '';
      let complaint = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        complaint += chunk.toString();
      });
      child.once('error', reject);
      child.once('close', (code) => resolve(code === 0 ? out : `!${complaint}`));
    });
  }

  async function offer(): Promise<{ link: string; code: string }> {
    const { world } = running.house;
    const started = await startEnrolment(world, {
      userId: who.id,
      session: 's',
      name: 'Snake',
      pin: PIN,
      pinAgain: PIN,
    });
    if (!started.ok) throw new Error(started.why);
    return started;
  }

  async function ask(wants: 'push' | 'qr'): Promise<Transaction> {
    await running.house.world.limits.clear('push_short', who.id);
    const asking = {
      userId: who.id,
      interaction: 'uid',
      kind: 'signin',
      bind: 'b',
      level: 'mfa',
      fresh: true,
    } as const;
    const asked = await askPhone(running.house.world, { ...asking, service, wants });
    if (!asked.ok) throw new Error(asked.why);
    return asked.transaction;
  }

  const stateOf = async (one: Transaction) => (await running.house.world.transactions.find(one.id))?.state;
  const scanned = async (one: Transaction) =>
    signInLink(running.issuer, one.id, await currentFrame(running.house.world, one), one.context);

  it('verifies, opens and makes what stands in the vectors', async () => {
    const args = ['-B', 'examples/python-phone/check_vectors.py', 'test/protocol/vectors.json'];
    const { stdout } = await promisify(execFile)('python3', args);
    expect(stdout).to.equal('19 messages and 2 sealed texts are right.\n');
  });

  it('enrols by the link, with the same keys after a wrong PIN', async () => {
    const { link } = await offer();
    expect(await phone(['enrol', link], '805138')).to.match(/^!wrong_pin/);
    expect(await phone(['enrol', link]))
      .to.include(`to ${who.login}`)
      .and.include('This phone is ready.');
    expect(statSync(join(folder, 'phone.json')).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(await phone(['self']))).to.include({ name: 'Snake', state: 'active' });
  });

  it('enrols by the typed code', async () => {
    const { code } = await offer();
    const args = ['enrol', '--code', code, '--login', who.login, '--server', running.issuer];
    expect(await phone(args, PIN, 'other.json')).to.include('This phone is ready.');
  });

  it('lists, approves by number and PIN, and denies', async () => {
    const one = await ask('push');
    expect(await phone(['list']))
      .to.include(one.id)
      .and.include('Payroll');
    expect(await phone(['approve', one.id])).to.match(/^!not_transferred/);
    expect(await phone(['approve', one.id, '--number', one.number])).to.equal('Approved.\n');
    expect(await stateOf(one)).to.equal('approved');
    const two = await ask('push');
    expect(await phone(['deny'])).to.equal('Denied.\n');
    expect(await stateOf(two)).to.equal('denied');
  });

  it('scans a code, and approves again with the new ratchet', async () => {
    const one = await ask('qr');
    expect(await phone(['scan', await scanned(one)])).to.include('Approved.');
    expect(await stateOf(one)).to.equal('approved');
  });

  it('makes a code without network that the browser takes, also after a change of PIN', async () => {
    expect(await phone(['change-pin', '--new-pin', NEW_PIN])).to.equal('The PIN is changed.\n');
    const one = await ask('qr');
    const type = async (pin: string) => {
      const code = (await phone(['code', await scanned(one)], pin)).trim().split('\n').at(-1) ?? '';
      const typed = { txn: one.id, bind: 'b', interaction: 'uid', userId: who.id, service, level: 'mfa', code };
      return (await enterOfflineCode(running.house.world, typed)).ok;
    };
    expect(await type(PIN)).to.equal(false);
    expect(await type(NEW_PIN)).to.equal(true);
  });

  it('leaves', async () => {
    expect(await phone(['unlink'])).to.include('no account');
    expect(await phone(['list'])).to.include('!This phone has no account.');
    expect(await running.house.world.records.devices.ofUser(who.id)).to.have.length(1);
  });
});
