// Round trips and commands per flow, as Redis and PostgreSQL counted them themselves.
import { Redis } from 'ioredis';
import pg from 'pg';

/** What the servers counted since they started. */
export interface Counts {
  /** Commands that Redis ran. */
  commands: number;
  /** Times that Redis read from a connection: one for each write of a client, so commands sent together count once. */
  reads: number;
  /** Statements that PostgreSQL ran, `begin` and `commit` among them. */
  statements: number;
}

/** Commands of our own counting. */
const OWN = /^(info|ping|hello|client|select|config)/;

/** Reads the counters of both servers. */
export class Counters {
  readonly #redis: Redis;
  readonly #sql: pg.Client;

  private constructor(redis: Redis, sql: pg.Client) {
    this.#redis = redis;
    this.#sql = sql;
  }

  static async connect(redisUrl: string, databaseUrl: string): Promise<Counters> {
    const sql = new pg.Client({ connectionString: databaseUrl });
    await sql.connect();
    await sql.query('create extension if not exists pg_stat_statements');
    return new Counters(new Redis(redisUrl), sql);
  }

  async read(): Promise<Counts> {
    const commands = sumOfCalls(await this.#redis.info('commandstats'));
    const reads = Number(/total_reads_processed:(\d+)/.exec(await this.#redis.info('stats'))?.[1] ?? Number.NaN);
    const { rows } = await this.#sql.query(
      `select coalesce(sum(calls), 0)::int as calls from pg_stat_statements where query not like '%pg_stat_statements%'`,
    );
    return { commands, reads, statements: rows[0].calls };
  }

  /** What one run of a flow costs, on average of `times` runs one after the other. */
  async perFlow(flow: () => Promise<void>, times = 20): Promise<Counts> {
    await flow();
    // What a read itself costs must not be told as the flow's.
    const [first, second] = [await this.read(), await this.read()];
    for (let run = 0; run < times; run += 1) await flow();
    const last = await this.read();
    const cost = (name: keyof Counts) => (last[name] - second[name] - (second[name] - first[name])) / times;
    return { commands: cost('commands'), reads: cost('reads'), statements: cost('statements') };
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    await this.#sql.end();
  }
}

function sumOfCalls(info: string): number {
  let sum = 0;
  for (const [, name = '', calls] of info.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)) {
    if (!OWN.test(name)) sum += Number(calls);
  }
  return sum;
}
