// The port Scratch: small values that may be lost.
import type { Scratch } from '../domain/ports.ts';
import type { State } from './state/state.ts';

/** Scratch values on a state. Times to live are rounded up to whole seconds. */
export function createScratch(state: State): Scratch {
  const full = (key: string) => `scratch:${state.epoch()}:${key}`;
  const ttl = (seconds: number) => Math.max(1, Math.ceil(seconds));
  return {
    get: async (key) => state.get(full(key)),
    set: async (key, value, ttlSeconds) => state.set(full(key), value, ttl(ttlSeconds)),
    take: async (key) => state.take(full(key)),
    delete: async (key) => {
      await state.delete(full(key));
    },
    increment: async (key, ttlSeconds) => state.increment(full(key), ttl(ttlSeconds)),
  };
}
