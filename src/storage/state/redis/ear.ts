// The listening connection: it hears topics, and is made anew, perhaps at another server, whenever it is lost.
import type { Redis } from 'ioredis';
import type { Log } from '../../../platform/log.ts';
import { createTopics } from '../embedded/topics.ts';
import { StateUnavailable } from '../state.ts';
import { SILENT } from './servers.ts';

/** A connection that only listens. */
export interface Ear {
  /** Resolves when it hears for the first time. @throws StateUnavailable after `timeout` ms. */
  ready(timeout: number): Promise<void>;
  /** Hears a topic until the answer is called. */
  subscribe(topic: string, listener: (message: string) => void): Promise<() => void>;
  close(): void;
}

/**
 * Listens with one subscription a topic, however many hear it.
 * @param make a client that does not reconnect by itself, at whichever server should be listened to now.
 */
export function openEar(make: () => Redis, { prefix, log }: { prefix: string; log: Log }): Ear {
  const topics = createTopics();
  let closed = false;
  let failures = 0;
  let firstHeard: (() => void) | undefined;
  const heard = new Promise<void>((resolve) => {
    firstHeard = resolve;
  });
  let ear: Redis;

  function listen(): void {
    const client = make();
    ear = client;
    client.on('error', (error: Error) => log.warn({ connection: 'topics', err: error.message }, 'redis connection'));
    client.on('message', (channel: string, message: string) => topics.publish(channel.slice(prefix.length), message));
    client.on('ready', () => {
      failures = 0;
      firstHeard?.();
      const names = topics.names();
      if (names.length === 0) return;
      // What was said while we were deaf is lost: an empty message tells the listeners to look again.
      client.subscribe(...names.map((name) => prefix + name)).then(
        () => {
          for (const name of names) topics.publish(name, '');
        },
        () => client.disconnect(),
      );
    });
    client.on('end', () => {
      failures += 1;
      if (!closed) setTimeout(() => closed || listen(), Math.min(50 * 2 ** Math.min(failures, 5), 1000)).unref();
    });
  }
  listen();

  // It says nothing by itself: a silent one would be deaf unnoticed.
  const listening = setInterval(() => ear.status === 'ready' && ear.ping().catch(() => undefined), SILENT);
  listening.unref();

  return {
    ready(timeout) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new StateUnavailable('Redis did not answer at the start')), timeout);
        heard.then(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
    async subscribe(topic, listener) {
      const stop = topics.subscribe(topic, listener);
      const client = ear;
      // Where this fails the connection is made anew, and `ready` subscribes to everything: nobody stays deaf unnoticed.
      if (client.status === 'ready') await client.subscribe(prefix + topic).catch(() => client.disconnect());
      return () => {
        stop();
        if (!topics.names().includes(topic) && ear.status === 'ready')
          ear.unsubscribe(prefix + topic).catch(() => undefined);
      };
    },
    close() {
      closed = true;
      clearInterval(listening);
      ear.disconnect();
    },
  };
}
