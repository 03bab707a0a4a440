// The parts of a sign-in with a phone, each by itself, so that a fault can come between any two of them.
import { MFA, PIN, scannedLink, submit } from '../interactions/with-phone.ts';
import { type Answer, formOf, type HttpBrowser } from '../support/http-browser.ts';
import { atService, CALLBACK, sentBack, signedIn, tokenRequest } from '../support/service.ts';
import type { Code, Ledger } from './ledger.ts';
import type { Person, Stage } from './stage.ts';

/** A sign-in at the page that waits for the phone. */
export interface Waiting {
  person: Person;
  browser: HttpBrowser;
  page: Answer;
  verifier: string;
}

/** Signs in by password, up to the page that waits for the phone. @throws Error where that is not the page that came. */
export async function toThePhone(stage: Stage, person: Person): Promise<Waiting> {
  const { browser, request, answer } = await signedIn(stage.issuer, person.login, { acr_values: MFA });
  if (answer.status !== 200 || !answer.url.split('?')[0]?.endsWith('/approve'))
    throw new Error(`no page for the phone: ${answer.status}`);
  return { person, browser, page: answer, verifier: request.verifier };
}

/** The phone scans, and answers. */
export async function answerByPhone({ person, browser, page }: Waiting, says: 'approve' | 'deny'): Promise<void> {
  const request = await person.phone.claim(await scannedLink(browser, page));
  if (says === 'approve') await person.phone.approve(request, { pin: PIN });
  else await person.phone.deny(request);
}

/** Goes on in the browser. @returns the code, where the way leads back to the service with one. @throws Error where a store is not there. */
export async function goOn({ browser, page }: Waiting): Promise<string | undefined> {
  return codeOf(await submit(browser, page, '/finish'));
}

function codeOf(answer: Answer): string | undefined {
  if (answer.status >= 500) throw new Error(`going on was answered ${answer.status}`);
  if (answer.location === undefined || !atService(answer.location)) return undefined;
  return sentBack(answer).get('code') ?? undefined;
}

/** Writes a code that was given into the book, and the browser's last step with it: neither may be good twice. */
export function note(ledger: Ledger, { browser, page, verifier }: Waiting, code: string): Code {
  const noted: Code = { code, verifier, taken: 0 };
  ledger.codes.push(noted);
  const { url, fields } = formOf(page, '/finish');
  ledger.finished.push(async () => codeOf(await browser.post(url, fields, atService)) !== undefined);
  return noted;
}

/** Presents a code, and counts whether it was taken. @throws Error where a store is not there. */
export async function present(ledger: Ledger, code: Code, at: string): Promise<boolean> {
  const { status, body } = await tokenRequest(at, {
    grant_type: 'authorization_code',
    client_id: 'payroll',
    redirect_uri: CALLBACK,
    code: code.code,
    code_verifier: code.verifier,
  });
  if (status >= 500) throw new Error(`a code was answered ${status}`);
  if (status !== 200) return false;
  code.taken += 1;
  if (code.taken > 1) ledger.violated('a code was taken twice');
  if (typeof body['id_token'] !== 'string') ledger.violated('a code gave no id_token');
  return true;
}
