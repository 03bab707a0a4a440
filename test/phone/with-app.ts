// A person with the built phone app in real Chromium, against a whole provider: what the tests of the app begin with.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import QRCode from 'qrcode';
import { builtFolder } from '../../src/app/assemble.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import { fromBase64url } from '../../src/protocol/bytes.ts';
import { frameMac, signInLink } from '../../src/protocol/links.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { sharedBrowser, type TestPhone } from '../support/browser.ts';
import { person, type RunningHouse } from '../support/house.ts';

/** The PIN of every phone here. */
export const PIN = '805139';
/** The browser that asks in every test here. */
export const BIND = fingerprint('a browser of the test');
/** The account page's session in every test here. */
export const SESSION = fingerprint('a session of the test');

/** @throws where nobody has built the app: `npm run build` does. */
export function needsBuiltApp(): void {
  if (!existsSync(join(builtFolder(), 'phone', 'index.html')))
    throw new Error('dist/phone is not built: npm run build');
}

/** Opens an enrolment as the account page does. */
export async function offer(running: RunningHouse, userId: string, name = 'Blue phone') {
  const started = await startEnrolment(running.house.world, {
    userId,
    session: SESSION,
    name,
    pin: PIN,
    pinAgain: PIN,
  });
  if (!started.ok) throw new Error(started.why);
  return started;
}

/** Asks the person's phone as a sign-in does. @param wants `push`: it appears on the phone by itself. */
export async function ask(
  running: RunningHouse,
  userId: string,
  interaction: string,
  wants: 'qr' | 'push' = 'qr',
): Promise<Transaction> {
  const asked = await askPhone(running.house.world, {
    userId,
    interaction,
    wants,
    kind: 'signin',
    bind: BIND,
    service: { clientId: 'payroll', name: 'Payroll' },
    level: 'mfa',
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    ip: '192.0.2.7',
    country: 'BE',
  });
  if (!asked.ok) throw new Error(asked.why);
  return asked.transaction;
}

/** What the browser says when it goes on. */
export function askedNow({ id, userId, interaction, level }: Transaction) {
  return { txn: id, userId, interaction, level, bind: BIND, service: { clientId: 'payroll', name: 'Payroll' } };
}

/** The link of the moving code at this moment. */
export async function scanned(running: RunningHouse, transaction: Transaction): Promise<string> {
  const now = await running.house.world.transactions.now();
  const i = Math.floor((now - transaction.startedAt) / 1000);
  const secret = fromBase64url(transaction.qrSecret);
  if (!secret) throw new Error('no secret');
  return signInLink(running.issuer, transaction.id, { i, mac: await frameMac(secret, i) }, transaction.context);
}

/** Holds a code before the phone's camera. */
export async function showCode(phone: TestPhone, text: string): Promise<void> {
  const page = await (await sharedBrowser()).newPage({ viewport: { width: 640, height: 480 } });
  try {
    const picture = await QRCode.toDataURL(text, { errorCorrectionLevel: 'M', margin: 4, width: 460 });
    await page.setContent(`<body style="margin:10px 90px;background:#fff"><img src="${picture}"></body>`);
    await page.locator('img').waitFor();
    phone.camera.show(await page.screenshot({ type: 'jpeg', quality: 92 }));
  } finally {
    await page.close();
  }
}

/** Types a PIN with the keys on the screen and sends it. */
export async function typePin(page: Page, pin: string): Promise<void> {
  await page.locator('.pin').waitFor();
  for (const digit of pin) await page.getByRole('button', { name: digit, exact: true }).click();
  await page.locator('.pin button[type=submit]').click();
}

/** Opens the link of an offer in a browser without an account, and follows it as far as the PIN. */
export async function followOffer(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Add it here, in this browser' }).click();
  await page.getByRole('heading', { name: 'Is this your account?' }).waitFor();
}

/** A person whose phone has the account, by the link. Typed codes are few for one address: only tests of typing type them. */
export async function enrolled(
  running: RunningHouse,
  phone: TestPhone,
): Promise<{ id: string; login: string; page: Page }> {
  const who = await person(running.house);
  const { link } = await offer(running, who.id);
  const page = await phone.context.newPage();
  await followOffer(page, link);
  await page.getByRole('button', { name: 'Yes, go on' }).click();
  await typePin(page, PIN);
  await page.getByRole('heading', { name: 'This phone is ready' }).waitFor();
  await page.getByRole('button', { name: 'To the start' }).click();
  await page.locator('.connection-live').waitFor();
  return { ...who, page };
}
