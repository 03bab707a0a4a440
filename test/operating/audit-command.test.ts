// `countersign audit`: verify, search and export on a database that a running server writes to, tampered with by somebody who may.
import { expect } from 'chai';
import pg from 'pg';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, sentBack } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

describe('countersign audit', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let database: pg.Client;

  before(async () => {
    world = await startWorld({ backend: 'servers', people: ['ada', 'bob'] });
    database = new pg.Client({ connectionString: world.environment['DATABASE_URL'] });
    await database.connect();
    for (const login of ['ada', 'bob', 'ada']) {
      const browser = new HttpBrowser();
      const page = await browser.visit(authorization(world.issuer).url, atService);
      expect(sentBack(await logIn(browser, page, login)).get('code')).to.be.a('string');
    }
    // Whoever stops has chained everything.
    await world.nodes[0]?.stop();
  });
  after(async () => {
    await database?.end();
    await world?.close();
  });

  const lines = async (...args: string[]) => {
    const ran = await world.cli(['audit', ...args]);
    expect(ran.code, ran.stderr).to.equal(0);
    return ran.stdout.split('\n').filter((line) => line !== '');
  };
  interface Line {
    at: string;
    seq: number;
    hash: string;
    event: { event: string; sub?: string; clientId?: string };
  }
  const records = async (...args: string[]) => (await lines(...args)).map((line) => JSON.parse(line) as Line);

  it('finds events by person, service, kind and time', async () => {
    const everything = await records('export');
    expect(everything.length).to.be.greaterThan(6);
    expect(everything.map(({ seq }) => seq)).to.deep.equal(everything.map((_line, at) => at + 1));
    const ada = await records('search', '--json', '--person', 'ada');
    expect(new Set(ada.map(({ event }) => event.sub)).size).to.equal(1);
    const signedIn = await records('search', '--json', '--person', 'ada', '--event', 'authn_level_reached');
    expect(signedIn.map(({ event }) => event.clientId)).to.deep.equal(['payroll', 'payroll']);
    expect(await records('search', '--json', '--client', 'nobody')).to.deep.equal([]);
    const middle = everything[3]?.at.replace(/\d{3}Z$/, 'Z') ?? '';
    const before = await records('export', '--until', middle);
    const after = await records('export', '--from', middle);
    expect(before.length + after.length).to.equal(everything.length);
    expect(before.length).to.be.within(1, 4);
    expect((await lines('search', '--event', 'user_created'))[0]).to.match(/^\d{4}-\S+Z user_created success sub=/);
  });

  it('says what is wrong with a question', async () => {
    for (const [args, told] of [
      [['search', '--event', 'login'], /there is no event "login"/],
      [['export', '--from', 'yesterday'], /--from must be a date/],
      [['verify', '--head', '12'], /--head is/],
    ] as const) {
      const ran = await world.cli(['audit', ...args]);
      expect(ran.code).to.equal(1);
      expect(ran.stderr).to.match(told);
    }
  });

  it('verifies, and names what was tampered with', async () => {
    const [ok, head] = await lines('verify');
    expect(ok).to.match(/^OK: \d+ events; 0 not chained yet$/);
    const noted = head?.replace('head ', '') ?? '';
    expect(await lines('verify', '--head', noted)).to.deep.equal([ok, head]);
    await database.query('alter table audit_events disable trigger all');
    await database.query(`update audit_events set event = event || '{"ip": "192.0.2.1"}' where seq = 2`);
    await database.query('delete from audit_events where seq in (4, (select max(seq) from audit_events))');
    const ran = await world.cli(['audit', 'verify', '--head', noted]);
    expect(ran.code).to.equal(1);
    const told = ran.stderr.split('\n').filter((line) => line.includes('event'));
    expect(told).to.have.length(3);
    expect(told[0]).to.match(/^event 2 \(row \d+, \d{4}-.*\) was changed/);
    expect(told[1]).to.equal('event 4 is missing: it was deleted');
    expect(told[2]).to.contain('the end was cut off');
  });
});
