// The connections to the one Redis that is there: at its address, or the primary that Sentinel names.
import type { RedisSettings } from '../../../settings/settings.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import { openEar } from './ear.ts';
import type { Seat } from './epoch.ts';
import { openLine } from './line.ts';
import { clientOf, manners } from './servers.ts';

/** Connects and waits until it is ready and admitted. @throws StateUnavailable after `connectTimeout` ms. */
export async function connectOne(
  options: ConnectionOptions,
  at: Exclude<RedisSettings, { kind: 'redis-cluster' }>,
): Promise<Connection> {
  const { log, prefix, commandTimeout, connectTimeout, keeper } = options;
  const common = manners(commandTimeout);
  const client = clientOf(at, { ...common, enableAutoPipelining: true });
  const seats: Seat[] = [{ client, place: () => ({ name: 'primary', tag: '' }) }];
  const line = openLine(client, () => keeper.check(seats, true), log);
  const ear = openEar(() => clientOf(at, { ...common, autoResubscribe: false, retryStrategy: () => null }), {
    prefix,
    log,
  });
  const close = async () => {
    line.close();
    ear.close();
  };
  try {
    await Promise.all([line.opened(connectTimeout), ear.ready(connectTimeout)]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ask: async (_key, work) => work(line.redis()),
    anywhere: async (work) => work(line.redis()),
    everywhere: async (work) => [await work(line.redis())],
    seats: async () => ({ seats: line.isOpen() ? seats : [], whole: line.isOpen() }),
    subscribe: ear.subscribe,
    close,
  };
}
