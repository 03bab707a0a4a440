// `countersign` at a shell, before anything runs: pipes that end early, the version, and migrations taken back.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { base, writeFiles } from '../support/house.ts';
import { type FreshDatabase, type FreshRedis, freePort, freshDatabase, freshRedis } from '../support/services.ts';

describe('countersign at a shell', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), 'countersign-shell-'));
  let database: FreshDatabase;
  let redis: FreshRedis;

  before(async () => {
    writeFiles(folder, base('http://localhost:9'));
    [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  });
  after(async () => {
    await Promise.all([database?.drop(), redis?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (args: string[], more: { [name: string]: string } = {}): ChildProcess =>
    spawn(process.execPath, ['dist/src/main.js', ...args], {
      env: { ...process.env, DATABASE_URL: database.url, REDIS_URL: redis.url, COUNTERSIGN_CONFIG: folder, ...more },
    });
  const textOf = (stream: ChildProcess['stdout']) => {
    const parts: string[] = [];
    stream?.on('data', (chunk: Buffer) => void parts.push(chunk.toString()));
    return () => parts.join('');
  };
  const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('close', resolve));
  async function run(args: string[], input = '') {
    const child = start(args);
    const [out, wrong] = [textOf(child.stdout), textOf(child.stderr)];
    child.stdin?.end(input);
    const code = await ended(child);
    return { code, stdout: out(), stderr: wrong() };
  }

  it('says which version it is', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await run(['--version'])).to.deep.include({ code: 0, stdout: `${version}\n` });
  });

  it('ends without a word where nobody reads on', async () => {
    const people = Array.from({ length: 2000 }, (_none, at) => `many${at},Many`).join('\n');
    expect((await run(['user', 'import', '-'], `login,name\n${people}\n`)).code).to.equal(0);
    const child = start(['user', 'export']);
    const wrong = textOf(child.stderr);
    // As `head` does: what is there is taken, and the pipe is closed.
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect([await ended(child), wrong()]).to.deep.equal([141, '']);
  });

  it('adds nobody without the password that was promised, or with a language that is none', async () => {
    const add = ['user', 'add', 'zoe', '--name', 'Zoe'];
    expect(await run([...add, '--password-stdin'], '\n')).to.deep.include({ code: 1, stdout: '' });
    expect((await run([...add, '--locale', 'klingonese'])).stderr).to.contain('a language is a tag');
    for (const [password, rule] of [
      ['hunter2', 'shorter than password.min_length'],
      ['abcabcabcabcabcabcabc', 'one piece again and again'],
    ] as const)
      expect((await run([...add, '--password-stdin'], `${password}\n`)).stderr).to.contain(rule);
    expect((await run(['user', 'show', 'zoe'])).code).to.equal(1);
  });

  it('serves on where nobody reads what it says', async () => {
    const port = await freePort();
    const child = start(['serve'], { PORT: String(port) });
    child.stdout?.destroy();
    const end = ended(child);
    const answer = () =>
      fetch(`http://localhost:${port}/.well-known/openid-configuration`).then(
        ({ status }) => status,
        () => undefined,
      );
    try {
      while ((await answer()) !== 200 && child.exitCode === null) await wait(100);
      // It says where it is, to nobody, just after it begins to answer.
      await wait(1500);
      expect([child.exitCode, await answer()]).to.deep.equal([null, 200]);
      child.kill('SIGTERM');
      expect(await end).to.equal(0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('does not take a whole installation back unless that is said', async () => {
    const { applied } = JSON.parse((await run(['db', 'status', '--json'])).stdout) as { applied: string[] };
    const [last = '', before = ''] = applied.toReversed();
    const refused = await run(['db', 'rollback']);
    expect(refused).to.deep.include({ code: 1, stdout: '' });
    expect(refused.stderr).to.contain('Nothing was changed').and.contain(`db rollback --to ${before}`);
    expect((await run(['user', 'show', 'many7'])).code).to.equal(0);

    expect((await run(['db', 'rollback', '--to', '0001_peple'])).stderr).to.contain('0001_peple is not applied');
    expect((await run(['db', 'rollback', '--to', before])).stdout).to.equal(`taken back  ${last}\n`);
    expect((await run(['db', 'status'])).stdout).to.contain(`applied  ${before}\nwaiting  ${last}\n`);
    // What is applied in the next batch is what goes without a word.
    expect((await run(['db', 'migrate', '--json'])).stdout).to.equal(`${JSON.stringify({ applied: [last] })}\n`);
    expect((await run(['db', 'rollback'])).stdout).to.equal(`taken back  ${last}\n`);
    expect((await run(['user', 'show', 'many7'])).code).to.equal(0);

    const everything = await run(['db', 'rollback', '--everything', '--json']);
    expect(JSON.parse(everything.stdout)).to.deep.equal({ taken_back: applied.toReversed() });
    expect((await run(['db', 'rollback'])).stdout).to.equal('nothing to do\n');
  });
});
