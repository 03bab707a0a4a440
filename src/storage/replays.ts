// The port Replays: values used once.
import type { Replays } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import type { State } from './state/state.ts';

/** Replays on a state. Not under the epoch: a newer epoch would forget what was used, and so let it be used again. */
export function createReplays(state: State): Replays {
  return {
    first: (key, seconds) => state.add(`replay:${fingerprint(key)}`, '1', Math.max(1, Math.ceil(seconds))),
  };
}
