// How the servers are reached: one Redis, the primary that Sentinel names, or one member of a cluster.
import { Redis } from 'ioredis';
import type { Address, RedisSettings } from '../../../settings/settings.ts';

/** Milliseconds of silence after which a connection is given up, and between two looks whether a listening one still is one. */
export const SILENT = 2000;

/** What all of our connections have in common. @param commandTimeout milliseconds. */
export function manners(commandTimeout: number) {
  return {
    // A command whose answer was lost may have been done: sending it again could spend a thing twice.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout,
    // Behind a network that swallows packets a connection looks well: without an answer in this time it is made anew.
    socketTimeout: Math.max(SILENT, 2 * commandTimeout),
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1000),
    // It became a replica under us: the address, or Sentinel, leads to the new primary. Nothing is sent again.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
}

/** What may differ from {@link manners}. */
type Manners = Omit<ReturnType<typeof manners>, 'retryStrategy' | 'enableOfflineQueue'> & {
  retryStrategy: (times: number) => number | null;
  enableAutoPipelining?: boolean;
  autoResubscribe?: boolean;
  lazyConnect?: boolean;
  enableOfflineQueue: boolean;
};

/** Who we say that we are. */
interface Access {
  username: string | undefined;
  password: string | undefined;
}

/** Who we are to Redis by these settings, now. */
function access(at: RedisSettings): Access {
  if (at.kind !== 'redis') return { username: at.username, password: at.password?.reveal() };
  const { username, password } = new URL(at.url.reveal());
  const part = (text: string) => (text === '' ? undefined : decodeURIComponent(text));
  return { username: part(username), password: part(password) };
}

/** Whether the line is encrypted. */
const encryption = (at: Exclude<RedisSettings, { kind: 'redis' }>) => (at.tls ? { tls: believed(at) } : {});

/**
 * A client that says at each connection who we are by then: user and password may change under it.
 * @param options read by ioredis at each connection, so that changing them is all that is needed.
 */
function following(client: Redis, now: () => Partial<Redis['options']>): Redis {
  client.on('close', () => Object.assign(client.options, now()));
  return client;
}

/** Whose certificates are believed. */
const believed = ({ authorities }: RedisSettings): object => (authorities === undefined ? {} : { ca: authorities });

/** A client of the one Redis, or of the primary that Sentinel names each time that it connects. @param at is read at each connection. */
export function clientOf(at: Exclude<RedisSettings, { kind: 'redis-cluster' }>, options: Manners): Redis {
  if (at.kind === 'redis') {
    // Without authorities of our own the address alone says whether there is TLS.
    const tls = at.authorities === undefined ? {} : { tls: believed(at) };
    return following(new Redis(at.url.reveal(), { ...options, ...tls }), () => access(at));
  }
  const now = () => ({
    ...access(at),
    sentinelUsername: at.sentinelUsername,
    sentinelPassword: at.sentinelPassword?.reveal(),
  });
  const client = new Redis({
    ...options,
    ...now(),
    ...encryption(at),
    name: at.master,
    sentinels: at.nodes.map(({ host, port }) => ({ host, port })),
    role: 'master',
    db: at.database,
    sentinelCommandTimeout: 1000,
    sentinelRetryStrategy: (times: number) => Math.min(100 * times, 1000),
    ...(at.tls ? { sentinelTLS: believed(at), enableTLSForSentinelMode: true } : {}),
  });
  return following(client, now);
}

/** A client of one server of several: a member of a cluster, or what Sentinel named. @param at is read at each connection. */
export function memberOf(
  at: Exclude<RedisSettings, { kind: 'redis' }>,
  { host, port }: Address,
  options: Manners,
): Redis {
  return following(new Redis({ ...options, ...access(at), ...encryption(at), host, port }), () => access(at));
}

/** A client of one Sentinel. */
export function sentinelOf(
  at: Extract<RedisSettings, { kind: 'redis-sentinel' }>,
  { host, port }: Address,
  options: Manners,
): Redis {
  const { sentinelUsername, sentinelPassword } = at;
  return new Redis({
    ...options,
    ...(sentinelUsername === undefined ? {} : { username: sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { password: sentinelPassword.reveal() }),
    ...encryption(at),
    host,
    port,
  });
}
