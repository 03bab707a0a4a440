// Fail-overs where everything is encrypted and everybody has a user: Redis that Sentinels watch, and PostgreSQL with a standby.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { examine } from '../../src/app/examine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Secret } from '../../src/settings/secret.ts';
import { type ClientCertificate, selfSigned, signed } from '../support/client-certificates.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { encryptPostgres } from '../support/postgres-tls.ts';
import { at, startSentinels, type TestSentinels, until } from '../support/redis-together.ts';
import { redeem, sentBack, signedIn } from '../support/service.ts';
import {
  type FreshDatabase,
  type FreshRedis,
  freshDatabase,
  freshRedis,
  startPostgres,
  startStandby,
  type TestServer,
} from '../support/services.ts';
import { anotherNode, begin, loseTheSpending, type Node, nobodyIsLetIn, signInsGoOn } from './with-failover.ts';

const LEAST = '~* &* +@all -@admin -@dangerous +info';

describe('fail-overs under TLS, by users of our own', function () {
  this.timeout(120_000);
  let folder: string;
  let authority: ClientCertificate;
  let stranger: ClientCertificate;
  let server: ClientCertificate;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-tls-'));
    authority = selfSigned(folder, 'ca', '/CN=Test authority');
    stranger = selfSigned(folder, 'stranger', '/CN=Another authority');
    server = signed(folder, 'server', authority, '/CN=localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  describe('Redis Sentinel', () => {
    let servers: TestSentinels;
    let database: FreshDatabase;
    let running: RunningHouse;
    let node: Node;
    const storage = (password: string, sentinelPassword: string) => ({
      'storage.yaml': {
        state: {
          sentinel: {
            name: 'main',
            nodes: servers.nodes,
            tls: true,
            username: 'app',
            password,
            sentinel_username: 'asks',
            sentinel_password: sentinelPassword,
          },
          ca_file: authority.certFile,
        },
      },
    });
    before(async () => {
      const users = join(folder, 'users.acl');
      writeFileSync(
        users,
        [
          'user default on nopass ~* &* +@all',
          'user watch on >third-of-four ~* &* +@all',
          `user app on >first-of-four ${LEAST}`,
          'user asks on >second-of-four &* +@all',
          '',
        ].join('\n'),
      );
      const { certFile: cert, keyFile: key } = server;
      const encryption = { cert, key, ca: authority.certFile, users, watchPassword: 'third-of-four' };
      [servers, database] = await Promise.all([startSentinels(encryption), freshDatabase()]);
      running = await startHouse({
        backend: { databaseUrl: database.url },
        files: storage('first-of-four', 'second-of-four'),
      });
      node = await anotherNode(running);
    });
    after(async () => {
      await node?.close();
      await running?.close();
      await Promise.all([servers?.close(), database?.drop()]);
    });

    it('F09: passwords have changed since the start, the primary dies, and nobody is let in by what was lost', async () => {
      const { primary, replica, sentinels } = servers;
      const { login } = await person(running.house);
      // Of the primary and of the Sentinels: at the fail-over it is the new ones by which we come in.
      for (const one of [primary, replica])
        await at(one, (client) => client.call('ACL', 'SETUSER', 'app', 'resetpass', '>fourth-of-four'));
      for (const one of sentinels)
        await at(one, (client) => client.call('ACL', 'SETUSER', 'asks', 'resetpass', '>fifth-of-five'));
      const report = await running.reload(storage('fourth-of-four', 'fifth-of-five'));
      expect(report.needsRestart).to.deep.equal([]);
      expect(report.changes.map(({ key }) => key)).to.include('storage.state.sentinelPassword');

      const begun = await begin(running, login, () => true);
      await loseTheSpending(running, node.database, begun, { primary, replica });
      await signInsGoOn(running, login);
      await servers.elected(replica);
      await nobodyIsLetIn(running, begun, replica);
      // The connection that listens comes back by itself, a moment after the one for commands.
      await until('both of our connections are there by the new password', async () => {
        const clients = String(await at(replica, (client) => client.call('CLIENT', 'LIST')));
        return (clients.match(/user=app /g)?.length ?? 0) > 1;
      });
    });
  });

  describe('PostgreSQL with a standby', () => {
    let primary: TestServer;
    let standby: TestServer;
    let redis: FreshRedis;
    let running: RunningHouse;
    const address = (ca: ClientCertificate, ...hosts: string[]) =>
      `postgres://app:secret%20of%20ours@${hosts.join(',')}/countersign?sslmode=verify-full&sslrootcert=${ca.certFile}`;
    before(async () => {
      const settings = { synchronous_commit: 'on' };
      [primary, redis] = await Promise.all([startPostgres({ settings }), freshRedis()]);
      const admin = await encryptPostgres(primary, server, 'secret of ours');
      standby = await startStandby(primary);
      // Not before: nobody followed whom a commit could wait for.
      await admin.query(`alter system set synchronous_standby_names = '*'`);
      await admin.query('select pg_reload_conf()');
      await until('a commit waits for the standby', async () => {
        const { rows } = await admin.query(`select sync_state from pg_stat_replication`);
        return rows[0]?.sync_state === 'sync';
      });
      await admin.end();
      running = await startHouse({
        backend: {
          databaseUrl: address(authority, `localhost:${standby.port}`, `localhost:${primary.port}`),
          redisUrl: redis.url,
        },
      });
    });
    after(async () => {
      await running?.close();
      await Promise.all([standby?.close(), primary?.close(), redis?.close()]);
    });

    const database = async (url?: string) => {
      const { storage } = running.settings;
      if (storage.database.kind !== 'postgres') throw new Error(storage.database.kind);
      const secret = url === undefined ? storage.database.url : new Secret(url, 'test');
      const settings = { ...running.settings, storage: { ...storage, database: { ...storage.database, url: secret } } };
      return (await examine(settings, systemClock)).find(({ check }) => check === 'database')?.detail ?? '';
    };

    it('F16: after the promotion sign-ins go on by TLS, and what was answered is there', async () => {
      const { login } = await person(running.house);
      expect(await database()).to.contain('primary of 2 hosts');
      await primary.kill();
      expect(await database(), 'nobody is primary').to.contain('no host is a primary');
      const admin = new pg.Client({ connectionString: standby.url });
      admin.on('error', () => undefined);
      await admin.connect();
      await admin.query('select pg_promote()');
      await until('somebody signs in', async () => {
        const { request, answer } = await signedIn(running.issuer, login);
        return (await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier)).status === 200;
      });
      const { rows } = await admin.query(
        `select count(*) filter (where ssl)::int as by_tls, count(*)::int as all from pg_stat_ssl
         join pg_stat_activity using (pid) where usename = 'app'`,
      );
      expect(rows[0].all).to.be.greaterThan(0);
      expect(rows[0].by_tls).to.equal(rows[0].all);
      await admin.end();
    });

    it('believes no host whose certificate another authority signed, or that has another name', async () => {
      const at = `localhost:${standby.port}`;
      expect(await database(address(authority, at))).to.contain('can be written to');
      expect(await database(address(stranger, at, 'localhost:1'))).to.contain('certificate');
      const named = signed(folder, 'named', authority, '/CN=elsewhere', 'subjectAltName=DNS:elsewhere.example.org');
      const other = await startPostgres();
      try {
        const admin = await encryptPostgres(other, named, 'secret of ours');
        await admin.end();
        const why = await database(address(authority, `localhost:${other.port}`));
        expect(why).to.contain("does not match certificate's altnames");
      } finally {
        await other.close();
      }
    });
  });
});
