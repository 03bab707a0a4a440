// Topics and their listeners in one process: the whole of publish/subscribe when embedded, the last step of it with Redis.

/** Listeners by topic. */
export interface Topics {
  /** Calls the listeners, after the caller's own turn has ended. */
  publish(topic: string, message: string): void;
  subscribe(topic: string, listener: (message: string) => void): () => void;
  /** Topics that somebody listens to. */
  names(): string[];
}

/** An empty set of topics. */
export function createTopics(): Topics {
  const listeners = new Map<string, Set<(message: string) => void>>();
  return {
    publish(topic, message) {
      for (const listener of listeners.get(topic) ?? []) setImmediate(listener, message);
    },
    subscribe(topic, listener) {
      // A function of its own each time: the same listener twice is two subscriptions.
      const heard = (message: string) => {
        if (listeners.get(topic)?.has(heard)) listener(message);
      };
      const all = listeners.get(topic) ?? new Set();
      listeners.set(topic, all.add(heard));
      return () => {
        all.delete(heard);
        if (all.size === 0 && listeners.get(topic) === all) listeners.delete(topic);
      };
    },
    names: () => [...listeners.keys()],
  };
}
