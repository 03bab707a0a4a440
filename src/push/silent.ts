// No push service: the phone finds its requests by its open stream, or when the person opens it. Everything works without push.
import type { Push } from '../domain/ports.ts';

/** A push that wakes nobody. */
export const silentPush: Push = {
  publicKey: undefined,
  accepts: () => false,
  seal: () => {
    throw new TypeError('there is no push');
  },
  knock: () => undefined,
};
