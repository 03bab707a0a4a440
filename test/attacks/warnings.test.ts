// What a person is told by mail when somebody else may be at work (ASVS 6.3.5), and of each change of what they sign in with (ASVS 6.3.7).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { fingerprint } from '../../src/platform/hashes.ts';
import { acceptInvitation } from '../../src/usecases/accept-invitation.ts';
import { changePassword } from '../../src/usecases/change-password.ts';
import { inviteUser, resetFactors, unlockUser } from '../../src/usecases/manage-users.ts';
import { CLOSED_AT, signInWithPassword } from '../../src/usecases/sign-in-with-password.ts';
import { approveByScan, MFA, submit } from '../interactions/with-phone.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, logIn, sentBack, signedIn } from '../support/service.ts';

describe('what a person is told', () => {
  let running: RunningHouse;
  before(async () => {
    // The tries of one person are what counts here, and all come from one address.
    running = await startHouse({ files: { 'limits.yaml': { password_address: { points: 1000, within: '10m' } } } });
  });
  after(() => running?.close());

  /** Subjects of the letters to a person. */
  const letters = (login: string) =>
    readdirSync(join(running.folder, 'data', 'outbox'))
      .sort()
      .map((name) => readFileSync(join(running.folder, 'data', 'outbox', name), 'utf8'))
      .filter((mail) => mail.includes(`To: ${login}@example.org`))
      .map((mail) => /^Subject: (.*)\r?$/m.exec(mail)?.[1] ?? '');
  const user = async (id: string) => {
    const found = await running.house.world.records.users.byId(id);
    if (!found) throw new Error('nobody');
    return found;
  };
  const enter = async (login: string, wrong: number) => {
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(running.issuer).url, atService);
    for (let n = 0; n < wrong; n += 1) await logIn(browser, page, login, 'not the password');
    return logIn(browser, page, login);
  };

  it('is a right password after several wrong ones, once a day, and not a slip or two', async () => {
    const TOLD = 'Your password was right after several wrong tries';
    const { id, login } = await person(running.house);
    // Something is there to read.
    await running.house.world.mailer.send({ to: `${login}@example.org`, subject: 'First', text: 'x' });
    for (const slips of [0, 1, 3]) {
      expect(sentBack(await enter(login, slips)).get('code'), String(slips)).to.be.a('string');
      expect(letters(login), String(slips)).to.deep.equal(['First']);
    }
    expect(sentBack(await enter(login, 4)).get('code')).to.be.a('string');
    expect(letters(login)).to.deep.equal(['First', TOLD]);
    await unlockUser(running.house.world, await user(id));
    expect(sentBack(await enter(login, 4)).get('code')).to.be.a('string');
    expect(letters(login)).to.deep.equal(['First', TOLD]);
  });

  it('is a right password whose code by phone or mail was wrong until we stopped it', async () => {
    const TOLD = 'Your password was right, but the codes after it were wrong';
    const owner = await personWithPhone(running);
    for (let round = 0; round < 2; round += 1) {
      const { browser, answer } = await signedIn(running.issuer, owner.login, { acr_values: MFA });
      let page = answer;
      for (let n = 0; n < 3; n += 1) {
        expect(letters(owner.login).filter((one) => one === TOLD)).to.have.length(round);
        page = await submit(browser, page, '/code', { code: `0000000${n}` });
      }
      expect(letters(owner.login).filter((one) => one === TOLD)).to.have.length(1);
      if (round === 0) expect(page.text).not.to.include('more tries');
    }

    const first = await person(running.house);
    const { browser, answer } = await signedIn(running.issuer, first.login, { acr_values: MFA });
    let page = await submit(browser, answer, '/send');
    for (let n = 0; n < 5; n += 1) {
      expect(letters(first.login)).not.to.include(TOLD);
      page = await submit(browser, page, '/check', { code: `1111111${n}` });
    }
    expect(letters(first.login).filter((one) => one === TOLD)).to.have.length(1);
  });

  it('is what an operator did with their phones and their password', async () => {
    const { world } = running.house;
    const owner = await personWithPhone(running);
    const database = new pg.Client(running.environment['DATABASE_URL']);
    await database.connect();
    // What five wrong PINs come to, without their waits.
    await database.query(`update devices set state = 'locked', lock_reason = 'pin' where user_id = $1`, [owner.id]);
    await database.end();
    expect(await unlockUser(world, await user(owner.id))).to.deep.equal({ unlocked: 1, cloned: 0 });
    expect(letters(owner.login)).to.include('A phone was unlocked');
    expect(letters(owner.login)).not.to.include('A phone was removed from your account');
    expect(await resetFactors(world, await user(owner.id))).to.equal(1);
    expect(letters(owner.login)).to.include('A phone was removed from your account');

    const accept = async (id: string, password: string) => {
      const { token } = await inviteUser(world, await user(id));
      return acceptInvitation(world, { token, password, minLength: 8, context: [], address: '192.0.2.46' });
    };
    expect(letters(owner.login)).not.to.include('Your password was changed');
    expect((await accept(owner.id, 'seven quiet herons over the bay')).ok).to.equal(true);
    expect(letters(owner.login)).to.include('Your password was changed');
  });

  it('is a password that was typed wrong so often that it is closed: by strangers for strangers, and open again by a new one (A21)', async () => {
    const TOLD = 'Your password was closed';
    const { world } = running.house;
    const owner = await personWithPhone(running);
    const { browser, answer } = await signedIn(running.issuer, owner.login, { acr_values: MFA });
    await approveByScan(browser, owner.phone, answer);
    const known = fingerprint(browser.cookie('known') ?? '');
    const attempt = async (password: string, knownBrowser?: string) => {
      const more = knownBrowser === undefined ? {} : { knownBrowser };
      const answer = await signInWithPassword(world, { login: owner.login, password, address: 'here', ...more });
      return answer.ok ? 'ok' : answer.why;
    };
    const database = new pg.Client(running.environment['DATABASE_URL']);
    await database.connect();
    const count = async () =>
      (await database.query('select password_failures from users where id = $1', [owner.id])).rows[0]
        ?.password_failures;
    const failed = (times: number) =>
      database.query('update users set password_failures = $1 where id = $2', [times, owner.id]);
    try {
      for (let n = 1; n <= 3; n += 1) {
        expect(await attempt('wrong')).to.equal('wrong');
        expect(await count()).to.equal(n);
      }
      expect(await attempt(PASSWORD)).to.equal('ok');
      expect(await count(), 'a right one').to.equal(0);
      // Days of waiting for one wrong try after the other.
      await failed(CLOSED_AT - 1);
      expect(await attempt(PASSWORD), 'one less').to.equal('ok');
      await failed(CLOSED_AT - 1);
      expect(letters(owner.login)).not.to.include(TOLD);
      expect(await attempt('wrong')).to.equal('wrong');
      expect(letters(owner.login).filter((one) => one === TOLD)).to.have.length(1);
      expect(await attempt(PASSWORD), 'closed').to.equal('wrong');
      expect(await attempt(PASSWORD, fingerprint('another browser')), 'another browser').to.equal('wrong');
      expect(letters(owner.login).filter((one) => one === TOLD)).to.have.length(1);
      expect(await attempt(PASSWORD, known), 'where its owner is known').to.equal('ok');
      expect(await attempt(PASSWORD), 'open again').to.equal('ok');
      const change = { userId: owner.id, current: 'wrong', password: 'nine quiet herons', minLength: 8, context: [] };
      await failed(CLOSED_AT - 1);
      expect(await changePassword(world, { ...change, address: 'there' })).to.deep.equal({ ok: false, why: 'wrong' });
      expect(await attempt(PASSWORD), 'closed by guesses at the account page').to.equal('wrong');
      await failed(CLOSED_AT);
      const { token } = await inviteUser(world, await user(owner.id));
      const set = { token, password: 'nine quiet herons', minLength: 8, context: [], address: '192.0.2.47' };
      expect((await acceptInvitation(world, set)).ok).to.equal(true);
      expect(await attempt('nine quiet herons'), 'a new one').to.equal('ok');
      await failed(CLOSED_AT);
      await unlockUser(world, await user(owner.id));
      expect(await attempt('nine quiet herons'), 'by the operator').to.equal('ok');
    } finally {
      await database.end();
    }
  });
});
