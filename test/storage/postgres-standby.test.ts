// PostgreSQL with a synchronous standby: the primary dies in the middle of sign-ins, and nothing that was answered is lost (security page F16).
import { expect } from 'chai';
import pg from 'pg';
import { examine } from '../../src/app/examine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { formOf } from '../support/http-browser.ts';
import { until } from '../support/redis-together.ts';
import { atService, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';
import { type FreshRedis, freshRedis, startPostgres, startStandby, type TestServer } from '../support/services.ts';

describe('PostgreSQL with a standby', function () {
  this.timeout(120_000);
  let primary: TestServer;
  let standby: TestServer;
  let redis: FreshRedis;
  let running: RunningHouse;
  before(async () => {
    const settings = { synchronous_standby_names: '*', synchronous_commit: 'on' };
    [primary, redis] = await Promise.all([startPostgres({ settings }), freshRedis()]);
    standby = await startStandby(primary);
    // The standby stands first: it is the primary that must be found. Of the third nobody has heard.
    const hosts = [standby.port, primary.port, 1].map((port) => `127.0.0.1:${port}`).join(',');
    const databaseUrl = `postgres://postgres@${hosts}/postgres?target_session_attrs=read-write`;
    running = await startHouse({ backend: { databaseUrl, redisUrl: redis.url } });
  });
  after(async () => {
    await running?.close();
    await Promise.all([standby?.close(), primary?.close(), redis?.close()]);
  });

  async function ask<T>({ url }: TestServer, statement: string): Promise<T[]> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(statement)).rows as T[];
    } finally {
      await client.end();
    }
  }

  const database = async () =>
    (await examine(running.settings, systemClock)).find(({ check }) => check === 'database')?.detail ?? '';

  const refresh = (token: unknown) =>
    tokenRequest(running.issuer, {
      grant_type: 'refresh_token',
      client_id: 'payroll',
      refresh_token: String(token),
    });

  it('F16: after the promotion sign-ins go on, and everything that was answered is there', async () => {
    expect(await database())
      .to.contain('primary of 3 hosts')
      .and.contain('1 synchronous standby');
    const { login } = await person(running.house);
    const { browser, request, answer } = await signedIn(running.issuer, login, {
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    const { url, fields } = formOf(answer, '/consent');
    const allowed = await browser.post(url, { ...fields, answer: 'allow' }, atService);
    const first = await redeem(running.issuer, sentBack(allowed).get('code') ?? '', request.verifier);
    const used = first.body['refresh_token'];

    // People are added without a pause; each one that was answered stands in the ledger.
    const ledger: string[] = [];
    let going = true;
    const adding = (async () => {
      while (going) {
        await person(running.house).then(
          (added) => ledger.push(added.login),
          () => new Promise((resolve) => setTimeout(resolve, 50)),
        );
      }
    })();
    await until('some are added', async () => ledger.length >= 10);
    const second = await refresh(used);
    expect(second.status).to.equal(200);
    await primary.kill();
    const before = ledger.length;
    expect((await fetch(`${running.issuer}/jwks`)).status).to.equal(200);
    expect(await database(), 'nobody is primary').to.contain('no host is a primary');
    await ask(standby, 'select pg_promote()');
    await until('more are added', async () => ledger.length > before + 5);
    going = false;
    await adding;

    const kept = await ask<{ login: string }>(standby, 'select login from users');
    expect(kept.map((row) => row.login)).to.include.members(ledger);
    const last = await signedIn(running.issuer, ledger[before - 1] ?? '');
    const tokens = await redeem(running.issuer, sentBack(last.answer).get('code') ?? '', last.request.verifier);
    expect(tokens.status, 'the last who was answered signs in').to.equal(200);

    // The first refresh token was used: its successor goes on, and using the old one again after that ends the family.
    const third = await refresh(second.body['refresh_token']);
    expect(third.status).to.equal(200);
    expect((await refresh(used)).body['error']).to.equal('invalid_grant');
    expect((await refresh(third.body['refresh_token'])).status, 'the family ended').to.equal(400);
    expect(await database()).to.contain('no synchronous standby');
  });
});
