// The only place that reads the wall clock: everything else is handed a Clock, so that a test can move time.

/** A source of the current time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** Whole seconds since the Unix epoch, as JWT's NumericDate (RFC 7519 section 2). */
export function seconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
