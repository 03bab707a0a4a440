// Which change of the stores is another user or password, and which is another store.
import { expect } from 'chai';
import { Secret } from '../../src/settings/secret.ts';
import type { StorageSettings } from '../../src/settings/settings.ts';
import { withAccess } from '../../src/settings/store-access.ts';

const secret = (text: string) => new Secret(text, 'test');
const postgres = (url: string) => ({ kind: 'postgres', url: secret(url), poolMax: 5 }) as const;
const sentinel = (more: object = {}) =>
  ({
    kind: 'redis-sentinel',
    master: 'main',
    nodes: [{ host: 'a', port: 1 }],
    database: 0,
    tls: true,
    username: 'app',
    password: secret('one'),
    sentinelPassword: secret('two'),
    authorities: 'pem',
    ...more,
  }) as Extract<StorageSettings['state'], { kind: 'redis-sentinel' }>;

const HOSTS = 'a:1,b:2/db?sslmode=verify-full';
const old: StorageSettings = { database: postgres(`postgres://app:one@${HOSTS}`), state: sentinel() };

describe('another password, or another store', () => {
  it('takes users and passwords, of addresses with several hosts and of Sentinels too', () => {
    for (const database of [
      postgres(`postgres://app:two@${HOSTS}`),
      postgres(`postgres://lease%40x:t%3Awo@${HOSTS}`),
      postgres(`postgres://${HOSTS}`),
    ])
      expect(withAccess(old, { ...old, database })).to.deep.equal({ ...old, database });
    for (const change of [
      { password: secret('other') },
      { username: 'lease' },
      { sentinelPassword: secret('other') },
      { sentinelUsername: 'asks' },
    ]) {
      const state = sentinel(change);
      expect(withAccess(old, { ...old, state }).state, Object.keys(change)[0]).to.equal(state);
    }
  });

  it('leaves everything else to a restart, of each store for itself', () => {
    for (const database of [
      postgres('postgres://app:two@a:1,c:2/db?sslmode=verify-full'),
      postgres(`postgres://app:two@${HOSTS.replace('/db', '/other')}`),
      postgres('postgres://app:two@a:1,b:2/db?sslmode=disable'),
      { ...postgres(`postgres://app:two@${HOSTS}`), poolMax: 6 },
      { kind: 'embedded', folder: 'db' } as const,
    ])
      expect(withAccess(old, { ...old, database }).database).to.equal(old.database);
    const other = { password: secret('other') };
    for (const change of [{ master: 'x' }, { nodes: [] }, { database: 1 }, { tls: false }, { authorities: 'other' }])
      expect(withAccess(old, { ...old, state: sentinel({ ...other, ...change }) }).state).to.equal(old.state);
    const database = postgres(`postgres://app:two@${HOSTS}`);
    const both = withAccess(old, { database, state: sentinel({ master: 'x' }) });
    expect(both.database).to.equal(database);
    expect(both.state).to.equal(old.state);
  });

  it('answers the very objects where nothing is another one: no store is tried for nothing', () => {
    const same: StorageSettings = { database: postgres(`postgres://app:one@${HOSTS}`), state: sentinel() };
    expect(withAccess(old, same).database).to.equal(old.database);
    expect(withAccess(old, same).state).to.equal(old.state);
  });
});
