// Mail: the outbox's files, SMTP to a listener on loopback, tries again, and nothing that a person wrote becomes a header.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { type ClosableMailer, createMailer } from '../../src/notify/mailer.ts';
import type { Log } from '../../src/platform/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { Secret } from '../../src/settings/secret.ts';
import { freePort } from '../support/services.ts';
import { type SmtpListener, startSmtpListener } from './smtp-listener.ts';

const AT = Date.UTC(2026, 10, 24, 7, 30, 5);
const clock = { now: () => AT };
const FROM = 'Sign-in <no-reply@example.org>';
const CODE = '271828';
const MAIL = { to: 'ada@example.org', subject: 'Your code', text: `Hello Ada,\nyour code is ${CODE}.\n` };

/** What must not leave: a second header, a second receiver, a second mail. */
const INJECTIONS = [
  { ...MAIL, to: 'ada@example.org\r\nBcc: eve@example.com' },
  { ...MAIL, to: 'ada@example.org\nBcc: eve@example.com' },
  { ...MAIL, to: 'ada@example.org, eve@example.com' },
  { ...MAIL, to: 'ada@example.org>\r\nRCPT TO:<eve@example.com' },
  { ...MAIL, to: '"Eve" <eve@example.com>' },
  { ...MAIL, to: '' },
  { ...MAIL, subject: 'Your code\r\nBcc: eve@example.com' },
  { ...MAIL, subject: 'Your code\r\n\r\nanother text' },
  { ...MAIL, subject: 'Your code\u0000' },
];

/** A log whose lines a test can read. */
function readable(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }) as Log, lines };
}

async function soon(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 200) throw new Error(`not soon: ${what}`);
    await wait(10);
  }
}

describe('mail into the outbox', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-mail-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const outbox = (print?: (text: string) => void) =>
    createMailer(
      () => ({ from: FROM, transport: { kind: 'outbox', folder: join(folder, 'box'), console: print !== undefined } }),
      { log: readable().log, clock, random: systemRandom, ...(print ? { print } : {}) },
    );
  const files = () => readdirSync(join(folder, 'box'));

  it('is one file each, for its owner only, with headers, an empty line and the text', async () => {
    await outbox().send({ ...MAIL, subject: 'Ihr Code – Prüfung' });
    await outbox().send(MAIL);
    const [first, second, ...more] = files();
    expect(more).to.deep.equal([]);
    for (const name of [first, second]) expect(name).to.match(/^2026-11-24T07-30-05-000Z-[\w-]+\.eml$/);
    const mails = [first, second].map((name) => readFileSync(join(folder, 'box', name ?? ''), 'utf8'));
    const german = mails.find((mail) => mail.includes('Prüfung')) ?? '';
    const [head = '', ...body] = german.split('\r\n\r\n');
    expect(head.split('\r\n').filter((line) => !line.startsWith('Message-ID'))).to.deep.equal([
      `From: ${FROM}`,
      'To: ada@example.org',
      'Subject: Ihr Code – Prüfung',
      'Date: Tue, 24 Nov 2026 07:30:05 +0000',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ]);
    expect(body.join('\r\n\r\n')).to.equal(`Hello Ada,\r\nyour code is ${CODE}.\r\n\r\n`);
    expect(statSync(join(folder, 'box', first ?? '')).mode & 0o777).to.equal(0o600);
    expect(statSync(join(folder, 'box')).mode & 0o777).to.equal(0o700);
  });

  it('is printed only where the demo wants it', async () => {
    const printed: string[] = [];
    await outbox((text) => printed.push(text)).send(MAIL);
    expect(printed.join()).to.contain(CODE);
  });

  it('does not leave with more than one address or line', async () => {
    for (const mail of INJECTIONS) await outbox().send(mail);
    expect(readdirSync(folder)).to.deep.equal([]);
  });
});

describe('mail over SMTP', () => {
  let listener: SmtpListener;
  let mailer: ClosableMailer | undefined;
  let logged: ReturnType<typeof readable>;
  beforeEach(async () => {
    listener = await startSmtpListener();
    logged = readable();
  });
  afterEach(async () => {
    mailer?.close();
    await listener.close();
  });

  function smtp(retries: readonly number[] = [20, 20, 20], url = listener.url): ClosableMailer {
    mailer = createMailer(() => ({ from: FROM, transport: { kind: 'smtp', url: new Secret(url, 'test') } }), {
      log: logged.log,
      clock,
      random: systemRandom,
      retries,
    });
    return mailer;
  }

  it('arrives as it was written, to one receiver', async () => {
    await smtp().send({ ...MAIL, text: `${MAIL.text}.hidden dot\n` });
    await soon('the mail', () => listener.received.length === 1);
    const [mail] = listener.received;
    expect(mail?.to).to.deep.equal(['ada@example.org']);
    expect(mail?.from).to.contain('<no-reply@example.org>');
    expect(mail?.lines).to.include('To: ada@example.org').and.include('Subject: Your code');
    const from = mail?.lines.find((line) => line.startsWith('From: '));
    expect(from).to.match(/^From: "?Sign-in"? <no-reply@example\.org>$/);
    expect(mail?.lines).to.include(`your code is ${CODE}.`).and.include('.hidden dot');
  });

  it('does not leave with more than one address or line', async () => {
    for (const mail of INJECTIONS) await smtp().send(mail);
    await smtp().send(MAIL);
    await soon('the honest mail', () => listener.received.length === 1);
    await wait(100);
    expect(listener.received.flatMap(({ to }) => to)).to.deep.equal(['ada@example.org']);
    expect(listener.received.flatMap(({ lines }) => lines).join('\n')).not.to.match(/eve@|Bcc/i);
    expect(listener.connections()).to.equal(1);
  });

  it('is tried again until it is taken, once', async () => {
    listener.refuseNext(2);
    await smtp().send(MAIL);
    await soon('the third try', () => listener.received.length === 1);
    await wait(100);
    expect(listener.received).to.have.length(1);
    expect(listener.connections()).to.equal(3);
  });

  it('leaves by the address of a reload, also what waits since before', async () => {
    const wrong = { from: FROM, transport: { kind: 'smtp' as const, url: new Secret(`smtp://127.0.0.1:1`, 'test') } };
    let settings: Parameters<typeof createMailer>[0] = () => wrong;
    mailer = createMailer(() => settings(), { log: logged.log, clock, random: systemRandom, retries: [300] });
    await mailer.send(MAIL);
    await soon('the first try', () => logged.lines.some((line) => line.includes('mail not sent')));
    const right = { from: FROM, transport: { kind: 'smtp' as const, url: new Secret(listener.url, 'test') } };
    settings = () => right;
    await soon('the second', () => listener.received.length === 1);
    await mailer.send({ ...MAIL, to: 'bob@example.org' });
    await soon('the next mail', () => listener.received.length === 2);
  });

  it('is given up in the end, and neither address nor text is logged', async () => {
    await smtp([10], `smtp://127.0.0.1:${await freePort()}`).send(MAIL);
    await soon('giving up', () => logged.lines.some((line) => line.includes('mail given up')));
    expect(logged.lines).to.have.length(2);
    expect(logged.lines.join()).not.to.contain('ada@').and.not.to.contain(CODE);
  });

  it('does not hold a sign-in up where the mail server says nothing', async () => {
    listener.silence();
    const begun = Date.now();
    await smtp([]).send(MAIL);
    expect(Date.now() - begun, 'less than it waits for a greeting').to.be.below(2000);
    await soon('the connection', () => listener.connections() === 1);
  });
});
