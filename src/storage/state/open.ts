// Chooses the state that the settings name.
import type { Log } from '../../platform/log.ts';
import type { StorageSettings } from '../../settings/settings.ts';
import { type EmbeddedOptions, openEmbeddedState } from './embedded/state.ts';
import type { Epochs } from './redis/epoch.ts';
import { openRedisState } from './redis/state.ts';
import type { State } from './state.ts';

/**
 * Opens the state.
 * @param options `epochs` of the database (see `openDatabase`): give it wherever Redis is used.
 * @throws StateUnavailable where Redis does not answer in 10 s.
 */
export async function openState(
  settings: StorageSettings['state'],
  options: { log: Log; epochs?: Epochs; prefix?: string; connectTimeout?: number } & EmbeddedOptions,
): Promise<State> {
  const { log, epochs, prefix, connectTimeout, ...embedded } = options;
  if (settings.kind === 'embedded') return openEmbeddedState(embedded);
  return openRedisState({
    at: settings,
    log,
    ...(epochs ? { epochs } : {}),
    ...(prefix === undefined ? {} : { prefix }),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
  });
}
