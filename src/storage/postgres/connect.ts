// Opens the database: PostgreSQL by its URL, or PGlite in a folder. The queries are the same.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import knexModule, { type Knex } from 'knex';
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
  query(config: unknown, answer?: (error: Error | undefined, response: unknown) => void): unknown;
  connection: { stream: { destroy(): void } };
}

/**
 * Throws a connection away whose answer did not come: behind a network that swallows packets it would stay in the pool and fail
 * everybody after, for the quarter of an hour that TCP takes to give up.
 */
function dropsSilent(
  connection: PgConnection,
  done: (error: Error | undefined, connection: PgConnection) => void,
): void {
  const ask = connection.query.bind(connection);
  connection.query = (config, answer) => {
    if (!answer) return ask(config);
    return ask(config, (error, response) => {
      if (error?.message === 'Query read timeout') connection.connection.stream.destroy();
      answer(error, response);
    });
  };
  done(undefined, connection);
}

function openPostgres(url: string, poolMax: number): Connected {
  const knex = createKnex({
    client: 'pg',
    log: QUIET,
    connection: {
      connectionString: url,
      connectionTimeoutMillis: TIMEOUT,
      statement_timeout: TIMEOUT,
      query_timeout: TIMEOUT + 500,
      idle_in_transaction_session_timeout: 10_000,
      application_name: 'countersign',
    } as Knex.PgConnectionConfig,
    acquireConnectionTimeout: TIMEOUT,
    pool: {
      min: 0,
      max: poolMax,
      acquireTimeoutMillis: TIMEOUT,
      createTimeoutMillis: TIMEOUT + 500,
      propagateCreateError: true,
      afterCreate: dropsSilent,
    },
  });
  return { knex, kind: 'postgres', close: () => knex.destroy() };
}

/** Opens the database that the settings name. @throws DatabaseInUse where the folder is open in another process. */
export async function connect(settings: StorageSettings['database']): Promise<Connected> {
  return settings.kind === 'embedded'
    ? openEmbedded(settings.folder)
    : openPostgres(settings.url.reveal(), settings.poolMax);
}
