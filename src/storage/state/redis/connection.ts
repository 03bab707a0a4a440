// The two connections to Redis: one for commands, one that only listens; and the gate that is shut while Redis cannot be trusted.
import { Redis } from 'ioredis';
import type { Log } from '../../../platform/log.ts';
import { createTopics, type Topics } from '../embedded/topics.ts';
import { StateUnavailable } from '../state.ts';
import type { Script } from './scripts.ts';

/** Milliseconds of silence after which a connection is given up, and between two looks whether the listening one still is one. */
const SILENT = 2000;

/** A connection to Redis. */
export interface Connection {
  /** The command connection; only while the gate is open. @throws StateUnavailable */
  redis(): Redis;
  /** Runs a script on one key. */
  run(script: Script, key: string, ...args: (string | number)[]): Promise<unknown>;
  /** The same past the gate: for the check that opens it. */
  runUnchecked(script: Script, key: string, ...args: (string | number)[]): Promise<unknown>;
  subscribe(topic: string, listener: (message: string) => void): Promise<() => void>;
  close(): Promise<void>;
}

/** What a connection needs. */
export interface ConnectionOptions {
  url: string;
  log: Log;
  prefix: string;
  commandTimeout: number;
  connectTimeout: number;
  /** Runs each time that the connection has come up, before anybody may use it; throws where Redis must not be used yet. */
  admit: (connection: Connection) => Promise<void>;
}

/** Node throws away errors that nobody hears as crashes; ioredis tells each lost connection as one. */
function told(redis: Redis, log: Log, name: string): Redis {
  redis.on('error', (error: Error) => log.warn({ connection: name, err: error.message }, 'redis connection'));
  return redis;
}

function whenReady(redis: Redis, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new StateUnavailable('Redis did not answer at the start')), timeout);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Hears topics over a connection of its own, with one subscription a topic however many listen. */
function createEar(ear: Redis, prefix: string): { topics: Topics; subscribe: Connection['subscribe'] } {
  const topics = createTopics();
  ear.on('message', (channel: string, message: string) => topics.publish(channel.slice(prefix.length), message));
  ear.on('ready', () => {
    const names = topics.names();
    if (names.length === 0) return;
    // What was said while we were deaf is lost: an empty message tells the listeners to look again.
    ear.subscribe(...names.map((name) => prefix + name)).then(
      () => {
        for (const name of names) topics.publish(name, '');
      },
      () => ear.disconnect(true),
    );
  });
  async function subscribe(topic: string, listener: (message: string) => void): Promise<() => void> {
    const stop = topics.subscribe(topic, listener);
    // Where this fails the connection is made anew, and `ready` subscribes to everything: nobody stays deaf unnoticed.
    if (ear.status === 'ready') await ear.subscribe(prefix + topic).catch(() => ear.disconnect(true));
    return () => {
      stop();
      if (!topics.names().includes(topic) && ear.status === 'ready')
        ear.unsubscribe(prefix + topic).catch(() => undefined);
    };
  }
  return { topics, subscribe };
}

/** Connects and waits until Redis is ready and admitted. @throws StateUnavailable after `connectTimeout` ms. */
export async function connectRedis(options: ConnectionOptions): Promise<Connection> {
  const { url, log, prefix, commandTimeout, connectTimeout, admit } = options;
  const common = {
    // A command whose answer was lost may have been done: sending it again could spend a thing twice.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    commandTimeout,
    // Behind a network that swallows packets a connection looks well: without an answer in this time it is made anew.
    socketTimeout: Math.max(SILENT, 2 * commandTimeout),
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1000),
  };
  const redis = told(new Redis(url, { ...common, enableAutoPipelining: true }), log, 'commands');
  const ear = told(new Redis(url, { ...common, autoResubscribe: false }), log, 'topics');
  const { subscribe } = createEar(ear, prefix);
  // The listening connection says nothing by itself: a silent one would be deaf unnoticed.
  const listening = setInterval(() => ear.status === 'ready' && ear.ping().catch(() => undefined), SILENT);
  listening.unref();
  let admitted = false;

  async function execute(script: Script, key: string, args: (string | number)[]): Promise<unknown> {
    try {
      return await redis.evalsha(script.sha, 1, key, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(script.lua, 1, key, ...args);
    }
  }

  const connection: Connection = {
    redis() {
      if (!admitted) throw new StateUnavailable('Redis is not there');
      return redis;
    },
    async run(script, key, ...args) {
      connection.redis();
      return execute(script, key, args);
    },
    runUnchecked: (script, key, ...args) => execute(script, key, args),
    subscribe,
    async close() {
      admitted = false;
      clearInterval(listening);
      redis.disconnect();
      ear.disconnect();
    },
  };

  redis.on('close', () => {
    admitted = false;
  });
  const admission = async () => {
    try {
      await admit(connection);
      admitted = redis.status === 'ready';
    } catch (error) {
      log.warn({ err: error instanceof Error ? error.message : String(error) }, 'redis not admitted; trying again');
      setTimeout(() => redis.status === 'ready' && !admitted && admission(), 500).unref();
    }
  };
  try {
    await Promise.all([whenReady(redis, connectTimeout), whenReady(ear, connectTimeout)]);
    await admit(connection);
    admitted = true;
  } catch (error) {
    await connection.close();
    throw error;
  }
  redis.on('ready', admission);
  return connection;
}
