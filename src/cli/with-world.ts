// Opens the world for the length of one command.
import { openWorld } from '../app/world.ts';
import type { World } from '../domain/ports.ts';
import { createLog } from '../platform/log.ts';
import type { Settings } from '../settings/settings.ts';
import { readSettings } from './read-settings.ts';

/**
 * Opens the storage that the settings name, runs the work, and closes it again.
 * @throws DatabaseInUse where the embedded database is open in a running server: stop it first, or use PostgreSQL.
 */
export async function withWorld<T>(
  folder: string | undefined,
  work: (world: World, issuer: string, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = await readSettings(folder);
  const { world, close } = await openWorld(() => settings, createLog('warn'));
  try {
    return await work(world, settings.server.issuer, settings);
  } finally {
    await close();
  }
}
