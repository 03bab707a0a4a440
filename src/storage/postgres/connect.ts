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
  validateConnection(connection: PgConnection): boolean;
}

/** SQLSTATE of a server that is there and does not serve yet. */
const CANNOT_CONNECT_NOW = '57P03';
/** SQLSTATE: a wrong password, a user that does not exist or may not come from here. */
const NOT_LET_IN = /^28/;
const IN_RECOVERY = 'select pg_is_in_recovery() as standby';

const isStandby = (connection: PgConnection): Promise<boolean> =>
  new Promise((resolve, reject) => {
    connection.query(IN_RECOVERY, (error, response) =>
      error ? reject(error) : resolve((response.rows[0] as { standby: boolean }).standby),
    );
  });

/**
 * Makes each new connection by the address as it stands then, for its password may have changed, and of several hosts to whichever is
 * the primary at that moment: first where it was last found, then the others. Nothing is ever read from a standby, which may not know
 * yet that a code was used or a person disabled.
 * @param hosts settings of pg for each host; the same list as long as the address is the same.
 */
function followAddress(client: PgClient, hosts: () => readonly Host[]): void {
  const connect = client.acquireRawConnection.bind(client);
  const madeBy = new WeakMap<PgConnection, readonly Host[]>();
  let found = 0;
  let everLetIn = false;

  async function seekPrimary(among: readonly Host[]): Promise<PgConnection> {
    let standbys = 0;
    const failed: { host: number; error: Error }[] = [];
    for (const host of [found, ...among.keys()].filter((index, at) => at === 0 || index !== found)) {
      try {
        // Read at once: of two that connect at the same time each gets its own.
        client.connectionSettings = among[host] as Host;
        const connection = await connect();
        // It is asked what it is, not whether it can write now: a primary whose disk is full is still the one to ask.
        if (among.length === 1 || !(await isStandby(connection))) {
          found = host;
          return connection;
        }
        standbys += 1;
        await connection.end();
      } catch (error) {
        failed.push({ host, error: error as Error });
      }
    }
    const last = failed.at(-1)?.error;
    if (among.length === 1 && last) throw last;
    // Each in its own words: a certificate or a password that is wrong at one must not hide behind another that is merely away.
    const each = failed.map(({ host, error }) => `${placeOf(among[host] as Host)}: ${error.message}`).join('; ');
    if (standbys === 0) throw Object.assign(new Error(each), { code: (last as { code?: unknown }).code });
    const told = each === '' ? 'no host is a primary' : `no host is a primary (${each})`;
    throw Object.assign(new Error(told), { code: CANNOT_CONNECT_NOW });
  }

  client.acquireRawConnection = async () => {
    const now = hosts();
    try {
      const connection = await seekPrimary(now);
      madeBy.set(connection, now);
      everLetIn = true;
      return connection;
    } catch (error) {
      // At the start it is a mistake to be told. Later it is a password that was changed there and not here yet: it passes.
      if (!everLetIn || !NOT_LET_IN.test(String((error as { code?: unknown }).code))) throw error;
      throw Object.assign(new Error('the database does not let us in', { cause: error }), { code: CANNOT_CONNECT_NOW });
    }
  };
  // One that was made as somebody else is not cut: it leaves the pool when it is free.
  client.validateConnection = (connection) => madeBy.get(connection) === hosts();
}

/** How pg connects to one host. */
type Host = Knex.PgConnectionConfig & { connectionString: string };

/** `host:port`, without who we are there. */
const placeOf = ({ connectionString }: Host): string =>
  URL.canParse(connectionString) ? new URL(connectionString).host : 'a host';

/** How pg connects to each host of an address. */
function hostsOf(url: string): Host[] {
  return databaseUrls(url).map((connectionString, _index, { length }) => ({
    connectionString,
    // A host that swallows packets must leave time for the next one.
    connectionTimeoutMillis: length === 1 ? TIMEOUT : TIMEOUT / 2,
    statement_timeout: TIMEOUT,
    query_timeout: TIMEOUT + 500,
    idle_in_transaction_session_timeout: 10_000,
    application_name: 'countersign',
  }));
}

/** @param settings its `url` is read at each connection. */
function openPostgres(settings: Extract<StorageSettings['database'], { kind: 'postgres' }>): Connected {
  let known = { url: settings.url.reveal(), hosts: hostsOf(settings.url.reveal()) };
  const hosts = () => {
    const url = settings.url.reveal();
    if (url !== known.url) known = { url, hosts: hostsOf(url) };
    return known.hosts;
  };
  const [first, ...others] = hosts();
  const knex = createKnex({
    client: 'pg',
    log: QUIET,
    connection: first as Host,
    acquireConnectionTimeout: TIMEOUT,
    pool: {
      min: 0,
      max: settings.poolMax,
      acquireTimeoutMillis: TIMEOUT,
      createTimeoutMillis: TIMEOUT * Math.max(1, (1 + others.length) / 2) + 500,
      propagateCreateError: true,
      afterCreate: dropsUseless,
    },
  });
  followAddress(knex.client as PgClient, hosts);
  return { knex, kind: 'postgres', close: () => knex.destroy() };
}

/**
 * Opens the database that the settings name.
 * @param settings the address of PostgreSQL is read at each new connection: its user and password may change.
 * @throws DatabaseInUse where the folder is open in another process.
 */
export async function connect(settings: StorageSettings['database']): Promise<Connected> {
  return settings.kind === 'embedded' ? openEmbedded(settings.folder) : openPostgres(settings);
}
