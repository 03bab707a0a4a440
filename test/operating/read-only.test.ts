// Read-only mode: who is signed in goes on, nothing that lasts is written, and everybody is told; a database that only reads looks the same.
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { examine } from '../../src/app/examine.ts';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { writes } from '../../src/storage/postgres/statement.ts';
import { type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';

const SECRET = 'Zq8vT2mX9rLw4KpY7sNd1HcJ5bGf3-of-this-one';
const CONSOLE = { client_id: 'console', client_secret: SECRET };
const UNTIL = '2999-01-31T22:30:00Z';
const ON = { on: true, until: UNTIL, text: { en: 'We move to <b>new</b> servers.', de: 'Wir ziehen um.' } };

describe('read-only mode', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let database: pg.Client;
  let owner: { id: string; login: string; phone: HeadlessPhone };
  let browser: HttpBrowser;
  let begun: { browser: HttpBrowser; page: Answer };
  let refresh: { payroll: string; console: string };

  const set = (readOnly: object) => running.reload({ 'notices.yaml': { read_only: readOnly } });

  /** A refresh token of a service that asks for one. */
  async function refreshToken(client: string, secret: { [name: string]: string }): Promise<string> {
    const asked = authorization(running.issuer, {
      client_id: client,
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    const page = await browser.visit(asked.url, atService);
    const { url, fields } = formOf(page, '/consent');
    const allowed = await browser.post(url, { ...fields, answer: 'allow' }, atService);
    const { body } = await redeem(running.issuer, sentBack(allowed).get('code') ?? '', asked.verifier, {
      client_id: client,
      ...secret,
    });
    return String(body['refresh_token']);
  }

  /** Everything that lasts, as one text. */
  async function everything(): Promise<string> {
    const { rows: tables } = await database.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
    );
    const sums = [];
    for (const { name } of tables) {
      const { rows } = await database.query(
        `select md5(string_agg(t::text, ',' order by t::text)) as sum from "${name}" t`,
      );
      sums.push(`${name} ${rows[0].sum}`);
    }
    return sums.join('\n');
  }

  const events = async (event: string) =>
    (await database.query(`select 1 from audit_events where event->>'event' = $1`, [event])).rowCount ?? 0;

  before(async () => {
    const wiki = { ...SERVICE, client_id: 'wiki', client_name: 'Wiki' };
    const secretive = { ...SERVICE, client_id: 'console', client_secret: SECRET };
    running = await startHouse({
      files: {
        'clients/wiki.yaml': wiki,
        'clients/console.yaml': { ...secretive, token_endpoint_auth_method: 'client_secret_post' },
      },
    });
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    owner = await personWithPhone(running);
    ({ browser } = await signedIn(running.issuer, owner.login));
    const account = await browser.visit(`${running.issuer}/account`);
    expect(account.status).to.equal(200);
    refresh = { payroll: await refreshToken('payroll', {}), console: await refreshToken('console', CONSOLE) };
    const other = new HttpBrowser();
    begun = { browser: other, page: await other.visit(authorization(running.issuer).url, atService) };
  });
  after(async () => {
    await database?.end();
    await running?.close();
  });

  const refreshing = (client: string, token: string, secret: { [name: string]: string } = {}) =>
    fetch(`${running.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: client, refresh_token: token, ...secret }),
    });

  function refused(answer: Answer, door: string): void {
    expect(answer.status, door).to.equal(503);
    expect(Number(answer.headers.get('retry-after')), door).to.be.within(1, 60);
    expect(answer.text, door).to.contain('This is not possible right now');
  }

  async function machineRefused(answer: Response, description: RegExp): Promise<void> {
    expect(answer.status).to.equal(503);
    expect(Number(answer.headers.get('retry-after'))).to.be.within(1, 60);
    const body = (await answer.json()) as { error: string; error_description: string };
    expect(body.error).to.equal('temporarily_unavailable');
    expect(body.error_description).to.match(description);
  }

  async function signInGoesOn(): Promise<string> {
    const asked = authorization(running.issuer);
    const code = sentBack(await browser.visit(asked.url, atService)).get('code') ?? '';
    const { body } = await redeem(running.issuer, code, asked.verifier);
    return String(body['access_token']);
  }

  /** Why the phone was refused. */
  const phoneRefused = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'taken',
      (error: unknown) => (error as { problem?: { type?: string } }).problem?.type ?? String(error),
    );

  it('tells reading statements from those that write or lock', () => {
    for (const read of ['select 1', ' with a as (select updated_at from b) select * from a', 'select deleted from a'])
      expect(writes(read), read).to.equal(false);
    for (const write of [
      'insert into a values (1)',
      'with gone as (delete from a) select 1',
      'select * from a for update',
      'select * from a for key share',
      'update a set b = 1',
      'lock table a',
    ])
      expect(writes(write), write).to.equal(true);
  });

  it('goes on for who is signed in, refuses what would last, and writes nothing', async () => {
    // What was told before is written and chained in the background.
    await pause(300);
    const reached = await events('authn_level_reached');
    expect((await set(ON)).needsRestart).to.deep.equal([]);
    await pause(200);
    const before = await everything();

    // Pages say so, until when, and what the operator says of it.
    const page = await browser.visit(`${running.issuer}/help`);
    expect(page.text).to.contain('Nobody can sign in anew or change anything right now.');
    expect(page.text).to.match(/Probably until January 31 at 10:30.PM UTC\./);
    expect(page.text).to.contain('We move to &lt;b>new&lt;/b> servers.');
    const german = await browser.request(`${running.issuer}/help`, { headers: { 'accept-language': 'de' } });
    expect(german.text).to.contain('Im Moment kann sich niemand neu anmelden').and.contain('Wir ziehen um.');
    const account = await browser.visit(`${running.issuer}/account`);
    expect(account.status).to.equal(200);
    expect(account.text).to.contain('Nobody can sign in anew');

    // Who is signed in goes on.
    const token = await signInGoesOn();
    const me = await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
    expect(me.status).to.equal(200);
    const refreshed = await refreshing('console', refresh.console, CONSOLE);
    expect(refreshed.status, 'a service with a secret').to.equal(200);
    const { refresh_token: same } = (await refreshed.json()) as { refresh_token: string };
    expect(same).to.equal(refresh.console);

    // Nobody else does, and nothing is changed.
    refused(await logIn(begun.browser, begun.page, owner.login), 'a sign-in that had begun');
    refused(await new HttpBrowser().visit(authorization(running.issuer).url, atService), 'a new sign-in');
    refused(await browser.visit(authorization(running.issuer, { client_id: 'wiki' }).url, atService), 'a new service');
    refused(await browser.visit(`${running.issuer}/recover`), 'a forgotten password');
    const { url, fields } = formOf(account, '/account/second-factor');
    refused(await browser.post(url, fields), 'the account');
    await machineRefused(await refreshing('payroll', refresh.payroll), /read-only for a while/);

    // The phone is told, and refused.
    const list = await owner.phone.pending();
    expect(list.read_only).to.deep.equal({ until: Date.parse(UNTIL) / 1000, text: ON.text });
    expect(await phoneRefused(owner.phone.rename('Red phone'))).to.equal('urn:countersign:problem:read_only');

    // Operators are told.
    const findings = await examine(running.house.settings(), systemClock);
    expect(findings.find(({ check }) => check === 'read-only')?.detail).to.contain(`lasts until 2999-01-31T22:30`);

    // Signing out is never refused.
    const leaving = await browser.visit(`${running.issuer}/session/end?client_id=payroll`);
    const form = formOf(leaving, '/session/end/confirm');
    const left = await browser.post(form.url, { ...form.fields, logout: 'yes' });
    expect(left.status).to.equal(200);
    refused(await browser.visit(authorization(running.issuer).url, atService), 'after signing out');

    expect(await everything(), 'nothing was written').to.equal(before);

    // Off again: what had begun goes on, and what waited for the audit stands in it.
    await set({});
    const goesOn = await logIn(begun.browser, begun.page, owner.login);
    expect(sentBack(goesOn).get('code')).to.be.a('string');
    expect((await refreshing('payroll', refresh.payroll)).status).to.equal(200);
    for (let tries = 0; tries < 300 && (await events('authn_level_reached')) < reached + 2; tries += 1)
      await pause(100);
    expect(await events('authn_level_reached'), 'while it was on, and after').to.equal(reached + 2);
    expect((await owner.phone.pending()).read_only).to.equal(undefined);
  });

  it('a database that only reads by itself looks the same', async () => {
    const { rows } = await database.query('select current_database() as name');
    const alter = async (value: string) => {
      await database.query(`set default_transaction_read_only = off`);
      await database.query(`alter database "${rows[0].name}" set default_transaction_read_only = ${value}`);
      const others =
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()';
      await database.query(others, [rows[0].name]);
    };
    const other = new HttpBrowser();
    const page = await other.visit(authorization(running.issuer).url, atService);
    await alter('on');
    try {
      refused(await logIn(other, page, owner.login), 'a sign-in');
      expect(await phoneRefused(owner.phone.rename('Red phone'))).to.equal('urn:countersign:problem:read_only');
      await machineRefused(await refreshing('console', refresh.console, CONSOLE), /read-only for a while/);
    } finally {
      await alter('off');
    }
    expect(sentBack(await logIn(other, page, owner.login)).get('code')).to.be.a('string');
  });
});
