// A connection for commands to one server, with the gate that is shut while that server cannot be trusted.
import type { Redis } from 'ioredis';
import type { Log } from '../../../platform/log.ts';
import { StateUnavailable } from '../state.ts';
import type { Script } from './scripts.ts';

/** Milliseconds until a server that was not admitted is looked at again. */
const AGAIN = 500;

/** A connection for commands to one server. */
export interface Line {
  /** The client; only while the gate is open. @throws StateUnavailable */
  redis(): Redis;
  /** The client, past the gate: for the check that opens it. */
  client: Redis;
  isOpen(): boolean;
  /** Resolves when the gate opens for the first time. @throws StateUnavailable after `timeout` ms, with the last reason. */
  opened(timeout: number): Promise<void>;
  close(): void;
}

/**
 * Keeps the gate of a client that connects by itself.
 * @param admit runs each time that the connection has come up, before anybody may use it; throws where it must not be used yet.
 * @param lost told each time that it is lost.
 */
export function openLine(client: Redis, admit: () => Promise<void>, log: Log, lost: () => void = () => {}): Line {
  let open = false;
  let closed = false;
  let last: unknown;
  /** Counts the connections: what was found out about one says nothing about the next, which may lead to another server. */
  let connection = 0;
  const waiting = new Set<() => void>();

  async function admission(): Promise<void> {
    const looked = connection;
    const current = () => looked === connection && !closed && client.status === 'ready';
    try {
      await admit();
      if (!current()) return;
      open = true;
      for (const tell of waiting) tell();
      waiting.clear();
    } catch (error) {
      last = error;
      if (closed) return;
      log.warn({ err: error instanceof Error ? error.message : String(error) }, 'redis not admitted; trying again');
      setTimeout(() => current() && !open && void admission(), AGAIN).unref();
    }
  }

  // Node throws away errors that nobody hears as crashes; ioredis tells each lost connection as one.
  client.on('error', (error: Error) => {
    last = error;
    log.warn({ connection: 'commands', err: error.message }, 'redis connection');
  });
  client.on('ready', () => void admission());
  client.on('close', () => {
    open = false;
    connection += 1;
    if (!closed) lost();
  });

  return {
    client,
    isOpen: () => open,
    redis() {
      if (!open) throw new StateUnavailable('Redis is not there');
      return client;
    },
    opened(timeout) {
      if (open) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const tell = () => {
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(() => {
          waiting.delete(tell);
          reject(new StateUnavailable('Redis did not answer at the start', { cause: last }));
        }, timeout);
        waiting.add(tell);
      });
    },
    close() {
      closed = true;
      open = false;
      client.disconnect();
    },
  };
}

/** Runs a script on one key; its text is sent where the server does not know it yet. */
export async function execute(redis: Redis, script: Script, key: string, args: (string | number)[]): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha, 1, key, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return redis.eval(script.lua, 1, key, ...args);
  }
}
