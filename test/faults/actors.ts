// What each kind of person does in a run, one round at a time, and what must hold of it.
import { decodeJwt } from 'jose';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { PhoneProblem } from '../../src/cli/phone-wire.ts';
import { PIN, submit } from '../interactions/with-phone.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, tokenRequest } from '../support/service.ts';
import type { Dice } from './dice.ts';
import type { Ledger } from './ledger.ts';
import { answerByPhone, goOn, note, present, toThePhone } from './sign-in.ts';
import type { Person, Stage } from './stage.ts';

/** One round; throws where it could not be done. */
export type Round = () => Promise<void>;

/** Signs in with password and phone; now and then the phone says no, or nothing at all. The code is presented at both nodes at once. */
export function signer(stage: Stage, person: Person, ledger: Ledger, dice: Dice): Round {
  return async () => {
    const waiting = await toThePhone(stage, person);
    const says = dice.chance(0.75) ? 'approve' : dice.one(['deny', 'nothing'] as const);
    if (says !== 'nothing') await answerByPhone(waiting, says);
    const code = await goOn(waiting);
    if (says !== 'approve') {
      if (code !== undefined) ledger.violated(`let in though the phone said ${says}`);
      return;
    }
    if (code === undefined) throw new Error('approved, and not let in');
    const noted = note(ledger, waiting, code);
    const tries = await Promise.allSettled(stage.nodes.map(({ origin }) => present(ledger, noted, origin)));
    const refused = tries.find((one) => one.status === 'rejected');
    if (refused && noted.taken === 0) throw refused.reason;
  };
}

/** Somebody with a stolen password and no phone: whatever page comes, the way on must not lead in. */
export function intruder(stage: Stage, person: Person, ledger: Ledger): Round {
  return async () => {
    const waiting = await toThePhone(stage, person);
    const [one, other] = await Promise.all([goOn(waiting), goOn(waiting)]);
    if (one !== undefined || other !== undefined) ledger.violated('somebody without the phone was let in');
  };
}

/** Keeps a session by refresh tokens, each used once; an answer that was lost is asked for once more. */
export function refresher(stage: Stage, person: Person, ledger: Ledger): Round {
  let token: string | undefined;
  /** Tries whose end is not known: after two of them the family may have ended. */
  let unknown = 0;
  const begin = async () => {
    const browser = new HttpBrowser();
    const request = authorization(stage.issuer, { scope: 'openid offline_access', prompt: 'consent' });
    const consent = await logIn(browser, await browser.visit(request.url, atService), person.login);
    const allowed = await submit(browser, consent, '/consent', { answer: 'allow' });
    const { body } = await redeem(stage.issuer, sentBack(allowed).get('code') ?? '', request.verifier);
    [token, unknown] = [String(body['refresh_token']), 0];
  };
  const refresh = async () => {
    const asked = { grant_type: 'refresh_token', client_id: 'payroll', refresh_token: token };
    const { status, body } = await tokenRequest(stage.issuer, asked).catch((error: unknown) => {
      unknown += 1;
      throw error;
    });
    if (status === 200) {
      [token, unknown] = [String(body['refresh_token']), 0];
      if (decodeJwt(String(body['id_token'])).sub === undefined) ledger.violated('a refresh told nobody');
      return;
    }
    if (status < 500) {
      if (unknown < 2) ledger.violated(`a refresh token that was never used was refused: ${body['error']}`);
      token = undefined;
    }
    unknown += 1;
    throw new Error(`a refresh was answered ${status}`);
  };
  return async () => {
    if (token === undefined) await begin();
    await refresh();
    ledger.kept.set('refresh', () =>
      refresh().then(
        () => undefined,
        (error: Error) => (unknown < 2 ? `the refresh token is lost: ${error.message}` : undefined),
      ),
    );
  };
}

/** Gives the phone the next number as its name: the last that was acknowledged, or a later one, must stand there. */
export function renamer({ phone }: Person, ledger: Ledger): Round {
  let sent = 0;
  let told = 0;
  ledger.kept.set('name', async () => {
    const kept = Number((await phone.self()).name.split(' ')[1]);
    return kept >= told ? undefined : `the phone's name was ${told} and is ${kept} of ${sent}`;
  });
  return async () => {
    sent += 1;
    const mine = sent;
    await phone.rename(`Phone ${mine}`);
    told = mine;
  };
}

/** Wrong PINs on a stolen phone, two at a time: never more answers than the counter allows (protocol section 6). */
export function guesser(stage: Stage, person: Person, ledger: Ledger): Round {
  let heard = 0;
  const guess = async () => {
    try {
      await person.phone.changePin('000000', '271828');
      ledger.violated('a wrong PIN was taken');
    } catch (error) {
      if (!(error instanceof PhoneProblem) || error.status >= 500 || error.code === undefined) throw error;
      if (error.code === 'wrong_pin') heard += 1;
    }
  };
  ledger.kept.set('guesses', async () => {
    const { deviceId } = await person.phone.account();
    const [row] = await stage.ask<{ pin_failures: number }>('select pin_failures from devices where id = $1', [
      deviceId,
    ]);
    if (heard > 3) return `${heard} wrong PINs were answered at once, 3 are allowed`;
    return (row?.pin_failures ?? 0) >= heard ? undefined : `${heard} guesses, ${row?.pin_failures} counted`;
  });
  return async () => {
    const tries = await Promise.allSettled([guess(), guess()]);
    const failed = tries.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  };
}

/** Adds a phone and takes another one off: what was acknowledged holds. Done once in a run. */
export async function addAndRemove(stage: Stage, person: Person, leaving: HeadlessPhone, link: string, ledger: Ledger) {
  const { deviceId } = await leaving.account();
  const stateOf = async (id: string) =>
    (await stage.ask<{ state: string }>('select state from devices where id = $1', [id]))[0]?.state;
  const fresh = new HeadlessPhone({ origin: stage.issuer, state: memoryStore() });
  const added = await fresh.enrol({ link }, PIN).then(
    () => fresh.account(),
    (error: unknown) => void ledger.refused(error),
  );
  if (added)
    ledger.kept.set('added', async () => {
      const state = await stateOf(added.deviceId);
      return state === 'active' ? undefined : `a phone that was added is ${state ?? 'not there'}`;
    });
  const removed = await leaving.unlink().then(
    () => true,
    (error: unknown) => void ledger.refused(error),
  );
  if (removed)
    ledger.kept.set('removed', async () => {
      const state = await stateOf(deviceId);
      return state === 'removed' ? undefined : `a phone of ${person.login} that was removed is ${state}`;
    });
}
