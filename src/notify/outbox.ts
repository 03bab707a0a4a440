// The outbox: each mail is a file in a folder, written whole or not at all.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mail } from '../domain/ports.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Deliver } from './mailer.ts';

/** A header's value on one line: a line break in a name must not become a header of its own. */
const oneLine = (text: string) => text.replaceAll(/\p{Cc}+/gu, ' ').trim();

/** The mail as a file (RFC 5322, UTF-8 by RFC 6532). */
function asMessage({ to, subject, text }: Mail, from: string, id: string, at: Date): string {
  const headers = {
    From: from,
    To: to,
    Subject: subject,
    Date: at.toUTCString().replace('GMT', '+0000'),
    'Message-ID': `<${id}@countersign>`,
    'MIME-Version': '1.0',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Transfer-Encoding': '8bit',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${oneLine(value)}`);
  return [...lines, '', ...text.split(/\r?\n/), ''].join('\r\n');
}

/** Delivers into a folder; the names of the files sort by time. */
export function createOutbox(
  settings: { folder: string; console: boolean; from: string },
  parts: { clock: Clock; random: Random; print?: (text: string) => void },
): Deliver {
  const { folder, from } = settings;
  const { clock, random, print = console.log } = parts;
  return async (mail) => {
    const at = new Date(clock.now());
    const id = random.id();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, `${at.toISOString().replaceAll(/[:.]/g, '-')}-${id}.eml`);
    const draft = join(folder, `.${id}.draft`);
    await writeFile(draft, asMessage(mail, from, id, at), { mode: 0o600 });
    await rename(draft, file);
    if (settings.console) print(`\nMail to ${oneLine(mail.to)}: ${oneLine(mail.subject)}\n${mail.text}\n`);
  };
}
