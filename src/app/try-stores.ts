// Tries new users and passwords of the stores before they are taken over: one that is refused would show only when the next connection is made.
import { systemClock } from '../platform/clock.ts';
import type { StorageSettings } from '../settings/settings.ts';
import { openDatabase } from '../storage/postgres/database.ts';
import { lookAtDatabase } from '../storage/postgres/look.ts';
import { lookAtRedis } from '../storage/state/redis/look.ts';

/** Milliseconds until Redis counts as silent. */
const PATIENCE = 3000;

/**
 * A store does not let us in as the new settings say, or does not answer. What is rotated is changed at two places, one after the other:
 * the same settings may do a moment later.
 */
export class StoreRefused extends Error {
  override name = 'StoreRefused';
}

/** The reason in one line: the library's own word, which holds no password. */
const because = (store: string, error: unknown): never => {
  throw new StoreRefused(`storage: ${store} does not take the new user or password: ${(error as Error).message}`, {
    cause: error,
  });
};

/** Connects to each store of `fresh` that is not the very one of `old` (see `withAccess`). @throws StoreRefused */
export async function tryStores(old: StorageSettings, fresh: StorageSettings): Promise<void> {
  const { database, state } = fresh;
  if (database !== old.database) await tryDatabase(database);
  if (state !== old.state && state.kind !== 'embedded')
    await lookAtRedis(state, systemClock, PATIENCE).catch((error: unknown) => because('Redis', error));
}

async function tryDatabase(settings: StorageSettings['database']): Promise<void> {
  const opened = await openDatabase(settings);
  try {
    await lookAtDatabase(opened.knex);
  } catch (error) {
    because('the database', error);
  } finally {
    await opened.close();
  }
}
