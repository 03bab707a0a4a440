// The connections to a Redis Cluster: one for commands to each primary, each behind a gate of its own.
//
// ioredis has a client for clusters. It follows a fail-over by itself and asks the new primary at once; ours must first be compared
// with what the database knows, or a code that was spent in the lost moment could be spent again (docs/decisions/0007).
import type { Redis } from 'ioredis';
import type { Address, RedisSettings } from '../../../settings/settings.ts';
import { StateUnavailable } from '../state.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import { openEar } from './ear.ts';
import type { Seat } from './epoch.ts';
import { type Line, openLine } from './line.ts';
import { addressOf, askMember, type Members } from './members.ts';
import { manners, memberOf } from './servers.ts';
import { SLOTS, slotOf, tagOf } from './slots.ts';

/** The place of a primary: of its slots one that is known already, so that every node looks at the same key. */
function placeOf(owned: readonly number[], known: ReadonlySet<string>): { name: string; tag: string } {
  const slot = owned.find((one) => known.has(`slot ${one}`)) ?? owned[0];
  if (slot === undefined) throw new Error('it has no slot');
  return { name: `slot ${slot}`, tag: tagOf(slot) };
}

/** Connects and waits until every primary is ready and admitted. @throws StateUnavailable after `connectTimeout` ms. */
export async function connectCluster(
  options: ConnectionOptions,
  at: Extract<RedisSettings, { kind: 'redis-cluster' }>,
): Promise<Connection> {
  const { log, prefix, commandTimeout, connectTimeout, keeper } = options;
  const common = manners(commandTimeout);
  const lines = new Map<string, Line & { seat: Seat }>();
  let owners: (string | undefined)[] = [];
  let closed = false;
  let refreshing: Promise<void> | undefined;

  function openMember(name: string): Line & { seat: Seat } {
    const client = memberOf(at, addressOf(name), { ...common, enableAutoPipelining: true });
    const owned = () => owners.flatMap((owner, slot) => (owner === name ? [slot] : []));
    const seat: Seat = { client, place: (known) => placeOf(owned(), known) };
    const line = openLine(
      client,
      () => keeper.check([seat], false),
      log,
      () => void refresh(),
    );
    return { ...line, seat };
  }

  /** Asks the members that we know, and where none answers those of the settings. */
  async function newest(): Promise<Members | undefined> {
    const ready = [...lines.values()].filter(({ client }) => client.status === 'ready');
    const said = await Promise.all(ready.map(({ client }) => askMember(client).catch(() => undefined)));
    const maps = said.filter((map) => map !== undefined);
    for (const node of maps.length === 0 ? at.nodes : []) {
      const client = memberOf(at, node, { ...common, lazyConnect: true, retryStrategy: () => null });
      client.on('error', () => undefined);
      const map = await client
        .connect()
        .then(() => askMember(client))
        .catch(() => undefined);
      client.disconnect();
      if (map) return map;
    }
    return maps.sort((one, other) => other.epoch - one.epoch)[0];
  }

  async function renew(): Promise<void> {
    const map = await newest();
    if (!map || closed) return;
    owners = map.owners;
    const names = new Set(owners.filter((name) => name !== undefined));
    for (const name of names) if (!lines.has(name)) lines.set(name, openMember(name));
    for (const [name, line] of lines) {
      if (names.has(name)) continue;
      lines.delete(name);
      line.close();
    }
  }

  /** Learns who holds which slots; of many calls at once one asks. */
  function refresh(): Promise<void> {
    refreshing ??= renew().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  const isWhole = () =>
    owners.length === SLOTS && owners.every((name) => name !== undefined && lines.get(name)?.isOpen());

  function redisOf(key: string): Redis {
    const name = owners[slotOf(key)];
    const line = name === undefined ? undefined : lines.get(name);
    if (!line) throw new StateUnavailable('no primary holds this slot');
    return line.redis();
  }

  let turn = 0;
  /** Any member will do to listen at: what is published at one is told at all. */
  const listenAt = (): Address => {
    const ready = [...lines].filter(([, { client }]) => client.status === 'ready').map(([name]) => addressOf(name));
    const all = ready.length > 0 ? ready : at.nodes;
    turn += 1;
    return all[turn % all.length] as Address;
  };

  const ear = openEar(
    () => memberOf(at, listenAt(), { ...common, autoResubscribe: false, retryStrategy: () => null }),
    { prefix, log },
  );
  const close = async () => {
    closed = true;
    ear.close();
    for (const line of lines.values()) line.close();
  };

  const begun = performance.now();
  const left = () => Math.max(1, connectTimeout - (performance.now() - begun));
  try {
    for (;;) {
      await refresh();
      if (owners.length === SLOTS || left() === 1) break;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    if (lines.size === 0) throw new StateUnavailable('no member of the Redis Cluster answered');
    await Promise.all([...[...lines.values()].map((line) => line.opened(left())), ear.ready(left())]);
    await keeper.check(
      [...lines.values()].map(({ seat }) => seat),
      true,
    );
  } catch (error) {
    await close();
    throw error;
  }

  return {
    async ask(key, work) {
      try {
        return await work(redisOf(key));
      } catch (error) {
        // It was not done: the slot is somebody else's now. Whoever it is may be asked once it has been admitted.
        if (!(error instanceof Error) || !error.message.startsWith('MOVED')) throw error;
        await refresh();
        return work(redisOf(key));
      }
    },
    async anywhere(work) {
      const line = [...lines.values()].find((one) => one.isOpen());
      if (!line) throw new StateUnavailable('Redis is not there');
      return work(line.redis());
    },
    async everywhere(work) {
      if (!isWhole()) throw new StateUnavailable('a primary of the Redis Cluster is not there');
      return Promise.all([...lines.values()].map((line) => work(line.redis())));
    },
    async seats() {
      await refresh();
      const open = [...lines.values()].filter((line) => line.isOpen());
      return { seats: open.map(({ seat }) => seat), whole: isWhole() };
    },
    subscribe: ear.subscribe,
    close,
  };
}
