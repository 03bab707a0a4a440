// What the fail-over tests of Redis have in common: a code that was spent in the moment that the new primary never heard of.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { fingerprint } from '../../src/platform/hashes.ts';
import { type Database, openDatabase } from '../../src/storage/postgres/database.ts';
import { openState } from '../../src/storage/state/open.ts';
import type { State } from '../../src/storage/state/state.ts';
import { PASSWORD, type RunningHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { at, until } from '../support/redis-together.ts';
import { atService, authorization, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';
import type { TestServer } from '../support/services.ts';
import { silent } from './stores.ts';

/** The key of a code in epoch 1. */
export const keyOf = (code: string): string => `oidc:AuthorizationCode:1:${fingerprint(code)}`;

/** Another node on the same stores, to look through. */
export interface Node {
  database: Database;
  state: State;
  close(): Promise<void>;
}

/** Opens it as a server does. */
export async function anotherNode({ settings }: RunningHouse): Promise<Node> {
  const database = await openDatabase(settings.storage.database);
  const state = await openState(settings.storage.state, { log: silent, epochs: database.epochs });
  const close = async () => {
    await state.close();
    await database.close();
  };
  return { database, state, close };
}

/** What was begun before the fail-over. */
export interface Begun {
  browser: HttpBrowser;
  spent: { code: string; verifier: string };
  /** Somebody who is about to sign out: what a thief of the cookie has, and the way to confirm. */
  leaving: { cookies: string; session: string; confirm(): Promise<Answer> };
  /** Somebody who has the password page before them. */
  other: HttpBrowser;
  page: Answer;
}

/** A person in a session, with a code; and another one at the password page. @param fits whether the code's key lies where it should. */
export async function begin(running: RunningHouse, login: string, fits: (key: string) => boolean): Promise<Begun> {
  const { browser } = await signedIn(running.issuer, login);
  const { browser: leaver } = await signedIn(running.issuer, login);
  const { url: signOut, fields } = formOf(await leaver.visit(`${running.issuer}/session/end`), '/session/end/confirm');
  const leaving = {
    cookies: leaver.cookiesFor('/auth'),
    session: leaver.cookie('countersign_session') ?? '',
    confirm: () => leaver.post(signOut, { ...fields, logout: 'yes' }, atService),
  };
  const other = new HttpBrowser();
  const page = await other.visit(authorization(running.issuer).url, atService);
  for (;;) {
    const { url, verifier } = authorization(running.issuer);
    const code = sentBack(await browser.visit(url, atService)).get('code') ?? '';
    if (fits(keyOf(code))) return { browser, spent: { code, verifier }, leaving, other, page };
  }
}

/** Presents a code; 200 where it was taken. */
export async function present(running: RunningHouse, { code, verifier }: Begun['spent']): Promise<number> {
  const { status } = await tokenRequest(running.issuer, {
    grant_type: 'authorization_code',
    client_id: 'payroll',
    redirect_uri: 'http://localhost:9/callback',
    code,
    code_verifier: verifier,
  });
  return status;
}

/**
 * The code is spent while the replica hears nothing, and in the same moment the primary dies. The heartbeat was heard before:
 * it cannot tell that anything is missing.
 */
export async function loseTheSpending(
  running: RunningHouse,
  { epochs }: Database,
  { spent, leaving }: Begun,
  { primary, replica }: { primary: TestServer; replica: TestServer },
): Promise<void> {
  const { beat } = await epochs.read();
  await until('a heartbeat', async () => (await epochs.read()).beat > beat);
  const offset = await at(primary, async (client) => /^master_repl_offset:(\d+)/m.exec(await client.info())?.[1]);
  await until('the replica heard it', () =>
    at(replica, async (client) => Number(/^slave_repl_offset:(\d+)/m.exec(await client.info())?.[1]) >= Number(offset)),
  );
  process.kill(replica.pid(), 'SIGSTOP');
  try {
    // Without this the spending would wait in the stopped replica's socket.
    await at(primary, (client) => client.call('CLIENT', 'KILL', 'TYPE', 'REPLICA'));
    expect(await present(running, spent)).to.equal(200);
    await leaving.confirm();
    await primary.kill();
  } finally {
    process.kill(replica.pid(), 'SIGCONT');
  }
}

/** Waits until a person can sign in anew. */
export async function signInsGoOn(running: RunningHouse, login: string): Promise<void> {
  await until('somebody signs in again', async () => {
    const { request, answer } = await signedIn(running.issuer, login);
    return (await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier)).status === 200;
  });
}

/** What must hold on the other side. @param replica the server that took over. */
export async function nobodyIsLetIn(running: RunningHouse, begun: Begun, replica: TestServer): Promise<void> {
  // The code is back, and looks as if nobody had used it: but for the epoch it would be good.
  const fields = await at(replica, (client) => client.hgetall(keyOf(begun.spent.code)));
  expect(fields, 'the new primary never heard that it was spent').to.have.property('p');
  expect(fields).not.to.have.property('c');
  let spent = await present(running, begun.spent);
  // Not yet: connections are still being made anew. Whoever is told so asks again.
  while (spent === 503) {
    await wait(200);
    spent = await present(running, begun.spent);
  }
  expect(spent, 'a spent code').to.equal(400);

  // Who was at the password page is not let in by what was begun before, and begins again.
  const { url, fields: form } = formOf(begun.page, '/login');
  const late = await begun.other.post(url, { ...form, login: 'nobody', password: PASSWORD }, atService);
  expect(late.location, late.text).to.equal(undefined);
  expect(late.status).to.equal(410);

  // A session that was signed out of in that moment may be back, and is worth nothing to whoever has its cookie.
  const { url: quiet } = authorization(running.issuer, { prompt: 'none' });
  const thief = await fetch(quiet, { headers: { cookie: begun.leaving.cookies }, redirect: 'manual' });
  expect(new URL(thief.headers.get('location') ?? '').searchParams.get('error')).to.equal('login_required');

  // A session from before lives on: nobody has to sign in again who had.
  const { url: again, verifier } = authorization(running.issuer);
  const code = sentBack(await begun.browser.visit(again, atService)).get('code') ?? '';
  expect(await present(running, { code, verifier })).to.equal(200);
  expect(await present(running, { code, verifier }), 'once').to.equal(400);
}
