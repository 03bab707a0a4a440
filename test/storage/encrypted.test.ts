// Redis and PostgreSQL that speak TLS only to us, and know us by a user and a password of our own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../src/platform/clock.ts';
import { Secret } from '../../src/settings/secret.ts';
import type { RedisSettings } from '../../src/settings/settings.ts';
import { openDatabase } from '../../src/storage/postgres/database.ts';
import { lookAtRedis } from '../../src/storage/state/redis/look.ts';
import { openRedisState } from '../../src/storage/state/redis/state.ts';
import { type ClientCertificate, selfSigned, signed } from '../support/client-certificates.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { encryptPostgres } from '../support/postgres-tls.ts';
import { at, until } from '../support/redis-together.ts';
import { redeem, sentBack, signedIn } from '../support/service.ts';
import { freePort, startPostgres, startRedis, type TestServer } from '../support/services.ts';
import { silent } from './stores.ts';

const SUBJECT = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
const LEAST = ['~*', '&*', '+@all', '-@admin', '-@dangerous', '+info', '+cluster|slots', '+cluster|info'];

const failure = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => '',
    (error: Error & { cause?: Error }) => `${error.message} ${error.cause?.message ?? ''}`,
  );

describe('stores that are encrypted', function () {
  this.timeout(120_000);
  let folder: string;
  let authority: ClientCertificate;
  let stranger: ClientCertificate;
  let server: ClientCertificate;
  const closing: (() => Promise<unknown>)[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-tls-'));
    authority = selfSigned(folder, 'ca', '/CN=Test authority');
    stranger = selfSigned(folder, 'stranger', '/CN=Another authority');
    server = signed(folder, 'server', authority, '/CN=localhost', SUBJECT);
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const words = (tls: number) => ({
    'tls-port': `${tls}`,
    'tls-cert-file': server.certFile,
    'tls-key-file': server.keyFile,
    'tls-ca-cert-file': authority.certFile,
    'tls-auth-clients': 'no',
  });

  /** A Redis whose TLS port knows a user; tests look into it by the plain one. */
  async function encrypted(settings: Record<string, string> = {}): Promise<TestServer & { tls: number }> {
    const tls = await freePort();
    const redis = await startRedis({ settings: { ...words(tls), ...settings } });
    closing.push(redis.close);
    await at(redis, (client) => client.call('ACL', 'SETUSER', 'app', 'on', '>secret of ours', ...LEAST));
    return { ...redis, tls };
  }

  const open = async (settings: RedisSettings) => {
    const state = await openRedisState({ at: settings, log: silent, commandTimeout: 5000, connectTimeout: 2500 });
    try {
      await state.set('t:a', 'kept', 60);
      return `${await state.get('t:a')} ${JSON.stringify(await state.health())}`;
    } finally {
      await state.close();
    }
  };
  const WELL = 'kept {"ok":true}';

  it('one house on both: a sign-in, and nobody is believed who is signed by another or says another word', async () => {
    const redis = await encrypted();
    const postgres = await startPostgres();
    closing.push(postgres.close);
    const admin = await encryptPostgres(postgres, server, 'secret of ours');
    const address = (mode: string, ca: ClientCertificate, word = 'secret%20of%20ours') =>
      `postgres://app:${word}@localhost:${postgres.port}/countersign?sslmode=${mode}&sslrootcert=${ca.certFile}`;
    const database = async (url: string) => {
      const opened = await openDatabase({ kind: 'postgres', url: new Secret(url, 'test'), poolMax: 2 });
      try {
        return JSON.stringify(await opened.health());
      } finally {
        await opened.close();
      }
    };
    await until('TLS is on', async () => (await database(address('verify-full', authority))) === '{"ok":true}');
    expect(await database(address('verify-full', stranger))).to.contain('no answer');
    expect(await database(address('disable', authority))).to.contain('no answer');
    expect(await database(address('verify-full', authority, 'wrong'))).to.contain('no answer');

    const url = (word: string) => new Secret(`rediss://app:${word}@localhost:${redis.tls}`, 'test');
    const right = { kind: 'redis', url: url('secret%20of%20ours'), authorities: authority.pem } as const;
    expect(await open(right)).to.equal(WELL);
    expect(await failure(open({ ...right, authorities: stranger.pem }))).to.contain('certificate');
    expect(await failure(open({ kind: 'redis', url: right.url })), 'the authorities of Node').to.contain('certificate');
    expect(await failure(open({ ...right, url: url('wrong') }))).to.contain('did not answer');

    const running: RunningHouse = await startHouse({
      backend: { databaseUrl: address('verify-full', authority), redisUrl: right.url.reveal() },
      files: { 'storage.yaml': { state: { ca_file: authority.certFile } } },
    });
    closing.push(running.close);
    const { login } = await person(running.house);
    const { request, answer } = await signedIn(running.issuer, login);
    const tokens = await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    expect(tokens.status).to.equal(200);
    const encryptedLines = await admin.query(
      `select count(*) filter (where not ssl)::int as plain, count(*)::int as all from pg_stat_ssl join pg_stat_activity using (pid)
       where usename = 'app'`,
    );
    expect(encryptedLines.rows[0]).to.have.property('plain', 0);
    expect(encryptedLines.rows[0].all).to.be.greaterThan(0);
    expect(String(await at(redis, (client) => client.call('CLIENT', 'LIST')))).to.match(/user=app /);
    await admin.end();
  });

  it('Sentinel with a user of its own, and a primary with another', async () => {
    const primary = await encrypted();
    await at(primary, (client) => client.call('ACL', 'SETUSER', 'watch', 'on', '>another', '~*', '&*', '+@all'));
    const tls = await freePort();
    const file = join(folder, 'sentinel.conf');
    const lines = Object.entries({ ...words(tls), 'tls-replication': 'yes' }).map((entry) => entry.join(' '));
    lines.push(`sentinel monitor main 127.0.0.1 ${primary.tls} 1`);
    lines.push('sentinel auth-user main watch', 'sentinel auth-pass main another');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const sentinel = await startRedis({ sentinel: file });
    closing.push(sentinel.close);
    await at(sentinel, (client) => client.call('ACL', 'SETUSER', 'asks', 'on', '>third', '&*', '+@all'));
    const settings = (sentinelPassword: string): RedisSettings => ({
      kind: 'redis-sentinel',
      master: 'main',
      nodes: [{ host: '127.0.0.1', port: tls }],
      database: 0,
      username: 'app',
      password: new Secret('secret of ours', 'test'),
      sentinelUsername: 'asks',
      sentinelPassword: new Secret(sentinelPassword, 'test'),
      tls: true,
      authorities: authority.pem,
    });
    await until('Sentinel is in', async () =>
      String(await at(sentinel, (client) => client.info('sentinel'))).includes('status=ok'),
    );
    expect(await open(settings('third'))).to.equal(WELL);
    const look = await lookAtRedis(settings('third'), systemClock, 3000);
    expect(look.primaries.map(({ server: name }) => name)).to.deep.equal([`127.0.0.1:${primary.tls}`]);
    expect(await failure(open(settings('wrong')))).to.contain('did not answer');
  });

  it('a cluster whose members speak TLS among themselves too', async () => {
    const tls = await freePort();
    const member = await encrypted({
      ...words(tls),
      'cluster-enabled': 'yes',
      'tls-cluster': 'yes',
      'cluster-port': `${await freePort()}`,
    });
    await at(member, (client) => client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383));
    await until('it stands', async () =>
      String(await at(member, (client) => client.cluster('INFO'))).includes('cluster_state:ok'),
    );
    const settings = (word: string): RedisSettings => ({
      kind: 'redis-cluster',
      nodes: [{ host: '127.0.0.1', port: tls }],
      username: 'app',
      password: new Secret(word, 'test'),
      tls: true,
      authorities: authority.pem,
    });
    expect(await open(settings('secret of ours'))).to.equal(WELL);
    expect(await failure(open(settings('wrong')))).to.contain('no member');
  });
});
