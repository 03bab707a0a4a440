// Runs what a page of docs/relying-services/ says, as somebody would who copies it: its client file at a real provider, its program as a process.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { addPhone, approveByScan, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { type Files, person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { logIn, signedIn } from '../support/service.ts';
import { freePort, listens } from '../support/services.ts';

/** The addresses that every page is written with: those of `npm start`, and one beside it. */
const ISSUER = 'http://localhost:3000';
const HOME = 'http://localhost:4000';
/** An application behind the service, where a page has one. */
const BEHIND = '4001';

/** Letters that a client must encode in `client_secret_basic` (RFC 6749 section 2.3.1) stand in every secret here: an operator may have such a one. */
const newSecret = () => `a+/=${randomBytes(32).toString('base64')}`;

/** Where clients that are packages of Debian can be had (`scripts/machine.mjs` installs them there). */
export const onDebian = existsSync('/etc/debian_version');

const PATIENCE = 15_000;

/** Code blocks of a page by the file that they belong into (` ```js title="service.mjs" `). */
export function filesOf(page: string): Map<string, string> {
  const text = readFileSync(join('docs', 'relying-services', `${page}.md`), 'utf8');
  const blocks = text.matchAll(/^```\w+ title="([^"]+)"\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = '', content = '']) => [name, content]));
}

/** A page put to work. */
export interface Service {
  running: RunningHouse;
  /** Address of the service. */
  home: string;
  who: { id: string; login: string };
  phone: HeadlessPhone;
  secret: string;
  folder: string;
  /** What the program has written. */
  output(): string;
  close(): Promise<void>;
}

/** How the program of a page is run. */
export interface Program {
  command: string;
  args: string[];
  env?: { [name: string]: string };
  /** More files, which the machine has and the page need not show. */
  files?: { [path: string]: string };
  /** Listens at the second address of the page. */
  behind?: boolean;
}

/** A program that runs. */
interface Started {
  output(): string;
  end(): Promise<void>;
}

/** `node service.mjs`, as most pages say. */
export const NODE: Program = { command: process.execPath, args: ['service.mjs'] };

/**
 * Starts provider and service of a page, with a person who has a phone.
 * @param programs what runs the service, in this order.
 */
export async function startService(page: string, ...programs: Program[]): Promise<Service> {
  const [port, behind] = [await freePort(), await freePort()];
  const home = `http://localhost:${port}`;
  const secret = newSecret();
  const blocks = filesOf(page);
  const provider: { [path: string]: object } = { 'outbound.yaml': { allow: [`localhost:${port}`] } };
  for (const [path, content] of blocks) {
    if (!path.startsWith('config/')) continue;
    const own = content.replaceAll(HOME, home).replaceAll(/\$\{env:\w+\}/g, secret);
    provider[path.slice('config/'.length)] = parse(own) as object;
  }
  const running = await startHouse({ files: provider as Files });
  const folder = mkdtempSync(join(tmpdir(), 'countersign-service-'));
  installPackages(
    folder,
    [...blocks.values()].some((code) => code.includes('countersign-step-up')),
  );
  const place = (text: string) =>
    text.replaceAll(ISSUER, running.issuer).replaceAll(/4000/g, `${port}`).replaceAll(BEHIND, `${behind}`);
  for (const [path, content] of blocks) {
    if (path.startsWith('config/')) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), place(content));
  }
  const who = await person(running.house);
  const first = await signedIn(running.issuer, who.login, { acr_values: MFA });
  const ready = await proveMailbox(running, first.browser, first.answer, `${who.login}@example.org`);
  const { phone } = await addPhone(running, first.browser, ready);
  const started: Started[] = [];
  for (const program of programs.length > 0 ? programs : [NODE]) {
    for (const [path, content] of Object.entries(program.files ?? {})) writeFileSync(join(folder, path), content);
    started.push(await startProgram(program, folder, program.behind ? behind : port, secret));
  }
  return {
    running,
    home,
    who,
    phone,
    secret,
    folder,
    output: () => started.map(({ output }) => output()).join('\n'),
    close: async () => {
      for (const { end } of started.reverse()) await end();
      await running.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What `npm install` would leave there. @param own with this repository's own package, compiled as npm would give it. */
function installPackages(folder: string, own: boolean): void {
  const target = join(folder, 'node_modules');
  mkdirSync(target);
  for (const name of readdirSync('node_modules').filter((entry) => !entry.startsWith('.')))
    symlinkSync(resolve('node_modules', name), join(target, name));
  if (!own) return;
  const home = join(target, 'countersign-step-up');
  const tsc = [
    'node_modules/typescript/bin/tsc',
    '-p',
    'packages/step-up/tsconfig.json',
    '--outDir',
    join(home, 'dist'),
  ];
  execFileSync(process.execPath, tsc, { stdio: 'inherit' });
  cpSync('packages/step-up/package.json', join(home, 'package.json'));
}

async function startProgram(
  { command, args, env }: Program,
  folder: string,
  port: number,
  secret: string,
): Promise<Started> {
  const { PORT: _p, HOST: _h, NODE_OPTIONS: _o, ...rest } = process.env;
  const child: ChildProcess = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...rest, TRAVEL_SECRET: secret, ...env },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  process.once('exit', () => child.kill('SIGKILL'));
  const deadline = performance.now() + PATIENCE;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the service does not start:\n${said}`);
    }
    await wait(30);
  }
  return {
    output: () => said,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 2_000);
      await gone;
      clearTimeout(late);
    },
  };
}

/** What a service says of the person: the claims as JSON, `null` where nobody is signed in. */
export function claimsOn(answer: Answer): { [claim: string]: unknown } | null {
  try {
    return JSON.parse(answer.text) as { [claim: string]: unknown } | null;
  } catch {
    throw new Error(`no claims at ${answer.url} (${answer.status}):\n${answer.text.slice(0, 2000)}`);
  }
}

/** Says yes where the provider asks whether to sign out, and goes where that leads. */
export async function confirmSignOut(browser: HttpBrowser, page: Answer): Promise<Answer> {
  const { url, fields } = formOf(page, '/session/end/confirm');
  return browser.post(url, { ...fields, logout: 'yes' });
}

/** The `amr` of a password and an approval with the PIN. */
export const AMR = ['pwd', 'swk', 'pin', 'mca', 'user', 'mfa'];

/** What every client must do, as tests: each page shows `/`, `/sign-in`, `/strong` and `/sign-out`. */
export function worksWith(service: () => Service): void {
  const browser = new HttpBrowser();
  const go = (path: string) => browser.visit(`${service().home}${path}`);

  it('signs in by discovery and a password', async () => {
    expect(claimsOn(await go('/'))).to.equal(null);
    const page = await go('/sign-in');
    expect(page.text, service().output()).to.include('current-password');
    const { who, running } = service();
    const answer = await logIn(browser, page, who.login);
    const claims = claimsOn(answer);
    expect(claims, service().output()).to.include({ sub: who.id, acr: 'urn:countersign:acr:basic' });
    expect(claims?.['amr']).to.deep.equal(['pwd']);
    expect(new URL(answer.url).origin).to.equal(service().home);
    expect(running.issuer).to.equal(claims?.['iss'] ?? running.issuer);
  });

  it('steps up to the level with the phone', async () => {
    const page = await go('/strong');
    expect(page.text, service().output()).to.include('Scan with your phone').and.include('Travel desk');
    const answer = await approveByScan(browser, service().phone, page);
    const claims = claimsOn(answer);
    expect(claims, service().output()).to.include({ sub: service().who.id, acr: MFA });
    expect(claims?.['amr']).to.have.members(AMR);
    const age = Date.now() / 1000 - Number(claims?.['auth_time']);
    expect(age).to.be.within(-5, 60);
    // Nobody is asked a second time.
    expect(claimsOn(await go('/strong'))).to.include({ acr: MFA });
    expect(claimsOn(await go('/'))).to.include({ acr: MFA });
  });

  it('signs out here and at the provider', async () => {
    const answer = await confirmSignOut(browser, await go('/sign-out'));
    expect(answer.url, service().output()).to.equal(`${service().home}/`);
    expect(claimsOn(answer)).to.equal(null);
    expect((await go('/sign-in')).text).to.include('current-password');
  });
}

/** Signs in at the service and out at the provider: the service is told over the back channel, and the browser has no part in it. */
export async function hearsOfSignOut({ home, running, who, output }: Service): Promise<void> {
  const browser = new HttpBrowser();
  await logIn(browser, await browser.visit(`${home}/sign-in`), who.login);
  const claims = async () => claimsOn(await browser.visit(`${home}/`));
  expect(await claims()).to.include({ sub: who.id });
  await confirmSignOut(browser, await browser.visit(`${running.issuer}/session/end`));
  const deadline = performance.now() + 5_000;
  while ((await claims()) !== null && performance.now() < deadline) await wait(100);
  expect(await claims(), output()).to.equal(null);
}
