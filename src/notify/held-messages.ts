// Messages that the outbox cannot take, because nothing may be written: handed over at once, and else kept in this process until it can.
import { type Delivery, retryAfter } from '../domain/delivery.ts';
import type { Deliveries } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';

/** So many are kept, as many as events that wait for the audit. */
const MOST = 5000;

/** What this needs. */
export interface HeldParts {
  deliveries: Pick<Deliveries, 'add'>;
  log: Log;
  /** Tries once: whether the message needs no further try. Throws nothing. */
  handOver(delivery: Delivery & { tries: number }): Promise<boolean>;
}

/** Messages held by this node. */
export function holdMessages(parts: HeldParts) {
  const held = new Map<string, { delivery: Delivery; expiresIn: number }>();
  const timers = new Set<NodeJS.Timeout>();

  async function attempt(id: string, tries: number): Promise<void> {
    const one = held.get(id);
    if (!one) return;
    if (await parts.handOver({ ...one.delivery, tries })) {
      held.delete(id);
      return;
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      void attempt(id, tries + 1);
    }, retryAfter(tries) * 1000);
    timer.unref();
    timers.add(timer);
  }

  return {
    /** Takes a message and tries at once. @param expiresIn seconds that it is worth telling, once it can be written. */
    hold(delivery: Delivery, expiresIn: number): void {
      if (held.size >= MOST) {
        const { kind, clientId } = delivery;
        parts.log.error({ kind, clientId }, 'a message to a service is lost: too many wait until they can be written');
        return;
      }
      held.set(delivery.id, { delivery, expiresIn });
      void attempt(delivery.id, 1);
    },
    /** Puts what is held into the outbox, which may tell it a second time. @throws ReadOnly while that cannot be */
    async write(): Promise<void> {
      for (const [id, { delivery, expiresIn }] of held) {
        await parts.deliveries.add(delivery, { dueIn: 0, expiresIn });
        held.delete(id);
      }
    },
    /** Stops trying; answers how many are lost with this process. */
    stop(): number {
      for (const timer of timers) clearTimeout(timer);
      return held.size;
    },
  };
}
