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

/** Who we say that we are, and whether the line is encrypted. */
function access(at: Exclude<RedisSettings, { kind: 'redis' }>): { username?: string; password?: string; tls?: object } {
  return {
    ...(at.username === undefined ? {} : { username: at.username }),
    ...(at.password === undefined ? {} : { password: at.password.reveal() }),
    ...(at.tls ? { tls: believed(at) } : {}),
  };
}

/** Whose certificates are believed. */
const believed = ({ authorities }: RedisSettings): object => (authorities === undefined ? {} : { ca: authorities });

/** A client of the one Redis, or of the primary that Sentinel names each time that it connects. */
export function clientOf(at: Exclude<RedisSettings, { kind: 'redis-cluster' }>, options: Manners): Redis {
  if (at.kind === 'redis') {
    // Without authorities of our own the address alone says whether there is TLS.
    const tls = at.authorities === undefined ? {} : { tls: believed(at) };
    return new Redis(at.url.reveal(), { ...options, ...tls });
  }
  return new Redis({
    ...options,
    ...access(at),
    name: at.master,
    sentinels: at.nodes.map(({ host, port }) => ({ host, port })),
    role: 'master',
    db: at.database,
    sentinelCommandTimeout: 1000,
    sentinelRetryStrategy: (times: number) => Math.min(100 * times, 1000),
    ...(at.tls ? { sentinelTLS: believed(at), enableTLSForSentinelMode: true } : {}),
    ...(at.sentinelUsername === undefined ? {} : { sentinelUsername: at.sentinelUsername }),
    ...(at.sentinelPassword === undefined ? {} : { sentinelPassword: at.sentinelPassword.reveal() }),
  });
}

/** A client of one server of several: a member of a cluster, or what Sentinel named. */
export function memberOf(
  at: Exclude<RedisSettings, { kind: 'redis' }>,
  { host, port }: Address,
  options: Manners,
): Redis {
  return new Redis({ ...options, ...access(at), host, port });
}

/** A client of one Sentinel. */
export function sentinelOf(
  at: Extract<RedisSettings, { kind: 'redis-sentinel' }>,
  { host, port }: Address,
  options: Manners,
): Redis {
  const { sentinelUsername, sentinelPassword, tls } = at;
  return new Redis({
    ...options,
    ...(sentinelUsername === undefined ? {} : { username: sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { password: sentinelPassword.reveal() }),
    ...(tls ? { tls: believed(at) } : {}),
    host,
    port,
  });
}
