// Carries what stands in the outbox to the services: at once, and again and again until it is taken or has expired.
import { type Delivery, deliveryAad, retryAfter } from '../domain/delivery.ts';
import type { Courier, Deliveries, Vault } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';
import { ReadOnly } from '../platform/unavailable.ts';
import { holdMessages } from './held-messages.ts';

/** What a courier is made of. */
export interface CourierParts {
  deliveries: Deliveries;
  vault: Pick<Vault, 'open'>;
  log: Log;
  /** How often we look for what other nodes left behind, in milliseconds. */
  every?: number;
}

/**
 * Hands one message over. Resolves where it was taken, or where there is nobody to take it any more.
 * @throws where it is to be tried again; the message says why, without an address or a secret.
 */
export type Send = (delivery: Delivery, content: unknown) => Promise<void>;

/** A courier: a command that only writes messages never starts it, and leaves them to the server. */
export interface RunningCourier extends Courier {
  start(send: Send): void;
  close(): Promise<void>;
}

/** Messages that one round takes at once. */
const MOST = 16;

/** A courier that stands still until it is started. */
export function createCourier(parts: CourierParts): RunningCourier {
  const { deliveries, log } = parts;
  let send: Send | undefined;
  let closed = false;
  let again = false;
  let running: Promise<void> | undefined;
  const retries = new Set<NodeJS.Timeout>();

  /** Tries once; what cannot be read any more counts as told. */
  async function handOver(delivery: Delivery & { tries: number }): Promise<boolean> {
    const { id, kind, clientId, tries } = delivery;
    const bytes = parts.vault.open(delivery.content, deliveryAad(id));
    if (!bytes) {
      log.error({ kind, clientId }, 'a message to a service cannot be read: its key is gone');
      return true;
    }
    try {
      if (!send) throw new Error('nobody carries messages yet');
      await send(delivery, JSON.parse(Buffer.from(bytes).toString('utf8')));
      return true;
    } catch (error) {
      log.warn(
        { kind, clientId, tries, reason: (error as Error).message },
        'a service did not take a message; trying again',
      );
      return false;
    }
  }
  const held = holdMessages({ deliveries, log, handOver });

  async function deliver(delivery: Delivery & { tries: number }): Promise<void> {
    if (await handOver(delivery)) return deliveries.done(delivery.id);
    const wait = retryAfter(delivery.tries);
    await deliveries.due(delivery.id, wait);
    return later(wait * 1000);
  }

  async function round(): Promise<void> {
    await held.write();
    for (;;) {
      const taken = await deliveries.take(MOST);
      await Promise.all(taken.map(deliver));
      if (taken.length < MOST || closed) return;
    }
  }

  function run(): void {
    if (closed || !send) return;
    if (running) {
      again = true;
      return;
    }
    again = false;
    running = round()
      .catch((error: unknown) => {
        // What waits is carried when it can be marked as taken again.
        if (!(error instanceof ReadOnly))
          log.warn({ err: String(error) }, 'the outbox could not be read; trying again');
      })
      .finally(() => {
        running = undefined;
        if (again) run();
      });
  }

  function later(ms: number): void {
    if (closed) return;
    const timer = setTimeout(() => {
      retries.delete(timer);
      run();
    }, ms + 20);
    timer.unref();
    retries.add(timer);
  }

  let regular: NodeJS.Timeout | undefined;
  return {
    wake: run,
    hold: held.hold,
    start: (given) => {
      send = given;
      regular = setInterval(run, parts.every ?? 10_000);
      regular.unref();
      run();
    },
    close: async () => {
      closed = true;
      clearInterval(regular);
      for (const timer of retries) clearTimeout(timer);
      await running;
      await held.write().catch(() => undefined);
      const lost = held.stop();
      if (lost > 0) log.error({ lost }, 'messages to services were held, could not be written, and are lost');
    },
  };
}
