// A production start: own keys, no demo, one clear line for a weak or missing secret; people by the command line; https with its cookies; a proxy before it.
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { addPhone, approveByScan, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { PASSWORD } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { type Production, production } from '../support/production.ts';
import { atService, authorization, logIn, redeem, sentBack } from '../support/service.ts';

describe('a production server', function () {
  this.timeout(180_000);
  let server: Production;

  before(async () => {
    server = await production({ post_authorization: true, trusted_proxies: ['127.0.0.1/32', '10.0.0.0/8'] });
  });
  after(() => server?.close());

  /** What `serve` says where it refuses, without the library's own line about the runtime. */
  async function refusal(): Promise<string[]> {
    const ran = await server.cli(['serve']);
    expect(ran.code).to.equal(1);
    expect(ran.stdout).to.equal('');
    return ran.stderr.split('\n').filter((line) => line !== '' && !line.includes('Unsupported runtime'));
  }

  it('refuses to start with a missing secret, in one clear line', async () => {
    const kek = join(server.secrets, 'kek');
    renameSync(kek, `${kek}.away`);
    const lines = await refusal();
    renameSync(`${kek}.away`, kek);
    expect(lines).to.have.length(1);
    expect(lines[0])
      .to.match(/keys\.yaml:\d+/)
      .and.contain('kek');
  });

  it('refuses to start with a weak secret, in one clear line that does not show it', async () => {
    const cookies = join(server.secrets, 'cookies');
    copyFileSync(cookies, `${cookies}.good`);
    writeFileSync(cookies, 'changeme-changeme-changeme-changeme');
    const lines = await refusal();
    renameSync(`${cookies}.good`, cookies);
    expect(lines).to.have.length(1);
    expect(lines[0])
      .to.match(/keys\.yaml:\d+/)
      .and.match(/random/);
    expect(lines[0]).to.not.contain('changeme');
  });

  it('checks, migrates and tells the state of the database before the first start', async () => {
    const checked = await server.cli(['config', 'check']);
    expect(checked.code, checked.stderr).to.equal(0);
    expect(checked.stdout).to.match(/^OK\n/).and.contain('postgres database, redis state').and.not.contain('(demo)');
    expect((await server.cli(['db', 'status'])).stdout).to.match(/^waiting {2}0001_people/m);
    expect((await server.cli(['db', 'migrate'])).stdout).to.match(/^applied {2}0001_people/m);
    expect((await server.cli(['db', 'status'])).stdout).to.not.contain('waiting');
  });

  it('starts with nobody in it, and says no password', async () => {
    await server.start();
    expect(server.output()).to.not.match(/maria|password|Demo/);
    const listed = await server.cli(['user', 'list']);
    expect(listed.stdout).to.equal('');
  });

  it('adds a person whose password comes from standard input, and who signs in over https', async () => {
    const about = ['--name', 'Ada Lovelace', '--email', 'ada@example.org', '--password-stdin'];
    const added = await server.cli(['user', 'add', 'ada', ...about], `${PASSWORD}\n`);
    expect(added.stdout, added.stderr).to.contain('added ada');
    const browser = new HttpBrowser();
    const request = authorization(server.issuer);
    const answer = await logIn(browser, await browser.visit(request.url, atService), 'ada');
    const { claims } = await redeem(server.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    expect(claims.iss).to.equal(server.issuer);
  });

  it('invites a person by a link that works once', async () => {
    const added = await server.cli(['user', 'add', 'bob', '--name', 'Bob']);
    expect(added.stdout).to.contain('/invitation#');
    const link = /https:\S+/.exec((await server.cli(['user', 'invite', 'bob'])).stdout)?.[0] ?? '';
    expect(link.startsWith(`${server.issuer}/invitation#`)).to.equal(true);
    const fields = {
      token: link.split('#')[1] ?? '',
      password: 'nine grey herons stand',
      repeat: 'nine grey herons stand',
    };
    const accept = async () => {
      const browser = new HttpBrowser();
      const form = formOf(await browser.visit(link), '/invitation');
      return browser.post(form.url, { ...form.fields, ...fields });
    };
    const set = await accept();
    expect(set.status, set.text).to.equal(200);
    expect((await accept()).status).to.equal(410);
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(server.issuer).url, atService);
    const answer = await logIn(browser, page, 'bob', 'nine grey herons stand');
    expect(sentBack(answer).get('code')).to.be.a('string');
  });

  describe('over https', () => {
    const cookiesOf = (answer: Answer) => answer.headers.getSetCookie();

    it('names and flags every cookie so that nobody else can plant or read it', async () => {
      const browser = new HttpBrowser();
      const seen: string[] = [];
      const request = browser.request.bind(browser);
      browser.request = async (url, init) => {
        const answer = await request(url, init);
        seen.push(...cookiesOf(answer));
        return answer;
      };
      const home = await logIn(browser, await browser.visit(`${server.issuer}/account`), 'ada');
      expect(new URL(home.url).pathname).to.equal('/account');
      // A phone's approval makes this a known browser.
      const proof = await browser.visit(`${server.issuer}/account/devices/add`);
      const ready = await proveMailbox(server, browser, proof, 'ada@example.org');
      const { phone } = await addPhone(server, browser, ready);
      const stepUp = authorization(server.issuer, { acr_values: MFA });
      const back = await approveByScan(browser, phone, await browser.visit(stepUp.url, atService));
      const { claims } = await redeem(server.issuer, sentBack(back).get('code') ?? '', stepUp.verifier);
      expect(claims.acr).to.equal(MFA);
      const named = (name: string) => seen.filter((line) => line.startsWith(`${name}=`));
      for (const name of ['__Host-session', '__Secure-interaction', '__Host-account', '__Host-known', '__Host-txb'])
        expect(named(name), `${name} of\n${seen.join('\n')}`).to.not.have.length(0);
      for (const line of seen) {
        expect(line).to.match(/^__(Host|Secure)-/);
        expect(line.toLowerCase()).to.contain('; secure').and.contain('; httponly').and.not.contain('domain=');
        if (line.startsWith('__Host-')) expect(line.toLowerCase()).to.match(/; path=\/(;|$)/);
      }
      for (const line of [...named('__Host-session'), ...named('__Secure-interaction')])
        expect(line.toLowerCase()).to.contain('samesite=none');
      for (const line of [...named('__Host-account'), ...named('__Host-known'), ...named('__Host-txb')])
        expect(line.toLowerCase()).to.contain('samesite=lax');
    });

    it('sends HSTS with every answer', async () => {
      for (const path of ['/account', '/.well-known/openid-configuration', '/jwks', '/nothing-here'])
        expect(
          (await fetch(server.issuer + path, { redirect: 'manual' })).headers.get('strict-transport-security'),
        ).to.match(/max-age=\d{8}/);
    });

    it('takes the authorization request as a POST from another site', async () => {
      const { url, verifier } = authorization(server.issuer);
      const browser = new HttpBrowser();
      const page = await browser.visit(`${server.issuer}/auth`, atService, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: 'https://service.example',
          'sec-fetch-site': 'cross-site',
        },
        body: new URL(url).search.slice(1),
      });
      const answer = await logIn(browser, page, 'ada');
      const { claims } = await redeem(server.issuer, sentBack(answer).get('code') ?? '', verifier);
      expect(claims.sub).to.be.a('string');
    });
  });

  describe('behind a proxy', () => {
    let database: pg.Client;

    before(async () => {
      database = new pg.Client({ connectionString: server.environment['DATABASE_URL'] });
      await database.connect();
    });
    after(() => database?.end());

    let rounds = 0;

    /** The address that the audit has for a wrong password sent with this header. */
    async function addressFor(forwarded: string): Promise<string> {
      rounds += 1;
      const browser = new HttpBrowser();
      const page = await browser.visit(authorization(server.issuer).url, atService);
      const form = formOf(page, '/login');
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        origin: server.issuer,
        'sec-fetch-site': 'same-origin',
        'x-forwarded-for': forwarded,
      };
      const body = new URLSearchParams({ ...form.fields, login: `nobody${rounds}`, password: 'not it' }).toString();
      await browser.request(form.url, { method: 'POST', headers, body });
      const { rows } = await database.query<{ ip: string }>(
        "select event ->> 'ip' as ip from audit_events where event ->> 'outcome' = 'failure' and event ->> 'ip' is not null order by id desc limit 1",
      );
      return rows[0]?.ip ?? '';
    }

    it('believes what the proxy saw, and not what the client wrote before it', async () => {
      expect(await addressFor('198.51.100.7')).to.equal('198.51.100.7');
      expect(await addressFor('203.0.113.9, 198.51.100.8')).to.equal('198.51.100.8');
      expect(await addressFor('203.0.113.9, 198.51.100.9, 10.1.2.3')).to.equal('198.51.100.9');
    });

    it('takes an IPv6 address by its /64', async () => {
      const [one, two] = [await addressFor('2001:db8:1:2:3:4:5:6'), await addressFor('2001:db8:1:2:ffff::1')];
      expect(one)
        .to.equal(two)
        .and.match(/^2001:db8:1:2:/);
      expect(await addressFor('2001:db8:1:3::1')).to.not.equal(one);
    });

    it('believes nobody where no proxy is named', async () => {
      await server.stop();
      const file = join(server.folder, 'server.yaml');
      const text = readFileSync(file, 'utf8').replace(/trusted_proxies:\n( +- .*\n)+/, '');
      expect(text).to.not.contain('trusted_proxies');
      writeFileSync(file, text);
      await server.start();
      expect(await addressFor('198.51.100.7')).to.equal('127.0.0.1');
    });
  });

  describe('at the end', () => {
    it('has neither a secret nor a stack trace in what it wrote', async () => {
      expect(await server.stop()).to.equal(0);
      expect(server.output())
        .to.not.contain(PASSWORD)
        .and.not.match(/\n\s+at \S+ \(/);
    });
  });
});
