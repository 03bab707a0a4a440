// The pages for operators, done as they say: the commands are read from the page and run by a shell, against real stores, one page after the other.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { type SmtpListener, startSmtpListener } from '../notify/smtp-listener.ts';
import { PASSWORD } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { certificates } from '../support/production.ts';
import { authorization } from '../support/service.ts';
import {
  type FreshDatabase,
  type FreshRedis,
  freePort,
  freshDatabase,
  freshRedis,
  listens,
} from '../support/services.ts';

const CALLBACK = 'https://payroll.example.org/callback';
const atPayroll = (url: string) => url.startsWith(CALLBACK);

interface Block {
  language: string;
  text: string;
}

const page = (name: string) => readFileSync(join('docs', name), 'utf8');

/** The blocks of a page in their order, without the indentation of a list. */
function blocksOf(name: string): Block[] {
  return [...page(name).matchAll(/^( *)```(\w*)[^\n]*\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = '', language = '', text = '']) => ({
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );
}

/** The `countersign …` lines of a page's blocks; `a | b` are as many commands. */
function commandsOf(name: string): string[] {
  return blocksOf(name)
    .flatMap(({ text }) => text.split('\n'))
    .map((line) => line.replace(/\s#.*$/, '').trim())
    .filter((line) => line.startsWith('countersign '))
    .flatMap((line) => {
      const [before = '', words = '', after = ''] =
        /^(countersign \w+) ((?:[\w-]+ \| )+[\w-]+)(.*)$/.exec(line)?.slice(1) ?? [];
      return words === '' ? [line] : words.split(' | ').map((word) => `${before} ${word}${after}`);
    });
}

describe('the pages for operators, done as they say', function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), 'countersign-operator-'));
  const home = join(root, 'countersign');
  const dispatcher = getGlobalDispatcher();
  let database: FreshDatabase;
  let redis: FreshRedis;
  let smtp: SmtpListener;
  let port: number;
  let watch: number;
  let ca: string;
  let server: ChildProcess | undefined;
  let said = '';

  /** Names of the pages, and what stands for them here. */
  const here = (text: string) =>
    [
      ['/etc/countersign', home],
      ['https://id.example.org', `https://localhost:${port}`],
      ['https://phone.example.org', `https://app.localhost:${port}`],
      ['postgres://countersign:PASSWORD@db.example.org/countersign', database.url],
      ['redis://cache.example.org:6379', redis.url],
      ['smtps://USER:PASSWORD@mail.example.org:465', smtp.url],
    ].reduce((all, [name = '', one = '']) => all.replaceAll(name, one), text);

  const environment = () => {
    const { PORT: _p, HOST: _h, DATABASE_URL: _d, REDIS_URL: _r, ...rest } = process.env;
    return {
      ...rest,
      COUNTERSIGN_CONFIG: home,
      NODE_EXTRA_CA_CERTS: ca,
      PATH: [join(root, 'bin'), dirname(process.execPath), process.env['PATH']].join(delimiter),
    };
  };

  /** Runs it as somebody at a shell would. @returns everything that it said. @throws with it where a command ends with another code. */
  const shell = (text: string, code = 0) =>
    new Promise<string>((fulfil, reject) => {
      execFile('sh', ['-ec', text], { cwd: home, env: environment(), timeout: 60_000 }, (error, stdout, stderr) => {
        const ended = error === null ? 0 : error.code;
        if (ended === code) fulfil(stdout + stderr);
        else reject(new Error(`${text}\nended with ${String(ended)}:\n${stdout}${stderr}`));
      }).stdin?.end();
    });

  before(async () => {
    const bin = join(root, 'bin');
    mkdirSync(bin);
    mkdirSync(home);
    writeFileSync(
      join(bin, 'countersign'),
      `#!/bin/sh\nexec "${process.execPath}" "${resolve('dist/src/main.js')}" "$@"\n`,
    );
    chmodSync(join(bin, 'countersign'), 0o755);
    [database, redis, smtp, port, watch] = await Promise.all([
      freshDatabase(),
      freshRedis(),
      startSmtpListener(),
      freePort(),
      freePort(),
    ]);
    ca = certificates(root).ca;
    setGlobalDispatcher(new Agent({ connect: { ca: readFileSync(ca, 'utf8') } }));
    process.once('exit', () => server?.kill('SIGKILL'));
  });

  after(async () => {
    setGlobalDispatcher(dispatcher);
    const ending = server;
    if (ending && ending.exitCode === null) {
      const gone = new Promise((ended) => ending.once('exit', ended));
      ending.kill('SIGTERM');
      await gone;
    }
    await Promise.all([redis?.close(), database?.drop(), smtp?.close()]);
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  });

  async function serve(): Promise<void> {
    const started = spawn('countersign', ['serve'], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    server = started;
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    while (!(await listens(port))) {
      if (started.exitCode !== null) throw new Error(`it does not start:\n${said}`);
      await wait(20);
    }
  }

  it('get-started.md leads from nothing to a person who signs in', async () => {
    const [build, init, stores, storage, smtpUrl, mail, service, check, start, person, ...more] =
      blocksOf('get-started.md');
    expect(more, 'a step that is not done here').to.deep.equal([]);
    // `npm test` has done this one before.
    expect(build?.text).to.equal('npm ci && npm run build\n');
    await shell(here(init?.text ?? ''));
    // In place of a proxy.
    const [serverFile, { cert, key }] = [join(home, 'server.yaml'), certificates(root)];
    const written = readFileSync(serverFile, 'utf8')
      .replace('port: 3000', `port: ${port}`)
      .replace('port: 9000', `port: ${watch}`);
    writeFileSync(serverFile, `${written}tls: { cert_file: ${cert}, key_file: ${key} }\n`);
    ca = join(root, 'ca.pem');
    setGlobalDispatcher(new Agent({ connect: { ca: readFileSync(ca, 'utf8') } }));
    await shell(here(stores?.text ?? ''));
    writeFileSync(join(home, 'storage.yaml'), storage?.text ?? '');
    await shell(here(smtpUrl?.text ?? ''));
    writeFileSync(join(home, 'mail.yaml'), mail?.text ?? '');
    await shell(here(service?.text ?? ''));
    // What it asks for is what a password reaches: its person has no phone yet.
    const file = join(home, 'clients', 'payroll.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('minimum_level: mfa', 'minimum_level: basic'));
    expect(await shell(check?.text ?? '')).to.match(/^OK/m);
    const [running = '', ...others] = (start?.text ?? '').trim().split('\n');
    expect(running).to.equal('countersign serve');
    await serve();
    expect(await shell(others.join('\n'))).to.not.match(/^ *fail/m);

    const added = await shell(here(person?.text ?? ''));
    const link = /https:\S+/.exec(added)?.[0] ?? '';
    const browser = new HttpBrowser();
    const asked = await browser.visit(link);
    const { url, fields } = formOf(asked, new URL(asked.url).pathname);
    // The link's secret stands behind "#": a script of the page puts it into the form.
    const token = new URL(link).hash.slice(1);
    const chosen = await browser.post(url, { ...fields, token, password: PASSWORD, repeat: PASSWORD });
    expect(chosen.status, chosen.text.slice(0, 500)).to.equal(200);
    expect((await signIn()).to).to.match(/^https:\/\/payroll\.example\.org\/callback\?code=/);
  });

  /** Ada signs in at the service, and is asked for consent the first time. @returns where she is sent, and the id of that request. */
  async function signIn(password = PASSWORD): Promise<{ to: string; requestId: string }> {
    const browser = new HttpBrowser();
    const request = authorization(`https://localhost:${port}`, { redirect_uri: CALLBACK });
    const form = await browser.visit(request.url, atPayroll);
    const { url, fields } = formOf(form, '/login');
    let answer = await browser.post(url, { ...fields, login: 'ada', password }, atPayroll);
    if (answer.location === undefined && password === PASSWORD) {
      const consent = formOf(answer, '/consent');
      answer = await browser.post(consent.url, { ...consent.fields, answer: 'allow' }, atPayroll);
    }
    return { to: answer.location ?? '', requestId: answer.headers.get('x-request-id') ?? '' };
  }

  /** The pages that print commands in blocks: done here, or by a test that reads them from the page as well. */
  const ELSEWHERE: { [name: string]: string } = { 'operating/backup.md': 'test/operating/backup.test.ts' };
  const done = new Set(['get-started.md', ...Object.keys(ELSEWHERE)]);

  /**
   * Does what a page prints, in its order.
   * @param how.names what stands in the page, and what stands for it here. @param how.afterwards done after each command. @param how.refused
   *   how a command begins that the page says is refused.
   */
  async function follow(
    name: string,
    how: { names?: { [name: string]: string }; afterwards?: (printed: string) => Promise<void>; refused?: string } = {},
  ) {
    done.add(name);
    const heard: { [printed: string]: string } = {};
    const commands = commandsOf(name);
    expect(commands, name).to.not.deep.equal([]);
    for (const printed of commands) {
      const command = Object.entries(how.names ?? {}).reduce(
        (all, [one, other]) => all.replaceAll(one, other),
        printed,
      );
      heard[printed] = await shell(command, how.refused && printed.startsWith(how.refused) ? 1 : 0);
      await how.afterwards?.(printed);
    }
    return heard;
  }

  /** Sends the signal that the pages name, and waits for what the server says to it. */
  async function reload(): Promise<void> {
    const before = said.length;
    server?.kill('SIGHUP');
    while (!said.slice(before).includes('configuration re')) await wait(20);
    expect(said.slice(before)).to.include('configuration reloaded');
  }

  it('people.md adds, tells and changes people', async () => {
    writeFileSync(
      join(home, 'people.csv'),
      'login,name,email\nhedy,Hedy Lamarr,hedy@example.org\nbob,Bob,bob@example.org\n',
    );
    const heard = await follow('operating/people.md', { names: { LOGIN: 'bob', ada: 'grace', Ada: 'Grace' } });
    expect(heard['countersign user list']).to.include('grace').and.to.include('hedy');
    expect(heard['countersign user show ada']).to.include('grace@example.org');
    expect(readFileSync(join(home, 'people.json'), 'utf8').trim().split('\n')).to.have.length(4);
    const [groups] = Object.entries(heard).find(([command]) => command.includes('groups')) ?? [];
    expect(heard[groups ?? '']).to.include('staff');
  });

  it('audit.md verifies, searches and explains', async () => {
    expect((await signIn('not her pass phrase')).to).to.equal('');
    // Chained within a second.
    let verified = '';
    while (!/head \d+:\S+/.test(verified)) verified = await shell('countersign audit verify');
    const { requestId } = await signIn();
    const heard = await follow('operating/audit.md', {
      names: { '120394:J1x…': /head (\d+:\S+)/.exec(verified)?.[1] ?? '', Xk2mQ8: requestId },
    });
    expect(heard['countersign audit verify']).to.match(/^OK/);
    expect(heard['countersign audit search --person ada --from 2026-01-01 --event authn_login_fail']).to.include(
      'authn_login_fail',
    );
    expect(heard['countersign explain ada payroll']).to.match(/^So +level basic was reached/m);
    expect(heard['countersign explain Xk2mQ8']).to.equal(heard['countersign explain ada payroll']);
  });

  it('notices.md and read-only.md are taken over by a running server', async () => {
    for (const [name, word] of [
      ['operating/notices.md', 'notices'],
      ['operating/read-only.md', 'readOnly'],
    ] as const) {
      writeFileSync(join(home, 'notices.yaml'), blocksOf(name).find(({ language }) => language === 'yaml')?.text ?? '');
      expect((await follow(name))['countersign config check']).to.match(/^OK/m);
      await reload();
      expect(said).to.include(word);
    }
    expect(await fetch(`http://127.0.0.1:${watch}/metrics`).then((answer) => answer.text())).to.match(
      /^countersign_read_only 1$/m,
    );
    writeFileSync(join(home, 'notices.yaml'), 'notices: []\n');
    await reload();
  });

  it('keys.md changes keys and secrets', async () => {
    const list = await shell('countersign keys list');
    const first = (pattern: RegExp) => pattern.exec(list)?.[1] ?? '';
    const heard = await follow('operating/keys.md', {
      names: { KID: first(/^(\S+) +ES256/m), '2026-01-31': first(/^(\S+) +kek/m) },
      afterwards: (printed) => (printed === 'countersign keys rotate kek' ? reload() : Promise.resolve()),
      // An hour has not passed.
      refused: 'countersign keys retire kek',
    });
    expect(heard['countersign keys rotate kek']).to.include('reload');
    expect(heard['countersign keys retire kek 2026-01-31']).to.include('still needed');
    expect((await signIn()).to).to.include('code=');
  });

  it('running.md brings the tables back and forth', async () => {
    await follow('operating/running.md');
  });

  it('no page prints a command in a block that is not run', () => {
    const all = readdirSync('docs', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
    expect(all.filter((name) => commandsOf(name).length > 0 && !done.has(name))).to.deep.equal([]);
    for (const [name, test] of Object.entries(ELSEWHERE)) expect(readFileSync(test, 'utf8')).to.include(name);
  });
});
