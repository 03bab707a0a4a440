// The throw-away servers themselves: apart from each other, restartable, killable, and gone at the end.
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import pg from 'pg';
import { freshDatabase, freshRedis, listens, startPostgres, startRedis } from './services.ts';

async function sql(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

describe('support: services', () => {
  it('gives two tests two databases, and drops one that is in use', async () => {
    const [one, two] = await Promise.all([freshDatabase(), freshDatabase()]);
    await sql(one.url, 'create table only_here (n int)');
    const tables = await sql(two.url, `select 1 from pg_tables where tablename = 'only_here'`);
    expect(tables).to.have.length(0);
    const open = new pg.Client({ connectionString: one.url });
    open.on('error', () => {});
    await open.connect();
    await Promise.all([one.drop(), two.drop()]);
    await open.end().catch(() => {});
  });

  it('gives two tests two empty Redis databases', async () => {
    const [one, two] = await Promise.all([freshRedis(), freshRedis()]);
    expect(one.url).not.to.equal(two.url);
    const [a, b] = [new Redis(one.url), new Redis(two.url)];
    await a.set('only', 'here');
    expect(await b.get('only')).to.equal(null);
    expect(await a.dbsize()).to.equal(1);
    a.disconnect();
    b.disconnect();
    await Promise.all([one.close(), two.close()]);
  });

  it('keeps what a durable PostgreSQL acknowledged over a kill, on the same port', async () => {
    const server = await startPostgres({ durable: true });
    await sql(server.url, 'create table kept (n int)');
    await sql(server.url, 'insert into kept values (7)');
    await server.kill();
    expect(await listens(server.port)).to.equal(false);
    await server.start();
    expect(await sql(server.url, 'select n from kept')).to.deep.equal([{ n: 7 }]);
    await server.close();
    expect(existsSync(server.folder)).to.equal(false);
  }).timeout(60_000);

  it('keeps what a durable Redis acknowledged over a kill, and a plain one forgets', async () => {
    const [durable, plain] = await Promise.all([startRedis({ durable: true }), startRedis()]);
    for (const [server, expected] of [
      [durable, 'here'],
      [plain, null],
    ] as const) {
      const before = new Redis(server.url);
      before.on('error', () => {});
      await before.set('still', 'here');
      before.disconnect();
      await server.kill();
      await server.start();
      const after = new Redis(server.url);
      expect(await after.get('still')).to.equal(expected);
      after.disconnect();
      await server.close();
    }
  });
});
