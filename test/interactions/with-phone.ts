// One person at a browser with a headless phone, for the tests of the pages: second proof, enrolment, approval.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { type Answer, formOf, type HttpBrowser } from '../support/http-browser.ts';
import { atService } from '../support/service.ts';

/** What these need of a provider: one in this process, or a world of nodes. */
export interface Running {
  issuer: string;
  folder: string;
}

/** The PIN of every phone here. */
export const PIN = '805139';

/** What asks for the phone. */
export const MFA = 'urn:countersign:acr:mfa';

/** Posts the form of a page, as a browser would. */
export function submit(
  browser: HttpBrowser,
  page: Answer,
  action: string,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const form = formOf(page, action);
  return browser.post(form.url, { ...form.fields, ...fields }, atService);
}

/** The newest mail to an address; empty where there is none. */
export function newestMail(running: Running, to: string): string {
  const folder = join(running.folder, 'data', 'outbox');
  if (!existsSync(folder)) return '';
  const mails = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .filter((text) => text.includes(`To: ${to}`));
  return mails.at(-1) ?? '';
}

/** The eight digits of a mail. */
export function codeIn(mail: string): string {
  const found = /^\s+(\d{4} \d{4})\s*$/m.exec(mail)?.[1];
  if (found === undefined) throw new Error(`no code in the mail:\n${mail}`);
  return found;
}

/** Asks for the code by mail and types it; the answer is the page that follows. */
export async function proveMailbox(running: Running, browser: HttpBrowser, page: Answer, to: string): Promise<Answer> {
  const asked = await submit(browser, page, '/send');
  return submit(browser, asked, '/check', { code: codeIn(newestMail(running, to)) });
}

/** A fresh phone. */
export function newPhone(running: Running): HeadlessPhone {
  return new HeadlessPhone({ origin: running.issuer, state: memoryStore() });
}

/** The typed code that a page shows. */
export function typedCodeIn(page: Answer): string {
  const found = /class="typed-code">([^<]+)</.exec(page.text)?.[1];
  if (found === undefined) throw new Error(`no typed code at ${page.url}:\n${page.text.slice(0, 3000)}`);
  return found;
}

/** From the name-and-PIN page to "your phone is added", with a phone that types the code. */
export async function addPhone(
  running: Running,
  browser: HttpBrowser,
  page: Answer,
  name = 'Blue phone',
): Promise<{ phone: HeadlessPhone; done: Answer }> {
  const offer = await submit(browser, page, '/start', { name, pin: PIN, pin_again: PIN });
  const phone = newPhone(running);
  await phone.enrol({ link: await offeredLink(browser, offer) }, PIN);
  return { phone, done: await browser.visit(offer.url) };
}

/** The link in the QR code: a phone's own browser gets it as a button. Typed codes are limited by address, and all tests share one. */
export async function offeredLink(browser: HttpBrowser, offer: Answer): Promise<string> {
  const mobile = await browser.request(offer.url, {
    headers: { 'user-agent': 'Mozilla/5.0 (Linux; Android 15) Mobile' },
  });
  const found = /href="([^"]+#e1\.[\w-]{22})"/.exec(mobile.text)?.[1];
  if (found === undefined) throw new Error(`no link at ${offer.url}`);
  return found;
}

/** The number of a waiting page. */
export function numberIn(page: Answer): string {
  const found = />(\d{3})<\/span><span>(\d{3})</.exec(page.text) ?? /(\d{3}) (\d{3})</.exec(page.text);
  if (!found) throw new Error(`no number at ${page.url}:\n${page.text.slice(0, 3000)}`);
  return `${found[1]}${found[2]}`;
}

/** The link that the moving code shows now, as the phone's camera would read it. */
export async function scannedLink(browser: HttpBrowser, page: Answer): Promise<string> {
  const part = (name: string) => new RegExp(`data-${name}="([^"]+)"`).exec(page.text)?.[1] ?? '';
  const state = await browser.request(`${page.url.split('?')[0]}/state`, { headers: { accept: 'application/json' } });
  const { frame } = JSON.parse(state.text) as { frame: { i: number; mac: string } };
  return `${part('before')}${frame.i}.${frame.mac}${part('after')}`;
}

/** Scans, approves, and goes on in the browser. */
export async function approveByScan(browser: HttpBrowser, phone: HeadlessPhone, page: Answer): Promise<Answer> {
  const request = await phone.claim(await scannedLink(browser, page));
  await phone.approve(request, { pin: PIN });
  return submit(browser, page, '/finish');
}

/** Types the number on the phone and approves. */
export async function approveByNumber(browser: HttpBrowser, phone: HeadlessPhone, page: Answer): Promise<Answer> {
  const [request] = (await phone.pending()).transactions;
  if (!request) throw new Error('nothing is pending');
  await phone.approve(request, { pin: PIN, number: numberIn(page) });
  return submit(browser, page, '/finish');
}
