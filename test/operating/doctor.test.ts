// `countersign doctor` against real servers: well, badly set, and away.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { Redis } from 'ioredis';
import pg from 'pg';
import { examine, type Finding } from '../../src/app/examine.ts';
import { addDoctorCommand } from '../../src/cli/doctor.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newSecret } from '../../src/settings/demo-secrets.ts';
import { Secret } from '../../src/settings/secret.ts';
import type { Settings } from '../../src/settings/settings.ts';
import { type SmtpListener, startSmtpListener } from '../notify/smtp-listener.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { freePort, startPostgres, startRedis, type TestServer } from '../support/services.ts';

describe('doctor', function () {
  this.timeout(180_000);
  let redis: TestServer;
  let postgres: TestServer;
  let smtp: SmtpListener;
  let house: RunningHouse;

  before(async () => {
    [redis, postgres, smtp] = await Promise.all([
      startRedis({ durable: true, settings: { maxmemory: '100mb', 'maxmemory-policy': 'noeviction' } }),
      startPostgres(),
      startSmtpListener(),
    ]);
    const transport = { kind: 'smtp', url: smtp.url };
    house = await startHouse({
      backend: { databaseUrl: postgres.url, redisUrl: redis.url },
      files: { 'mail.yaml': { from: 'no-reply@example.org', transport } },
    });
  });
  after(async () => {
    await house?.close();
    await Promise.all([redis.close(), postgres.close(), smtp.close()]);
  });

  const diagnose = (change: (settings: Settings) => Settings = (same) => same, clock = systemClock) =>
    examine(change(house.settings), clock);
  const one = (findings: Finding[], check: string): Finding => {
    const found = findings.find((finding) => finding.check === check);
    if (!found) throw new Error(`no finding about ${check}:\n${JSON.stringify(findings, null, 2)}`);
    return found;
  };
  const at = (url: string): Settings['storage']['state'] => ({ kind: 'redis', url: new Secret(url, 'test') });
  async function configured(name: string, value: string, work: () => Promise<void>): Promise<void> {
    const admin = new Redis(redis.url);
    const [, before = ''] = (await admin.config('GET', name)) as string[];
    await admin.config('SET', name, value);
    try {
      await work();
    } finally {
      await admin.config('SET', name, before);
      admin.disconnect();
    }
  }

  it('finds everything well, each in a line', async () => {
    const findings = await diagnose();
    expect(
      findings.filter(({ status }) => status !== 'ok'),
      JSON.stringify(findings, null, 2),
    ).to.deep.equal([]);
    expect(findings.map(({ check }) => check)).to.deep.equal([
      'keys',
      'database',
      'migrations',
      'stored secrets',
      'clock',
      'redis',
      'redis eviction',
      'redis persistence',
      'redis clock',
      'issuer',
      'mail',
      'outbound',
    ]);
    expect(one(findings, 'database').detail).to.match(/^PostgreSQL \d+\.\d+, answered in \d+ ms/);
    expect(smtp.received, 'no mail was sent').to.deep.equal([]);
  });

  it('names the pepper that is gone, and what stands under it', async () => {
    await person(house.house);
    const other = { id: 'other', secret: new Secret(newSecret(), 'test') };
    const findings = await diagnose((settings) => ({ ...settings, keys: { ...settings.keys, peppers: [other] } }));
    expect(one(findings, 'stored secrets')).to.deep.include({
      status: 'fail',
      detail:
        '1 passwords stand under the pepper "demo", which is not in keys.yaml: put it back into keys.yaml, from a copy',
    });
  });

  it('tells by exit code, in lines and as JSON; a mistake in a file is one line', async () => {
    const run = async (...args: string[]) => {
      const printed: string[] = [];
      let code = -1;
      const program = new Command().exitOverride();
      addDoctorCommand(program, {
        environment: {},
        print: (line) => printed.push(line),
        complain: () => undefined,
        exitCode: (given) => {
          code = given;
        },
      });
      await program.parseAsync(['doctor', ...args], { from: 'user' });
      return { printed, code };
    };
    const folder = mkdtempSync(join(tmpdir(), 'countersign-doctor-'));
    const environment = { DATABASE_URL: process.env['DATABASE_URL'], REDIS_URL: process.env['REDIS_URL'] };
    Object.assign(process.env, house.environment, { DATABASE_URL: postgres.url, REDIS_URL: redis.url });
    try {
      const good = await run('--config', house.folder);
      expect(good.code, good.printed.join('\n')).to.equal(0);
      expect(good.printed[0]).to.match(/^ok {4}config +1 services, issuer http:\/\/localhost:\d+$/);
      const listed = await run('--json', '--config', house.folder);
      expect(JSON.parse(listed.printed.join('\n'))).to.deep.include({
        check: 'migrations',
        status: 'ok',
        detail: one(await diagnose(), 'migrations').detail,
      });
      writeFileSync(join(folder, 'server.yaml'), 'issuer: ftp://x\nwrong: 1\n');
      const bad = await run('--config', folder);
      expect(bad.code).to.equal(1);
      expect(
        bad.printed.every((line) => line.startsWith('fail  config  ')),
        bad.printed.join('\n'),
      ).to.equal(true);
      expect(bad.printed.join('\n')).to.contain('server.yaml:1').and.contain('server.yaml:2');
    } finally {
      for (const [name, value] of Object.entries(environment)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('fails a Redis that forgets, and warns of one that keeps nothing or has no bound', async () => {
    await configured('maxmemory-policy', 'allkeys-lru', async () => {
      const { status, detail } = one(await diagnose(), 'redis eviction');
      expect(status).to.equal('fail');
      expect(detail).to.contain('allkeys-lru').and.contain('noeviction');
    });
    await configured('maxmemory', '0', async () => {
      expect(one(await diagnose(), 'redis eviction').status).to.equal('warn');
    });
    await configured('appendonly', 'no', async () => {
      const { status, detail } = one(await diagnose(), 'redis persistence');
      expect(status).to.equal('warn');
      expect(detail).to.contain('appendonly yes');
    });
  });

  it('fails a replica, a Redis that is away, one that is none, and says why', async () => {
    const replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${redis.port}` } });
    try {
      const { status, detail } = one(
        await diagnose((settings) => ({ ...settings, storage: { ...settings.storage, state: at(replica.url) } })),
        'redis',
      );
      expect(status).to.equal('fail');
      expect(detail).to.contain('slave');
    } finally {
      await replica.close();
    }
    const nobody = `redis://127.0.0.1:${await freePort()}`;
    const away = await diagnose((settings) => ({ ...settings, storage: { ...settings.storage, state: at(nobody) } }));
    expect(one(away, 'redis').status).to.equal('fail');
    expect(one(away, 'redis').detail).to.contain('ECONNREFUSED');
    expect(one(away, 'mail').status, 'the others are looked at all the same').to.equal('ok');
  });

  it('fails a database that is away or only reads, and warns of migrations that wait', async () => {
    const elsewhere = (path: string) => (settings: Settings) => ({
      ...settings,
      storage: {
        ...settings.storage,
        database: {
          kind: 'postgres' as const,
          url: new Secret(postgres.url.replace(/[^/]*$/, path), 'test'),
          poolMax: 2,
        },
      },
    });
    const missing = one(await diagnose(elsewhere('nowhere')), 'database');
    expect(missing.status).to.equal('fail');
    expect(missing.detail).to.contain('nowhere');
    const empty = one(await diagnose(elsewhere('template1')), 'migrations');
    expect(empty.status).to.equal('warn');
    expect(empty.detail).to.contain('countersign db migrate');
    const client = new pg.Client({ connectionString: postgres.url.replace(/[^/]*$/, 'template1') });
    await client.connect();
    const { rows } = await client.query(`select tablename from pg_tables where schemaname = 'public'`);
    await client.end();
    expect(rows, 'a look changes nothing').to.deep.equal([]);
    const reading = one(
      await diagnose(elsewhere('postgres?options=-c%20default_transaction_read_only%3Don')),
      'database',
    );
    expect(reading.status).to.equal('fail');
    expect(reading.detail).to.contain('read-only');
  });

  it('tells a clock that is wrong by whose it differs from', async () => {
    const off = (ms: number) => ({ ...systemClock, now: () => systemClock.now() + ms });
    const late = await diagnose(undefined, off(-2000));
    expect(one(late, 'clock').status).to.equal('warn');
    expect(one(late, 'clock').detail).to.contain('behind the database');
    const early = await diagnose(undefined, off(60_000));
    for (const check of ['clock', 'redis clock']) {
      expect(one(early, check).status, check).to.equal('fail');
      expect(one(early, check).detail, check).to.contain('ahead of');
    }
  });

  it('fails an issuer that is somebody else, and a mail server that does not take us', async () => {
    const other = await diagnose((settings) => ({
      ...settings,
      server: { ...settings.server, issuer: house.issuer.replace('localhost', '127.0.0.1') },
      mail: {
        ...settings.mail,
        transport: { kind: 'smtp', url: new Secret('smtp://127.0.0.1:1', 'test') },
      },
    }));
    expect(one(other, 'issuer').status).to.equal('fail');
    expect(one(other, 'issuer').detail).to.contain(house.issuer);
    expect(one(other, 'mail').status).to.equal('fail');
    expect(one(other, 'mail').detail).to.contain('ECONNREFUSED');
    const nobody = await diagnose((settings) => ({
      ...settings,
      server: { ...settings.server, issuer: 'http://localhost:1' },
    }));
    expect(one(nobody, 'issuer').status, 'it may just not run yet').to.equal('warn');
  });

  it('fails an address of a service that our guard refuses', async () => {
    const calling =
      (uri: string) =>
      (settings: Settings): Settings => ({
        ...settings,
        clients: [
          {
            ...settings.clients[0],
            file: 'clients/calls.yaml',
            metadata: { ...SERVICE, backchannel_logout_uri: uri },
          } as Settings['clients'][number],
        ],
      });
    const port = new URL(house.issuer).port;
    const refused = one(await diagnose(calling(`http://127.0.0.1:${port}/out`)), 'outbound');
    expect(refused.status).to.equal('fail');
    expect(refused.detail).to.contain('clients/calls.yaml backchannel_logout_uri').and.contain('outbound.yaml');
    const allowed = await diagnose((settings) => ({
      ...calling(`http://127.0.0.1:${port}/out`)(settings),
      outbound: { ...settings.outbound, allow: [`127.0.0.1:${port}`] },
    }));
    expect(one(allowed, 'outbound').status).to.equal('ok');
  });
});
