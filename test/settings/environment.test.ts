// The environment: what it overrides, and how the demo moves with PORT.
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { databaseUrls } from '../../src/settings/addresses.ts';
import { ensureDemoSecrets } from '../../src/settings/demo-secrets.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { folderOf, loadedOf, problemsOf, productionSecrets, settingsOf } from './folders.ts';

const DEMO = { 'server.yaml': 'issuer: http://localhost:3000\ndemo: true\n' };

async function demo(environment: Record<string, string>, files: Record<string, string> = {}) {
  const folder = folderOf({ ...DEMO, ...files });
  await ensureDemoSecrets(folder);
  const loaded = loadSettings(folder, environment);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded;
}

describe('settings: the environment', () => {
  before(productionSecrets);

  it('PORT and HOST win over the file, and leave a real issuer alone', async () => {
    const { settings } = await settingsOf({}, { PORT: '8443', HOST: '0.0.0.0' });
    expect(settings.server).to.include({ port: 8443, host: '0.0.0.0', issuer: 'https://id.example.org' });
  });

  it('PORT moves the issuer and the app of the demo, and says so', async () => {
    const { settings, notes } = await demo({ PORT: '4000' }, { 'devices.yaml': 'app_origin: http://localhost:3000\n' });
    expect(settings.server).to.include({ port: 4000, issuer: 'http://localhost:4000' });
    expect(settings.devices.appOrigin).to.equal('http://localhost:4000');
    expect(notes).to.include(
      "environment: PORT moves the demo's issuer from http://localhost:3000 to http://localhost:4000",
    );
  });

  it('PORT does not move an app that has its own origin', async () => {
    const { settings } = await demo({ PORT: '4000' }, { 'devices.yaml': 'app_origin: http://localhost:3002\n' });
    expect(settings.devices.appOrigin).to.equal('http://localhost:3002');
  });

  it('refuses a PORT that is none', async () => {
    for (const PORT of ['x', '0', '65536', '3000.5', '-1']) {
      expect(await problemsOf({}, { PORT })).to.deep.equal([
        `environment: PORT: must be a number from 1 to 65535 (it is "${PORT}")`,
      ]);
    }
  });

  it('DATABASE_URL and REDIS_URL, or their files, win over storage.yaml', async () => {
    const file = join(await productionSecrets(), 'database');
    const storage = { 'storage.yaml': 'database: { kind: embedded }\nstate: { kind: embedded }\n' };
    const { settings } = await settingsOf(storage, { DATABASE_URL_FILE: file, REDIS_URL: 'redis://redis.example.org' });
    const { database, state } = settings.storage;
    expect(database.kind === 'postgres' && database.url.reveal()).to.match(
      /^postgres:\/\/app:.*@db\.example\.org\/app$/,
    );
    expect(state.kind === 'redis' && state.url.reveal()).to.equal('redis://redis.example.org');
  });

  it('a relative NAME_FILE is watched where it was read: from where the process was started', async () => {
    const file = join(folderOf({ secret: 'Zq8vJ2nXr5Tb1Wm7Ly4Hc9Pd3Kf6Sg0Q' }), 'secret');
    const payroll = `client_id: payroll\nclient_secret: "\${env:PAYROLL}"\nredirect_uris: [https://payroll.example.org/back]\n`;
    const { files } = await loadedOf(
      { 'clients/payroll.yaml': payroll },
      { PAYROLL_FILE: relative(process.cwd(), file) },
    );
    expect(files).to.include(file);
  });

  it('takes several hosts of PostgreSQL, a cluster and Sentinels, and refuses a REDIS_URL beside them', async () => {
    const secret = 'a random pass phrase of Redis';
    const { settings } = await settingsOf(
      { 'storage.yaml': `state:\n  cluster:\n    nodes: ["a:6379", "[::1]:6380"]\n    password: "\${env:REDIS}"\n` },
      {
        DATABASE_URL: 'postgres://app:x@db-1:5432,db-2/app?target_session_attrs=primary&sslmode=require',
        REDIS: secret,
      },
    );
    const { database, state } = settings.storage;
    expect(database.kind === 'postgres' && databaseUrls(database.url.reveal())).to.deep.equal([
      'postgres://app:x@db-1:5432/app?sslmode=require',
      'postgres://app:x@db-2/app?sslmode=require',
    ]);
    expect(state).to.deep.include({
      kind: 'redis-cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: '::1', port: 6380 },
      ],
      tls: false,
    });
    expect(state.kind === 'redis-cluster' && state.password?.reveal()).to.equal(secret);

    const sentinel = {
      'storage.yaml': 'state:\n  sentinel: { name: main, nodes: ["s:26379"], tls: true, sentinel_username: watcher }\n',
    };
    expect((await settingsOf(sentinel, {})).settings.storage.state).to.deep.equal({
      kind: 'redis-sentinel',
      master: 'main',
      nodes: [{ host: 's', port: 26_379 }],
      database: 0,
      tls: true,
      sentinelUsername: 'watcher',
    });
    expect(await problemsOf(sentinel, { REDIS_URL: 'redis://b' })).to.deep.equal([
      'environment: REDIS_URL: is set, but storage.yaml has state.sentinel: keep one',
    ]);
    expect(await problemsOf({}, { DATABASE_URL: 'postgres://app:x@db-1:5432,db 2/app' })).to.deep.equal([
      'environment: DATABASE_URL: must start with postgres:// or postgresql://',
    ]);
  });

  it('refuses authorities for Redis that are none, or that nothing is encrypted for', async () => {
    const plain = await problemsOf({ 'storage.yaml': 'state:\n  url: redis://a\n  ca_file: none.pem\n' }, {});
    expect(plain.join('\n'))
      .to.contain('state.ca_file: names a file that cannot be read')
      .and.contain('the address does not start with rediss://');
    const cluster = 'state:\n  ca_file: server.yaml\n  cluster: { nodes: ["a:1"] }\n';
    expect((await problemsOf({ 'storage.yaml': cluster }, {})).join('\n'))
      .to.contain('must have certificates of authorities')
      .and.contain('tls is not on');
  });

  it('refuses NAME and NAME_FILE at once, a file that is not there, and another kind of address', async () => {
    const said = await problemsOf(
      {},
      { DATABASE_URL: 'postgres://b/c', DATABASE_URL_FILE: '/x', REDIS_URL_FILE: '/nowhere' },
    );
    expect(said).to.deep.equal([
      'environment: DATABASE_URL: DATABASE_URL and DATABASE_URL_FILE are both set: keep one',
      'environment: REDIS_URL: REDIS_URL_FILE names a file that cannot be read',
    ]);
    expect(await problemsOf({}, { DATABASE_URL: 'mysql://b/c', REDIS_URL: 'x' })).to.deep.equal([
      'environment: DATABASE_URL: must start with postgres:// or postgresql://',
      'environment: REDIS_URL: must start with redis:// or rediss://',
    ]);
  });

  it('counts an empty variable as not set', async () => {
    const { settings } = await settingsOf({}, { PORT: '', HOST: '', DATABASE_URL: '', REDIS_URL_FILE: '' });
    expect(settings.server).to.include({ port: 3000, host: '127.0.0.1' });
    expect(settings.storage.state.kind).to.equal('embedded');
  });

  it('notes what runs on one node only', async () => {
    const { notes } = await settingsOf({}, { REDIS_URL: 'redis://redis.example.org' });
    expect(notes).to.deep.equal([
      'levels.yaml: levels[2].name: "phr" is not offered: no enabled method reaches it',
      'storage.yaml: embedded database (PGlite): one node only',
      'keys.yaml:1: push: is not set: phones are not woken ("countersign keys generate" prints how to add one)',
    ]);
  });

  it('notes levels of eIDAS, logout on loopback, and https that nobody ends', async () => {
    const file = join(await productionSecrets(), 'payroll');
    writeFileSync(file, 'x');
    const { notes } = await settingsOf({
      'server.yaml': 'issuer: https://id.example.org\n',
      'levels.yaml': 'levels:\n  - name: one\n    acr: ["http://eidas.europa.eu/LoA/high"]\n    any_of: [[password]]\n',
      'clients/payroll.yaml':
        'client_id: payroll\ntoken_endpoint_auth_method: none\nredirect_uris: [https://a.example.org/]\nbackchannel_logout_uri: http://localhost:9/x\n',
    });
    expect(notes.filter((note) => !note.startsWith('storage'))).to.deep.equal([
      'server.yaml:1: issuer: is https, but neither tls nor trusted_proxies is set: who ends TLS in front of us, and is it trusted?',
      'levels.yaml:3: levels[0].acr[0]: names how well a person was identified (eIDAS), not how they signed in: map it only if you know that of everybody',
      'clients/payroll.yaml:4: backchannel_logout_uri: will be refused: add localhost:9 to allow in outbound.yaml',
      'keys.yaml:1: push: is not set: phones are not woken ("countersign keys generate" prints how to add one)',
    ]);
  });
});
