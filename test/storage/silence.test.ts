// Connections that carry nothing any more though nobody closed them: no door hangs, and new connections take their place within seconds.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { Secret } from '../../src/settings/secret.ts';
import { type Database, openDatabase } from '../../src/storage/postgres/database.ts';
import { DatabaseUnavailable } from '../../src/storage/postgres/statement.ts';
import { openRedisState } from '../../src/storage/state/redis/state.ts';
import { type State, StateUnavailable } from '../../src/storage/state/state.ts';
import { freshDatabase, freshRedis } from '../support/services.ts';
import { layLine, type SilentLine } from './silent-line.ts';
import { atOnce, redisAt, silent } from './stores.ts';

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Milliseconds that it took until it held; at most ten seconds. */
async function until(what: string, holds: () => Promise<boolean>): Promise<number> {
  const begun = Date.now();
  while (!(await holds())) {
    if (Date.now() - begun > 20_000) throw new Error(`never: ${what}`);
    await wait(50);
  }
  return Date.now() - begun;
}

describe('a line that falls silent', function () {
  this.timeout(120_000);
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function lineTo(url: string): Promise<SilentLine> {
    const line = await layLine(url);
    closing.push(line.close);
    return line;
  }

  it('PostgreSQL: refused within the bounds, and served again by new connections', async () => {
    const fresh = await freshDatabase();
    closing.push(fresh.drop);
    const line = await lineTo(fresh.url);
    const database: Database = await openDatabase({ kind: 'postgres', url: new Secret(line.url, 'test'), poolMax: 4 });
    closing.push(database.close);
    await database.migrate();
    const ask = () => database.records.users.byLogin('nobody');
    await atOnce(4, ask);
    line.silence();
    const begun = Date.now();
    const refusals = await atOnce(4, () => failure(ask()));
    expect(Date.now() - begun).to.be.below(8000);
    for (const refusal of refusals) expect(refusal).to.be.instanceOf(DatabaseUnavailable);
    expect(await until('served again', async () => (await failure(ask())) === undefined)).to.be.below(15_000);
  });

  it('Redis: refused within the bounds, served again, and topics are heard again', async () => {
    const redis = await freshRedis();
    closing.push(redis.close);
    const line = await lineTo(redis.url);
    const state: State = await openRedisState({
      at: redisAt(line.url),
      log: silent,
      prefix: `silence-${process.pid}:`,
    });
    closing.push(state.close);
    const heard: string[] = [];
    await state.subscribe('topic:a', (message) => heard.push(message));
    line.silence();
    const begun = Date.now();
    expect(await failure(state.get('t:a'))).to.be.instanceOf(StateUnavailable);
    expect(Date.now() - begun).to.be.below(4000);
    expect(await until('served again', async () => (await failure(state.get('t:a'))) === undefined)).to.be.below(
      15_000,
    );
    expect(await until('told to look again', async () => heard.includes(''))).to.be.below(15_000);
    await state.publish('topic:a', 'approved');
    await until('heard', async () => heard.includes('approved'));
  });
});
