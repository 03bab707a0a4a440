// A PostgreSQL that speaks TLS, and lets a user of ours in that way alone.
import { chownSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { ClientCertificate } from './client-certificates.ts';
import type { TestServer } from './services.ts';

/**
 * Switches TLS on and makes the database `countersign` of a user `app`, who is let in by TLS and password only; tests look in as
 * `postgres`. A standby that is copied from it afterwards does the same. Answers a connection of `postgres`, to be ended.
 */
export async function encryptPostgres(
  postgres: TestServer,
  certificate: ClientCertificate,
  password: string,
): Promise<pg.Client> {
  const { uid, gid } = statSync(postgres.folder);
  const own = (name: string, from: string) => {
    const path = join(postgres.folder, name);
    copyFileSync(from, path);
    chownSync(path, uid, gid);
    return path;
  };
  const admin = new pg.Client({ connectionString: postgres.url });
  admin.on('error', () => undefined);
  await admin.connect();
  await admin.query(`alter system set ssl_cert_file = '${own('server.pem', certificate.certFile)}'`);
  await admin.query(`alter system set ssl_key_file = '${own('server.key', certificate.keyFile)}'`);
  await admin.query('alter system set ssl = on');
  await admin.query(`create role app login password '${password}'`);
  await admin.query('create database countersign owner app');
  const rules = [
    'host all postgres 127.0.0.1/32 trust',
    'host replication postgres 127.0.0.1/32 trust',
    'hostssl countersign app 127.0.0.1/32 scram-sha-256',
  ];
  writeFileSync(join(postgres.folder, 'data', 'pg_hba.conf'), `${rules.join('\n')}\n`);
  await admin.query('select pg_reload_conf()');
  return admin;
}
