// A person who is removed: nothing is kept of them but the audit, and nothing that they held opens anything.
import { expect } from 'chai';
import pg from 'pg';
import { inviteUser, removeUser } from '../../src/usecases/manage-users.ts';
import { approveByScan, MFA, submit } from '../interactions/with-phone.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';

describe('a person who is removed', () => {
  let running: RunningHouse;
  let database: pg.Client;
  before(async () => {
    running = await startHouse({
      files: { 'clients/guest.yaml': { ...SERVICE, client_id: 'guest', client_name: 'Guest', first_party: false } },
    });
    database = new pg.Client(running.environment['DATABASE_URL']);
    await database.connect();
  });
  after(async () => {
    await database?.end();
    await running?.close();
  });

  /** Tables with a row in which the id stands, whatever the column. */
  async function tablesWith(id: string): Promise<string[]> {
    const { rows } = await database.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const found: string[] = [];
    for (const { name } of rows) {
      const { rowCount } = await database.query(`select 1 from "${name}" as row where row::text like $1 limit 1`, [
        `%${id}%`,
      ]);
      if (rowCount) found.push(name);
    }
    return found.sort();
  }

  it('is in no table but the audit, and neither session nor token nor phone opens anything', async () => {
    const { world } = running.house;
    const { issuer } = running;
    const owner = await personWithPhone(running);
    const other = await person(running.house);
    const { browser, request, answer } = await signedIn(issuer, owner.login, {
      client_id: 'guest',
      acr_values: MFA,
      scope: 'openid offline_access',
      prompt: 'consent',
    });
    const asked = await approveByScan(browser, owner.phone, answer);
    const back = sentBack(await submit(browser, asked, '/consent', { answer: 'allow' }));
    const { body } = await redeem(issuer, back.get('code') ?? '', request.verifier, { client_id: 'guest' });
    const found = async () => {
      const user = await world.records.users.byId(owner.id);
      if (!user) throw new Error('nobody');
      return user;
    };
    await inviteUser(world, await found());
    const before = await tablesWith(owner.id);
    expect(before).to.include.members(['consents', 'devices', 'known_browsers', 'oidc_artefacts', 'tickets', 'users']);

    expect(await removeUser(world, await found()), 'who is still at work').to.equal(false);
    expect(await tablesWith(owner.id)).to.deep.equal(before);
    // The state alone: grants may come late, from requests that were under way.
    await world.records.users.setState(owner.id, 'disabled');
    expect(await removeUser(world, await found())).to.equal(true);
    expect(await tablesWith(owner.id)).to.deep.equal(['audit_events']);

    const silent = await browser.visit(authorization(issuer, { prompt: 'none' }).url, atService);
    expect(sentBack(silent).get('error')).to.equal('login_required');
    const renewed = await tokenRequest(issuer, {
      grant_type: 'refresh_token',
      client_id: 'guest',
      refresh_token: String(body['refresh_token']),
    });
    expect(renewed.body['error']).to.equal('invalid_grant');
    const page = await browser.visit(authorization(issuer).url, atService);
    expect((await logIn(browser, page, owner.login)).status).to.equal(401);
    const silenced = await owner.phone.pending().then(
      () => 'answered',
      (error: Error) => error.message,
    );
    expect(silenced).not.to.equal('answered');
    expect(sentBack((await signedIn(issuer, other.login)).answer).get('code')).to.be.a('string');
  });
});
