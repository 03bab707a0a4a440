// `countersign user` on two nodes: people imported with the hashes of another system, looked at, and disabled everywhere at once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { addPhone, approveByScan, MFA, proveMailbox, submit } from '../interactions/with-phone.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, tokenRequest } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';
import { foreignHashes } from './made-elsewhere.ts';

const THEIRS = 'a pass phrase from elsewhere';

describe('countersign user', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let database: pg.Client;
  let hashes: { [kind: string]: string };

  before(async () => {
    hashes = await foreignHashes(THEIRS);
    world = await startWorld({ backend: 'servers', nodes: 2, people: ['ada'] });
    database = new pg.Client({ connectionString: world.environment['DATABASE_URL'] });
    await database.connect();
  });
  after(async () => {
    await database?.end();
    await world?.close();
  });

  const json = async (...args: string[]) => {
    const ran = await world.cli(['user', ...args, '--json']);
    expect(ran.code, ran.stderr).to.equal(0);
    return JSON.parse(ran.stdout) as { [name: string]: unknown };
  };
  const storedHash = async (login: string) => {
    const { rows } = await database.query<{ hash: string }>(
      'select password_hash as hash from users where login = $1',
      [login],
    );
    return rows[0]?.hash ?? '';
  };
  async function codeFor(login: string, password?: string): Promise<string> {
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(world.issuer).url, atService);
    return sentBack(await logIn(browser, page, login, password)).get('code') ?? '';
  }

  it('tells every mistake of a file, without a hash, and adds nobody', async () => {
    const file = join(world.folder, 'bad.csv');
    const hash = '5f4dcc3b5aa765d61d8327deb882cf99';
    writeFileSync(file, `login,name,email,password_hash,shoe\ngood,Good,,,\n,Nobody,none,${hash},\ngood,Again,,,42\n`);
    const ran = await world.cli(['user', 'import', file]);
    expect(ran.code).to.equal(1);
    for (const told of [
      '"shoe" is no column',
      'line 3: login',
      'line 3: email',
      'line 3: password_hash',
      'line 4: "good" stands in line 2',
    ])
      expect(ran.stderr).to.contain(told);
    expect(ran.stderr).to.not.contain(hash);
    expect((await world.cli(['user', 'show', 'good'])).code).to.equal(1);
  });

  it('imports people with hashes of every kind, with progress, and leaves who exists as they are', async () => {
    const people = Object.entries(hashes).map(([kind, password_hash], at) => ({
      login: `p${at}`,
      name: `Person, "${kind}"`,
      email: `p${at}@example.org`,
      password_hash,
    }));
    const before = await storedHash('ada');
    const file = join(world.folder, 'people.json');
    writeFileSync(
      file,
      JSON.stringify([...people, { login: 'ADA', name: 'Another', password_hash: hashes['bcrypt'] }]),
    );
    expect((await world.cli(['user', 'import', file, '--dry-run'])).stdout).to.equal(
      `${people.length + 1} people can be added\n`,
    );
    const ran = await world.cli(['user', 'import', file]);
    expect(ran.stdout)
      .to.contain(`added ${people.length} of ${people.length + 1} people`)
      .and.contain('exist: ada');
    expect(ran.stderr).to.match(/8\/8/);
    expect(await storedHash('ada')).to.equal(before);
    expect(ran.stdout + ran.stderr).to.not.contain(hashes['bcrypt']);
  });

  it('lets them in with their old password, and keeps argon2id with our pepper after that', async () => {
    for (const [at, kind] of Object.keys(hashes).entries()) {
      expect(await storedHash(`p${at}`), kind).to.match(/^:/);
      expect(await codeFor(`p${at}`, THEIRS), kind).to.not.equal('');
      expect(await storedHash(`p${at}`), kind).to.match(/^[A-Za-z0-9_-]+:\$argon2id\$/);
    }
    expect(await codeFor('p0', THEIRS)).to.not.equal('');
  });

  it('reads CSV as it writes it, and a CSV of many', async () => {
    const exported = await world.cli(['user', 'export', '--format', 'csv']);
    expect(exported.stdout).to.match(/^id,login,name,email,locale,state,created_at,groups\n/);
    expect(exported.stdout).to.contain('"Person, ""bcrypt"""').and.not.contain('$');
    const many = Array.from({ length: 250 }, (_none, at) => `many${at},"Many, ${at}",${hashes['bcrypt']}`).join('\n');
    const ran = await world.cli(['user', 'import', '-'], `login,name,password_hash\n${many}\n`);
    expect(ran.stdout, ran.stderr).to.contain('added 250 of 250');
    expect((await json('show', 'many249'))['name']).to.equal('Many, 249');
  });

  it('puts people into groups and keeps attributes of them, and takes them in and out with the rest', async () => {
    const add = ['add', 'hedy', '--name', 'Hedy', '--group', 'staff', 'choir', '--attribute', 'desk=4 b'];
    expect(await json(...add)).to.deep.include({ groups: ['choir', 'staff'], attributes: { desk: '4 b' } });
    expect(await json('groups', 'hedy', '--add', 'Payroll admins', '--remove', 'choir')).to.deep.include({
      groups: ['Payroll admins', 'staff'],
      added: ['Payroll admins'],
      removed: ['choir'],
    });
    expect((await world.cli(['user', 'groups', 'hedy', '--set', 'a;b'])).stderr).to.contain('a group has 1 to 64');
    expect((await world.cli(['user', 'groups', 'hedy', '--set', 'a', '--add', 'b'])).code).to.equal(1);
    const kept = await json('attributes', 'hedy', '--set', 'floor=2', 'room=a=b', '--remove', 'desk');
    expect(kept['attributes']).to.deep.equal({ floor: '2', room: 'a=b' });
    expect((await world.cli(['user', 'attributes', 'hedy', '--set', 'Floor=2'])).stderr).to.contain('NAME=VALUE');
    const csv = await world.cli(['user', 'export', '--format', 'csv']);
    expect(csv.stdout).to.match(/,created_at,groups,attributes\.floor,attributes\.room\n/);
    expect(csv.stdout).to.contain(',Payroll admins;staff,2,a=b\n');
    const rows = 'login,name,groups,attributes.floor\nida,Ida,staff; choir,7\n';
    expect((await world.cli(['user', 'import', '-'], rows)).stdout).to.contain('added 1 of 1');
    expect(await json('show', 'ida')).to.deep.include({ groups: ['choir', 'staff'], attributes: { floor: '7' } });
    const bad = JSON.stringify([{ login: 'joan', groups: ['x'.repeat(65)], attributes: { floor: 7 } }]);
    const refused = await world.cli(['user', 'import', '-'], bad);
    expect(refused.stderr).to.contain('line 1: groups are').and.contain('line 1: attributes are');
    expect(await json('groups', 'hedy', '--clear')).to.deep.include({ groups: [] });
    const { rows: events } = await database.query(
      "select id from audit_events where event ->> 'event' in ('user_groups_changed', 'user_attributes_changed')",
    );
    expect(events).to.have.length(3);
  });

  it('adds, invites, shows, unlocks and resets, each with --json', async () => {
    const added = await json('add', 'grace', '--name', 'Grace');
    expect(added).to.include({ login: 'grace', state: 'active' });
    expect(added['invitation']).to.match(/\/invitation#/);
    expect(await json('invite', 'grace')).to.have.keys('login', 'id', 'invitation', 'days');
    expect(await json('unlock', 'grace')).to.include({ unlocked: 0, cloned: 0 });
    expect(await json('reset-factor', 'grace')).to.include({ removed: 0 });
    expect((await json('show', 'grace'))['phones']).to.deep.equal([]);
    const early = await world.cli(['user', 'remove', 'grace']);
    expect(early.code).to.equal(1);
    expect(early.stderr).to.include('"countersign user disable grace" comes first');
    await json('disable', 'grace');
    expect(await json('remove', 'grace')).to.include({ login: 'grace', state: 'removed' });
    expect((await world.cli(['user', 'show', 'grace'])).stderr).to.include('nobody has the sign-in name');
  });

  it('disables a person within a second on both nodes: session, tokens, phone; and enables again', async () => {
    const browser = new HttpBrowser();
    const request = authorization(world.issuer, { acr_values: MFA, scope: 'openid offline_access', prompt: 'consent' });
    const page = await logIn(browser, await browser.visit(request.url, atService), 'ada');
    const { phone, done } = await addPhone(world, browser, await proveMailbox(world, browser, page, 'ada@example.org'));
    const waiting = await submit(browser, done, '/continue');
    const consent = await approveByScan(browser, phone, waiting);
    const back = await submit(browser, consent, '/consent', { answer: 'allow' });
    const { body } = await redeem(world.issuer, sentBack(back).get('code') ?? '', request.verifier);
    const refresh = { grant_type: 'refresh_token', client_id: 'payroll', refresh_token: String(body['refresh_token']) };
    const silent = authorization(world.issuer, { prompt: 'none' }).url;
    expect(sentBack(await browser.visit(silent, atService)).get('code')).to.be.a('string');
    const me = (origin: string) =>
      fetch(`${origin}/me`, { headers: { authorization: `Bearer ${String(body['access_token'])}` } });
    for (const { origin } of world.nodes) expect((await me(origin)).status).to.equal(200);

    // A sign-in waits for the phone.
    const begun = authorization(world.issuer, { acr_values: MFA, prompt: 'login' });
    await logIn(browser, await browser.visit(begun.url, atService), 'ada');
    expect((await phone.pending()).transactions).to.have.length(1);

    await json('disable', 'ada');
    await wait(1000);
    for (const { origin } of world.nodes) expect((await me(origin)).status, origin).to.equal(401);
    expect(sentBack(await browser.visit(silent, atService)).get('error')).to.equal('login_required');
    for (const { origin } of world.nodes)
      expect((await tokenRequest(origin, refresh)).body['error'], origin).to.equal('invalid_grant');
    expect((await phone.pending()).transactions).to.deep.equal([]);
    const other = new HttpBrowser();
    const again = await logIn(other, await other.visit(authorization(world.issuer).url, atService), 'ada');
    expect(again.location).to.equal(undefined);
    expect((await json('show', 'ada'))['state']).to.equal('disabled');
    await json('enable', 'ada');
    expect(await codeFor('ada')).to.not.equal('');
  });
});
