// A forgotten password, an invitation and a change of password, on PostgreSQL and Redis.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { World } from '../../src/domain/ports.ts';
import { fingerprint } from '../../src/platform/hashes.ts';
import { acceptInvitation } from '../../src/usecases/accept-invitation.ts';
import { changePassword } from '../../src/usecases/change-password.ts';
import { unlockUser } from '../../src/usecases/manage-users.ts';
import { requestPasswordReset } from '../../src/usecases/request-password-reset.ts';
import { type NewPassword, resetPassword } from '../../src/usecases/reset-password.ts';
import { signInWithPassword } from '../../src/usecases/sign-in-with-password.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { atService, authorization, signedIn } from '../support/service.ts';

const NEW = 'seven quiet herons over the bay';
let addresses = 0;

/** An address of its own for each try, where limits are not what is tested. */
function address(): string {
  addresses += 1;
  return `198.51.${Math.floor(addresses / 250)}.${addresses % 250}`;
}

const wanted = (token: string, password = NEW): NewPassword => ({
  token,
  password,
  minLength: 8,
  context: ['Countersign'],
  address: address(),
});

describe('recovery', () => {
  let running: RunningHouse;
  let world: World;
  before(async () => {
    running = await startHouse();
    world = running.house.world;
  });
  after(() => running.close());

  /** Asks for a link; answers the secrets of all mails that were written. */
  async function ask(typed: string): Promise<{ ok: boolean; tokens: string[] }> {
    const tokens: string[] = [];
    const asked = await requestPasswordReset(world, { typed, address: address() }, (_user, token) => {
      tokens.push(token);
      return { subject: 'Link', text: `secret ${token}\n` };
    });
    if (asked.ok) await asked.delivered;
    return { ok: asked.ok, tokens };
  }

  async function link(login: string): Promise<string> {
    const [token] = (await ask(login)).tokens;
    if (token === undefined) throw new Error('no mail was written');
    return token;
  }

  const signsIn = async (login: string, password: string) =>
    (await signInWithPassword(world, { login, password, address: address() })).ok;

  it('sets a new password with a mailed link; the old one is good no more', async () => {
    const { id, login } = await person(running.house);
    const token = await link(login);
    const outbox = join(running.folder, 'data', 'outbox');
    const mails = readdirSync(outbox).map((name) => readFileSync(join(outbox, name), 'utf8'));
    expect(mails.filter((mail) => mail.includes(`${login}@example.org`) && mail.includes('secret'))).to.have.length(1);
    expect(await resetPassword(world, wanted(token))).to.deep.equal({ ok: true, userId: id });
    expect(await signsIn(login, PASSWORD)).to.equal(false);
    expect(await signsIn(login, NEW)).to.equal(true);
  });

  it('spends one link once, however many try at the same moment', async () => {
    const { login } = await person(running.house);
    const token = await link(login);
    const tries = Array.from({ length: 20 }, (_, index) => resetPassword(world, wanted(token, `${NEW} ${index}`)));
    const answers = await Promise.all(tries);
    expect(answers.filter((answer) => answer.ok)).to.have.length(1);
    for (const answer of answers) if (!answer.ok) expect(answer.why).to.be.oneOf(['over', 'busy']);
    const winner = answers.findIndex((answer) => answer.ok);
    expect(await signsIn(login, `${NEW} ${winner}`)).to.equal(true);
    expect(await resetPassword(world, wanted(token))).to.deep.equal({ ok: false, why: 'over' });
  });

  it('ends every session, and every other link', async () => {
    const { id, login } = await person(running.house);
    const before = (await world.records.users.byId(id))?.sessionsValidAfter ?? 0;
    const [first, second] = [await link(login), await link(login)];
    expect((await resetPassword(world, wanted(second))).ok).to.equal(true);
    const user = await world.records.users.byId(id);
    expect(user?.sessionsValidAfter).to.be.greaterThan(before);
    expect(await resetPassword(world, wanted(first))).to.deep.equal({ ok: false, why: 'over' });
  });

  it('sends a browser that was signed in back to the sign-in page', async () => {
    const { login } = await person(running.house);
    const { browser } = await signedIn(running.issuer, login);
    const again = () => browser.visit(authorization(running.issuer).url, atService);
    expect((await again()).location, 'signed in').to.match(/code=/);
    expect((await resetPassword(world, wanted(await link(login)))).ok).to.equal(true);
    const page = await again();
    expect([page.status, page.location]).to.deep.equal([200, undefined]);
    expect(page.text).to.include('autocomplete="current-password"');
  });

  it('says the same to everybody, and mails only those whom we know', async () => {
    const { login } = await person(running.house);
    const known = await ask(login);
    for (const typed of ['nobody-of-this-name', 'nobody@example.org', '', 'x'.repeat(300), '\u0000'])
      expect(await ask(typed), typed).to.deep.equal({ ok: true, tokens: [] });
    expect(known.ok).to.equal(true);
    expect(known.tokens).to.have.length(1);
  });

  it('mails an address that several accounts share one link an account', async () => {
    const email = 'shared@example.org';
    await person(running.house, { email });
    await person(running.house, { email });
    expect((await ask(email)).tokens).to.have.length(2);
  });

  it('tells an address that asks too often to wait, and a name that is asked for too often nothing', async () => {
    const from = address();
    const compose = () => ({ subject: 'Link', text: 'x' });
    const answers = [];
    for (let turn = 0; turn < 100; turn += 1)
      answers.push(await requestPasswordReset(world, { typed: `stranger-${turn}`, address: from }, compose));
    const last = answers.at(-1);
    expect(last?.ok).to.equal(false);
    expect(last?.ok === false && last.retryAfter).to.be.greaterThan(0);
    const { login } = await person(running.house);
    const mails = [];
    for (let turn = 0; turn < 20; turn += 1) mails.push(await ask(login));
    expect(mails.every((mail) => mail.ok)).to.equal(true);
    expect(mails.at(-1)?.tokens).to.deep.equal([]);
  });

  it('counts no name while the address has to wait: each would be kept for as long as its limit', async () => {
    const from = address();
    const taken: string[] = [];
    const { limits } = world;
    const watched = {
      ...world,
      limits: {
        ...limits,
        take: (...asked: Parameters<typeof limits.take>) => {
          taken.push(asked[0]);
          return limits.take(...asked);
        },
      },
    };
    const tries = {
      password_person: (name: string) => signInWithPassword(watched, { login: name, password: 'x', address: from }),
      password_reset: (name: string) =>
        requestPasswordReset(watched, { typed: name, address: from }, () => ({ subject: '', text: '' })),
    };
    for (const [rule, attempt] of Object.entries(tries)) {
      for (let times = 0; times < 60; times += 1) {
        const before = taken.length;
        const answer = await attempt(`nobody-${rule}-${times}`);
        const counted = taken.slice(before).filter((one) => one === rule).length;
        // The address itself is counted under the rule of the reset.
        const most = answer.ok || answer.why !== 'wait' ? 2 : rule === 'password_reset' ? 1 : 0;
        expect(counted, `${rule} ${times}`).to.be.at.most(most);
        if (times === 59) expect(answer, rule).to.include({ ok: false, why: 'wait' });
      }
    }
  }).timeout(20_000);

  it('holds up the name that was typed and no other of the person: a wait of both would say whose they are', async () => {
    const { id, login } = await person(running.house);
    const mail = `${login}@example.org`;
    const attempt = async (name: string, password = 'wrong') => {
      const answer = await signInWithPassword(world, { login: name, password, address: address() });
      return answer.ok ? 'ok' : answer.why;
    };
    const user = await world.records.users.byId(id);
    if (!user) throw new Error('nobody');
    for (const [tried, other] of [
      [login, mail],
      [mail, login],
    ] as const) {
      for (let times = 0; times < 5; times += 1) expect(await attempt(tried)).to.equal('wrong');
      expect(await attempt(` ${tried.toUpperCase()}`, PASSWORD)).to.equal('wait');
      expect(await attempt(other), other).to.equal('wrong');
      expect(await attempt(other, PASSWORD), other).to.equal('ok');
      expect(await attempt(tried, PASSWORD)).to.equal('wait');
      await unlockUser(world, user);
      expect(await attempt(tried, PASSWORD)).to.equal('ok');
    }
  });

  it('costs a name that nobody has what it costs somebody whom it draws, and a disabled person what it did', async () => {
    const { login, id } = await person(running.house);
    for (let more = 0; more < 6; more += 1) await person(running.house);
    const { users } = world.records;
    const drawn: (string | undefined)[] = [];
    const { passwords } = world;
    const pretend: typeof passwords.pretend = (password, like) => {
      drawn.push(like);
      return passwords.pretend(password, like);
    };
    const watched = { ...world, passwords: { ...passwords, pretend } };
    const wrong = async (name: string) => {
      const answer = await signInWithPassword(watched, { login: name, password: PASSWORD, address: address() });
      expect(answer, name).to.deep.equal({ ok: false, why: 'wrong' });
      return drawn.pop();
    };
    const all = await Promise.all((await users.list()).map((user) => users.passwordHash(user.id)));
    const first = await wrong('nobody-0');
    expect(first).to.be.a('string').and.be.oneOf(all);
    expect(await wrong('nobody-0')).to.equal(first);
    const others = [];
    for (let at = 1; at < 30; at += 1) others.push(await wrong(at % 2 ? `nobody-${at}` : `nobody-${at}@example.org`));
    for (const hash of others) expect(hash).to.be.a('string').and.be.oneOf(all);
    expect(new Set(others).size, 'it is not the same person every time').to.be.above(2);
    await users.setState(id, 'disabled');
    expect(await wrong(login)).to.equal(await users.passwordHash(id));
  });

  it('refuses a weak password and leaves the link good', async () => {
    const { login } = await person(running.house);
    const token = await link(login);
    const weak = {
      short: 'too_short',
      password1: 'common',
      abcabcabcabc: 'repeated',
      [`${login}${login}1`]: 'personal',
      ['x'.repeat(257)]: 'too_long',
    };
    for (const [password, problem] of Object.entries(weak))
      expect(await resetPassword(world, wanted(token, password)), password).to.deep.equal({
        ok: false,
        why: 'refused',
        problem,
      });
    expect(await signsIn(login, PASSWORD)).to.equal(true);
    expect((await resetPassword(world, wanted(token))).ok).to.equal(true);
  });

  it('takes no link that was made up, and no invitation as a link', async () => {
    const { id, login } = await person(running.house);
    const token = world.random.id(32);
    await world.records.tickets.insert({
      hash: fingerprint(token),
      userId: id,
      purpose: 'invite',
      expiresInSeconds: 60,
    });
    for (const made of ['', 'x', world.random.id(32), token])
      expect(await resetPassword(world, wanted(made)), made).to.deep.equal({ ok: false, why: 'over' });
    expect(await acceptInvitation(world, wanted(token))).to.deep.equal({ ok: true, userId: id });
    expect(await acceptInvitation(world, wanted(token))).to.deep.equal({ ok: false, why: 'over' });
    expect(await signsIn(login, NEW)).to.equal(true);
  });

  it('takes no link that is too old', async () => {
    const { id } = await person(running.house);
    const token = world.random.id(32);
    const old = { hash: fingerprint(token), userId: id, purpose: 'password_reset' as const, expiresInSeconds: 0 };
    await world.records.tickets.insert(old);
    expect(await resetPassword(world, wanted(token))).to.deep.equal({ ok: false, why: 'over' });
  });

  it('changes a password only for who knows the old one, and ends every session', async () => {
    const { id, login } = await person(running.house);
    const change = (current: string, password: string) =>
      changePassword(world, { userId: id, current, password, minLength: 8, context: [], address: address() });
    expect(await change('wrong', NEW)).to.deep.equal({ ok: false, why: 'wrong' });
    expect(await change(PASSWORD, PASSWORD)).to.deep.equal({ ok: false, why: 'same' });
    expect(await change(PASSWORD, 'password')).to.deep.equal({ ok: false, why: 'refused', problem: 'common' });
    const before = (await world.records.users.byId(id))?.sessionsValidAfter ?? 0;
    expect(await change(PASSWORD, NEW)).to.deep.equal({ ok: true });
    expect((await world.records.users.byId(id))?.sessionsValidAfter).to.be.greaterThan(before);
    expect(await signsIn(login, NEW)).to.equal(true);
  });
});
