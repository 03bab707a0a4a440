// Backup and restore exactly as docs/operating/backup.md says: its commands are read from the page and run.
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { HeadlessPhone } from '../../src/cli/phone.ts';
import { addPhone, MFA, PIN, proveMailbox, scannedLink, submit } from '../interactions/with-phone.ts';
import { findProgram } from '../support/servers.ts';
import { redeem, sentBack, signedIn } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

const PAGE = readFileSync(new URL('../../docs/operating/backup.md', import.meta.url), 'utf8');

/** The commands of a block of the page. */
function block(name: string): string[] {
  const text = new RegExp(`\`\`\`sh ${name}\\n([^]+?)\`\`\``).exec(PAGE)?.[1];
  if (text === undefined) throw new Error(`the page has no block "${name}"`);
  return text.trim().split('\n');
}

describe('backup and restore', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let bin: string;
  const phones: { [login: string]: HeadlessPhone } = {};

  const run = async (commands: readonly string[]): Promise<string> => {
    const programs = ['pg_dump', 'redis-cli'].map((name) => dirname(findProgram(name) ?? name));
    const environment = {
      ...world.environment,
      COUNTERSIGN_CONFIG: world.folder,
      BACKUP: bin,
      PATH: [bin, ...programs, dirname(process.execPath), process.env['PATH']].join(delimiter),
    };
    const done = await promisify(execFile)('sh', ['-ec', commands.join('\n')], { env: environment });
    return done.stdout;
  };
  /** Asks for the phone, and approves with it; the level that was reached. */
  const approveAs = async (login: string): Promise<unknown> => {
    const { browser, request, answer } = await signedIn(world.issuer, login, { acr_values: MFA });
    const phone = phones[login] as HeadlessPhone;
    await phone.approve(await phone.claim(await scannedLink(browser, answer)), { pin: PIN });
    const back = await submit(browser, answer, '/finish');
    const { claims } = await redeem(world.issuer, sentBack(back).get('code') ?? '', request.verifier);
    return claims.acr;
  };

  before(async () => {
    bin = mkdtempSync(join(tmpdir(), 'countersign-backup-'));
    const main = resolve('dist', 'src', 'main.js');
    writeFileSync(join(bin, 'countersign'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(join(bin, 'countersign'), 0o755);
    world = await startWorld({ backend: 'servers', people: ['ada', 'bob'] });
    for (const login of ['ada', 'bob']) {
      const { browser, answer } = await signedIn(world.issuer, login, { acr_values: MFA });
      const ready = await proveMailbox(world, browser, answer, `${login}@example.org`);
      phones[login] = (await addPhone(world, browser, ready)).phone;
    }
  });
  after(async () => {
    await world?.close();
    rmSync(bin, { recursive: true, force: true });
  });

  it('brings back people and phones that were used after the backup', async () => {
    await run(block('backup'));
    // Two approvals: one alone would still know the secret before.
    for (const login of ['ada', 'ada', 'bob', 'bob']) expect(await approveAs(login)).to.equal(MFA);
    await world.cli(
      ['user', 'add', 'late', '--name', 'Late', '--email', 'late@example.org', '--password-stdin'],
      PIN.repeat(3),
    );
    const [node] = world.nodes;
    await node?.stop();
    const told = await run(block('restore'));
    expect(told).to.include('2 phones may go on');
    await node?.start();
    expect(await approveAs('ada')).to.equal(MFA);
    expect(await approveAs('ada')).to.equal(MFA);
    expect((await world.cli(['user', 'list'])).stdout)
      .to.include('ada')
      .and.not.include('late');
    expect((await world.cli(['audit', 'verify'])).code).to.equal(0);
  });

  it('would take those phones for copies without its last step', async () => {
    const [node] = world.nodes;
    await node?.stop();
    await run(block('restore').filter((command) => command !== 'countersign db restored'));
    await node?.start();
    let why: unknown;
    await approveAs('bob').catch((error: unknown) => {
      why = error;
    });
    expect(String(why)).to.match(/copy|cloned/i);
  });
});
