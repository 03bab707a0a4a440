// What the state asks of its connections, whether there is one Redis or a cluster.
import type { Redis } from 'ioredis';
import type { Log } from '../../../platform/log.ts';
import type { EpochKeeper, Seat } from './epoch.ts';

/** Where one of our keys lives is the connection's own affair; every command names its key. */
export interface Connection {
  /** Asks the server of a (whole) key. Nothing that may have been done is asked again. @throws StateUnavailable */
  ask<T>(key: string, work: (redis: Redis) => Promise<T>): Promise<T>;
  /** Asks any server. @throws StateUnavailable where there is none. */
  anywhere<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
  /** Asks every server that must be there. @throws StateUnavailable where one is missing. */
  everywhere<T>(work: (redis: Redis) => Promise<T>): Promise<T[]>;
  /** The servers to watch now; `whole` where all of them are there. */
  seats(): Promise<{ seats: Seat[]; whole: boolean }>;
  subscribe(topic: string, listener: (message: string) => void): Promise<() => void>;
  close(): Promise<void>;
}

/** What a connection needs. */
export interface ConnectionOptions {
  log: Log;
  /** Stands before every topic. */
  prefix: string;
  commandTimeout: number;
  connectTimeout: number;
  /** Looks at each server that we have come to, before it is used. */
  keeper: EpochKeeper;
}
