// Opens the database: PostgreSQL by its URL (of several hosts the primary), or PGlite in a folder. The queries are the same.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import knexModule, { type Knex } from 'knex';
import { databaseUrls } from '../../settings/addresses.ts';
import type { StorageSettings } from '../../settings/settings.ts';
import { lockFolder } from './folder-lock.ts';

/** Milliseconds (security, L24). */
const TIMEOUT = 2000;

/** An open database. */
export interface Connected {
  knex: Knex;
  kind: 'embedded' | 'postgres';
  close(): Promise<void>;
}

// CommonJS whose default is the module itself or its member, by how it is loaded.
const createKnex = ((knexModule as { default?: unknown }).default ?? knexModule) as typeof knexModule;

/** What knex says by itself (a lost connection, one that cannot be had) comes back as an error to whoever asked; our log is not knex's. */
const QUIET = { warn: () => undefined, error: () => undefined, debug: () => undefined, deprecate: () => undefined };

async function openEmbedded(folder: string): Promise<Connected> {
  const unlock = lockFolder(folder);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Loaded here: a server on PostgreSQL never pays for it.
    const { PGlite } = await import('@electric-sql/pglite');
    const { default: pgliteModule } = await import('knex-pglite');
    const PgliteClient = ((pgliteModule as { default?: unknown }).default ?? pgliteModule) as typeof Knex.Client;
    const pglite = new PGlite({ dataDir: resolve(folder) });
    await pglite.waitReady;
    const knex = createKnex({
      client: PgliteClient,
      connection: (() => ({ pglite })) as unknown as Knex.StaticConnectionConfig,
    });
    const close = async () => {
      await knex.destroy();
      if (!pglite.closed) await pglite.close();
      unlock();
    };
    return { knex, kind: 'embedded', close };
  } catch (error) {
    unlock();
    throw error;
  }
}

/** What we need to see of a connection of pg. */
interface PgConnection {
  query(config: unknown, answer?: (error: Error | undefined, response: { rows: unknown[] }) => void): unknown;
  end(): Promise<void>;
  connection: { stream: { destroy(): void } };
  /** knex's own mark: a connection that has it leaves the pool. */
  __knex__disposed?: unknown;
}

/**
 * Throws a connection away that is of no more use. One whose answer did not come would stay in the pool and fail everybody after, for
 * the quarter of an hour that TCP takes to give up. One that turned out to be read-only may lead to a primary that is none any more.
 */
function dropsUseless(
  connection: PgConnection,
  done: (error: Error | undefined, connection: PgConnection) => void,
): void {
  const ask = connection.query.bind(connection);
  connection.query = (config, answer) => {
    if (!answer) return ask(config);
    return ask(config, (error, response) => {
      if (error?.message === 'Query read timeout') connection.connection.stream.destroy();
      if ((error as { code?: unknown } | undefined)?.code === '25006') connection.__knex__disposed = error;
      answer(error, response);
    });
  };
  done(undefined, connection);
}

/** What we need of knex's client: how it makes a connection, and by which settings. */
interface PgClient {
  connectionSettings: object;
  acquireRawConnection(): Promise<PgConnection>;
}

/** SQLSTATE of a server that is there and does not serve yet. */
const CANNOT_CONNECT_NOW = '57P03';
const IN_RECOVERY = 'select pg_is_in_recovery() as standby';

const isStandby = (connection: PgConnection): Promise<boolean> =>
  new Promise((resolve, reject) => {
    connection.query(IN_RECOVERY, (error, response) =>
      error ? reject(error) : resolve((response.rows[0] as { standby: boolean }).standby),
    );
  });

/**
 * Makes each new connection to whichever host is the primary at that moment: first where it was last found, then the others.
 * Nothing is ever read from a standby, which may not know yet that a code was used or a person disabled.
 */
function seekPrimary(client: PgClient, hosts: readonly object[]): void {
  const connect = client.acquireRawConnection.bind(client);
  let last = 0;
  client.acquireRawConnection = async () => {
    let standbys = 0;
    let reason: unknown;
    for (const host of [last, ...hosts.keys()].filter((index, at) => at === 0 || index !== last)) {
      try {
        // Read at once: of two that connect at the same time each gets its own.
        client.connectionSettings = hosts[host] as object;
        const connection = await connect();
        // It is asked what it is, not whether it can write now: a primary whose disk is full is still the one to ask.
        if (!(await isStandby(connection))) {
          last = host;
          return connection;
        }
        standbys += 1;
        await connection.end();
      } catch (error) {
        reason = error;
      }
    }
    if (standbys === 0) throw reason;
    throw Object.assign(new Error('no host is a primary', { cause: reason }), { code: CANNOT_CONNECT_NOW });
  };
}

function openPostgres(url: string, poolMax: number): Connected {
  const hosts = databaseUrls(url).map((connectionString, _index, { length }) => ({
    connectionString,
    // A host that swallows packets must leave time for the next one.
    connectionTimeoutMillis: length === 1 ? TIMEOUT : TIMEOUT / 2,
    statement_timeout: TIMEOUT,
    query_timeout: TIMEOUT + 500,
    idle_in_transaction_session_timeout: 10_000,
    application_name: 'countersign',
  }));
  const knex = createKnex({
    client: 'pg',
    log: QUIET,
    connection: hosts[0] as Knex.PgConnectionConfig,
    acquireConnectionTimeout: TIMEOUT,
    pool: {
      min: 0,
      max: poolMax,
      acquireTimeoutMillis: TIMEOUT,
      createTimeoutMillis: TIMEOUT * Math.max(1, hosts.length / 2) + 500,
      propagateCreateError: true,
      afterCreate: dropsUseless,
    },
  });
  if (hosts.length > 1) seekPrimary(knex.client as PgClient, hosts);
  return { knex, kind: 'postgres', close: () => knex.destroy() };
}

/** Opens the database that the settings name. @throws DatabaseInUse where the folder is open in another process. */
export async function connect(settings: StorageSettings['database']): Promise<Connected> {
  return settings.kind === 'embedded'
    ? openEmbedded(settings.folder)
    : openPostgres(settings.url.reveal(), settings.poolMax);
}
