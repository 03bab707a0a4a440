// The provider's clock as this phone knows it: phones are often minutes off, and messages must be within one minute.

/** A clock corrected by what the provider says. */
export interface ServerClock {
  /** Milliseconds by the provider's clock. */
  now(): number;
  /** Whole seconds, for `iat`. */
  seconds(): number;
  /** How far this phone is behind (positive) or ahead (negative), in seconds; undefined until the provider has said. */
  offset(): number | undefined;
  /** Learns from a `server_time` (whole seconds). */
  learn(serverTime: number): void;
}

/** A clock that starts with the phone's own time. */
export function serverClock(): ServerClock {
  let offset: number | undefined;
  const now = () => Date.now() + (offset ?? 0) * 1000;
  return {
    now,
    seconds: () => Math.floor(now() / 1000),
    offset: () => offset,
    learn(serverTime) {
      const difference = serverTime - Math.floor(Date.now() / 1000);
      // The second on the way is no error of the clock.
      offset = Math.abs(difference) <= 2 ? 0 : difference;
    },
  };
}
