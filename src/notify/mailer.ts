// Sends mail: into a folder (and onto the console in the demo), or over SMTP. A failure is retried from memory and never reaches a sign-in.
import type { Transporter } from 'nodemailer';
import type { Mail, Mailer } from '../domain/ports.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { MailSettings } from '../settings/settings.ts';
import { writeLetter } from './letters.ts';
import { createOutbox } from './outbox.ts';

/** Milliseconds before each further try. */
const RETRIES = [1_000, 10_000, 60_000, 300_000];
/** Mails that may wait for another try: more would only be memory. */
const WAITING = 1_000;

/** A mailer that can be closed. */
export interface ClosableMailer extends Mailer {
  /** How long the oldest mail has waited for its mail server, in seconds; 0 where none waits. */
  lag(): number;
  /** Gives up what waits for another try. */
  close(): void;
}

/** What a mailer is handed. `retries` in milliseconds, for tests. */
export interface MailerParts {
  log: Log;
  clock: Clock;
  random: Random;
  retries?: readonly number[];
  /** Where the demo prints; the console by default. */
  print?: (text: string) => void;
}

/** One address and nothing else: no second receiver, no name, no line that could become a header (RFC 5321 section 4.5.3.1.3 for the length). */
const ONE_ADDRESS = /^[^\s\p{Cc}@<>()[\],;:"\\]{1,64}@[^\s\p{Cc}@<>()[\],;:"\\]{1,189}$/u;
/** A subject is one line. */
const ONE_LINE = /^[^\p{Cc}]{1,300}$/u;

/** Hands a mail over, or throws. */
export type Deliver = (mail: Mail) => Promise<void>;

/** Loaded at the first mail. */
async function openSmtp(url: string): Promise<Transporter> {
  const timeouts = { connectionTimeout: 2_500, greetingTimeout: 2_500, socketTimeout: 10_000, dnsTimeout: 2_500 };
  const { createTransport } = await import('nodemailer');
  return createTransport({ url, ...timeouts, disableFileAccess: true, disableUrlAccess: true });
}

/** Connects to a mail server, encrypts and signs in as a mail would, and sends none. @throws Error with the reason. */
export async function testMail(url: string): Promise<void> {
  const transport = await openSmtp(url);
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

function createSmtp(url: string, from: string): Deliver {
  let transport: Promise<Transporter> | undefined;
  return async ({ to, subject, text }) => {
    transport ??= openSmtp(url);
    await (await transport).sendMail({ from, to: { name: '', address: to }, subject, text });
  };
}

function createDelivery({ transport, from }: MailSettings, parts: MailerParts): Deliver {
  return transport.kind === 'smtp'
    ? createSmtp(transport.url.reveal(), from)
    : createOutbox({ ...transport, from }, parts);
}

/**
 * The port {@link Mailer} by the operator's settings.
 * @param current the same object for as long as they are the same. Others hold from the next try on, for mails that wait for one too: a
 *   wrong address of the mail server loses none when it is mended in time.
 */
export function createMailer(current: () => MailSettings, parts: MailerParts): ClosableMailer {
  let made: { settings: MailSettings; deliver: Deliver } | undefined;
  const deliver: Deliver = (mail) => {
    const settings = current();
    if (made?.settings !== settings) made = { settings, deliver: createDelivery(settings, parts) };
    return made.deliver(mail);
  };
  return createRetrying(deliver, { ...parts, wait: () => current().transport.kind === 'outbox' });
}

/**
 * Tries at once, and again after a while where that failed.
 * @param parts `wait`: whether `send` waits for the first try. A mail server's answer is not waited for: it would tell by the time whom we know.
 */
export function createRetrying(
  deliver: Deliver,
  { log, clock, retries = RETRIES, wait }: Pick<MailerParts, 'log' | 'clock' | 'retries'> & { wait: () => boolean },
): ClosableMailer {
  /** Each with the time of its first try. */
  const waiting = new Map<NodeJS.Timeout, number>();

  async function attempt(mail: Mail, tries: number, since: number): Promise<void> {
    try {
      await deliver(mail);
    } catch (error) {
      // Neither the address nor the text: both are personal, and the text may hold a code.
      const facts = {
        err: error instanceof Error ? error.message.replaceAll(mail.to, '[address]') : 'unknown',
        tries: tries + 1,
      };
      const pause = retries[tries];
      if (pause === undefined || waiting.size >= WAITING) {
        log.error(facts, 'mail given up');
        return;
      }
      log.warn(facts, 'mail not sent; trying again');
      const timer = setTimeout(() => {
        waiting.delete(timer);
        void attempt(mail, tries + 1, since);
      }, pause);
      timer.unref();
      waiting.set(timer, since);
    }
  }

  return {
    write: writeLetter,
    async send(mail) {
      // Somebody tries to write headers of their own, or a mistake of ours: either way no such mail leaves.
      if (!ONE_ADDRESS.test(mail.to) || !ONE_LINE.test(mail.subject)) {
        log.error('mail refused: its address or its subject is more than one');
        return;
      }
      const first = attempt(mail, 0, clock.now());
      if (wait()) await first;
    },
    lag: () => (waiting.size === 0 ? 0 : Math.max(0, clock.now() - Math.min(...waiting.values())) / 1000),
    close() {
      for (const timer of waiting.keys()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
