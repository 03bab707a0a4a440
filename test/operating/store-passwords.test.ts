// Users and passwords of PostgreSQL and Redis change under a server that goes on: it follows the file that the environment names.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { HttpBrowser } from '../support/http-browser.ts';
import { at, until } from '../support/redis-together.ts';
import { atService, authorization, logIn, redeem, sentBack } from '../support/service.ts';
import { startPostgres, startRedis, type TestServer } from '../support/services.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

const MAY = ['~*', '&*', '+@all', '-@admin', '-@dangerous', '+info'];
const WORDS = ['first-of-five', 'second-of-five', 'third-of-five', 'fourth-of-five', 'fifth-of-five'] as const;

describe('passwords of the stores', function () {
  this.timeout(180_000);
  let folder: string;
  let postgres: TestServer;
  let redis: TestServer;
  let admin: pg.Client;
  let world: RunningWorld;
  let node: Node;
  let written = 0;
  const urls = { database: '', redis: '' };
  const database = (user: string, word: string) => `postgres://${user}:${word}@127.0.0.1:${postgres.port}/countersign`;
  const state = (user: string, word: string) => `redis://${user}:${word}@127.0.0.1:${redis.port}/0`;

  /** As Kubernetes does it: a new folder, and the link is turned to it. */
  function mount(change: Partial<typeof urls>): void {
    Object.assign(urls, change);
    written += 1;
    mkdirSync(join(folder, `..${written}`));
    for (const [name, url] of Object.entries(urls))
      writeFileSync(join(folder, `..${written}`, name), `${url}\n`, { mode: 0o600 });
    symlinkSync(`..${written}`, join(folder, '..new'));
    renameSync(join(folder, '..new'), join(folder, '..data'));
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-rotated-'));
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query(`create role app login password '${WORDS[0]}'`);
    await admin.query('create database countersign owner app');
    writeFileSync(
      join(postgres.folder, 'data', 'pg_hba.conf'),
      'host all postgres 127.0.0.1/32 trust\nhost countersign all 127.0.0.1/32 scram-sha-256\n',
    );
    await admin.query('select pg_reload_conf()');
    await at(redis, (client) => client.call('ACL', 'SETUSER', 'app', 'on', `>${WORDS[0]}`, ...MAY));
    mount({ database: database('app', WORDS[0]), redis: state('app', WORDS[0]) });
    for (const name of ['database', 'redis']) symlinkSync(join('..data', name), join(folder, name));
    world = await startWorld({
      watched: true,
      people: ['ada'],
      server: { reload_on_change: true },
      environment: { DATABASE_URL_FILE: join(folder, 'database'), REDIS_URL_FILE: join(folder, 'redis') },
    });
    node = world.nodes[0] as Node;
  });
  after(async () => {
    expect(
      WORDS.some((word) => world.nodes[0]?.output().includes(word)),
      'a password in the log',
    ).to.equal(false);
    await world?.close();
    await admin?.end();
    await Promise.all([postgres?.close(), redis?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  async function signIn(): Promise<number> {
    const browser = new HttpBrowser();
    const { url, verifier } = authorization(world.issuer);
    const answer = await logIn(browser, await browser.visit(url, atService), 'ada');
    return (await redeem(world.issuer, sentBack(answer).get('code') ?? '', verifier)).status;
  }

  /** People sign in without a pause while `work` is done; nobody of them may be turned away. */
  async function whileSigningIn(work: () => Promise<void>): Promise<void> {
    const answers: (number | string)[] = [];
    let going = true;
    const coming = (async () => {
      while (going) answers.push(await signIn().catch((error: Error) => error.message));
    })();
    try {
      await work();
      const so = answers.length;
      await until('more sign in', async () => answers.length > so + 2);
    } finally {
      going = false;
      await coming;
    }
    expect(answers.filter((answer) => answer !== 200)).to.deep.equal([]);
  }

  /** Waits for the log's word on what was written; answers everything that it said since `work` began. */
  async function said(pattern: RegExp, work: () => unknown): Promise<string> {
    const before = node.output().length;
    await work();
    await until(`the log says ${pattern}`, async () => pattern.test(node.output().slice(before)));
    return node.output().slice(before);
  }

  /** Connections of ours that began before the one moment and were used after the other, and those that began after the first. */
  const connections = async (rotated: Date, taken: Date): Promise<{ old: number; fresh: number }> => {
    const { rows } = await admin.query(
      `select count(*) filter (where backend_start < $1 and query_start > $2)::int as old,
              count(*) filter (where backend_start >= $1)::int as fresh
       from pg_stat_activity where datname = 'countersign'`,
      [rotated, taken],
    );
    return rows[0];
  };
  const databaseNow = async (): Promise<Date> => (await admin.query('select clock_timestamp() as now')).rows[0].now;
  const configuration = async () => {
    const answer = await fetch(`${node.watch}/health/ready`);
    const { checks } = (await answer.json()) as { checks: { configuration: { ok: boolean; why?: string } } };
    const metrics = await (await fetch(`${node.watch}/metrics`)).text();
    const refused = /^countersign_configuration_refused (\d)/m.exec(metrics)?.[1];
    return { status: answer.status, ...checks.configuration, refused };
  };

  it('PostgreSQL: the file follows the database, connections are made anew, and nobody is turned away', async () => {
    await whileSigningIn(async () => {
      const rotated = await databaseNow();
      const text = await said(/configuration reloaded/, async () => {
        await admin.query(`alter role app password '${WORDS[1]}'`);
        mount({ database: database('app', WORDS[1]) });
      });
      expect(text).to.contain('"needsRestart":[]').and.contain('storage.database.url').and.contain('[another secret]');
      // What was begun by then ends on its old connection.
      expect(await signIn()).to.equal(200);
      const taken = await databaseNow();
      for (let more = 0; more < 3; more += 1) expect(await signIn()).to.equal(200);
      const { old, fresh } = await connections(rotated, taken);
      expect(old, 'asked on a connection that was made with the old password').to.equal(0);
      expect(fresh).to.be.greaterThan(0);
    });
  });

  it('PostgreSQL: a file that is too early is refused, told, and taken when the database follows', async () => {
    await whileSigningIn(async () => {
      const text = await said(/configuration refused/, () => mount({ database: database('app', WORDS[2]) }));
      expect(text).to.contain('the database does not take the new user or password: password authentication failed');
      const told = await configuration();
      expect(told).to.include({ status: 200, ok: false, refused: '1' });
      expect(told.why).to.contain('storage: the database');
    });
    const text = await said(/configuration reloaded/, () => admin.query(`alter role app password '${WORDS[2]}'`));
    expect(text.match(/configuration refused/g), 'the same reason is told once').to.equal(null);
    expect(await configuration()).to.include({ ok: true, refused: '0' });
    await whileSigningIn(async () => undefined);
  });

  it('PostgreSQL: while the file is late and connections are lost, doors say to come back later', async () => {
    const late = async () => {
      const { url } = authorization(world.issuer);
      const browser = new HttpBrowser();
      const page = await browser.visit(url, atService);
      return (await logIn(browser, page, 'ada')).status;
    };
    await admin.query(`alter role app password '${WORDS[1]}'`);
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'countersign'`);
    await until('no connection is left', async () => (await late()) !== 303);
    expect(await late()).to.equal(503);
    await said(/configuration reloaded/, () => mount({ database: database('app', WORDS[1]) }));
    await whileSigningIn(async () => undefined);
  });

  it('PostgreSQL: another user, as a broker of secrets makes one for each lease; the old one may be dropped', async () => {
    await whileSigningIn(async () => {
      await admin.query(`create role lease login password '${WORDS[3]}' in role app`);
      await said(/configuration reloaded/, () => mount({ database: database('lease', WORDS[3]) }));
      const users = async () =>
        (await admin.query(`select distinct usename from pg_stat_activity where datname = 'countersign'`)).rows;
      await until('we are somebody else', async () => JSON.stringify(await users()) === '[{"usename":"lease"}]');
      await admin.query('alter role app nologin');
    });
  });

  it('Redis: a connection that is lost is made anew with the new password, and with another user', async () => {
    const cut = (user: string) => at(redis, (client) => client.call('CLIENT', 'KILL', 'USER', user));
    await whileSigningIn(async () => {
      const text = await said(/configuration reloaded/, async () => {
        await at(redis, (client) => client.call('ACL', 'SETUSER', 'app', 'resetpass', `>${WORDS[3]}`));
        mount({ redis: state('app', WORDS[3]) });
      });
      expect(text).to.contain('"needsRestart":[]').and.contain('storage.state.url');
    });
    await cut('app');
    await until('sign-ins go on', async () => (await signIn()) === 200);

    await at(redis, (client) => client.call('ACL', 'SETUSER', 'lease', 'on', `>${WORDS[4]}`, ...MAY));
    await said(/configuration reloaded/, () => mount({ redis: state('lease', WORDS[4]) }));
    await at(redis, (client) => client.call('ACL', 'DELUSER', 'app'));
    await until('sign-ins go on', async () => (await signIn()) === 200);
    const listed = async () => String(await at(redis, (client) => client.call('CLIENT', 'LIST')));
    await until(
      'both of our connections are the new user’s',
      async () => (await listed()).split('user=lease').length > 2,
    );
    await whileSigningIn(async () => undefined);
  });

  it('Redis: a password that it does not take is refused and told', async () => {
    const text = await said(/configuration refused/, () => mount({ redis: state('lease', 'wrong') }));
    expect(text).to.contain('Redis does not take the new user or password').and.contain('WRONGPASS');
    await whileSigningIn(async () => undefined);
    await said(/configuration reloaded/, () => mount({ redis: state('lease', WORDS[4]) }));
  });

  it('another store is no other password: it needs a restart, and that is said', async () => {
    const text = await said(/configuration reloaded/, () => mount({ redis: `${urls.redis.slice(0, -1)}1` }));
    expect(text).to.contain('"needsRestart":["storage"]');
    expect(await signIn()).to.equal(200);
  });
});
