// Long work in small steps, so that requests are answered in between.
import { setImmediate as turn } from 'node:timers/promises';

/** So many steps are done before requests have their turn: a few milliseconds. */
const STEPS = 20;

/** Work that can pause after each step. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Does the work in one go. */
export function atOnce<T>(work: Steps<T>): T {
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

/** Does the work and lets requests have their turn every few steps. */
export async function gently<T>(work: Steps<T>): Promise<T> {
  const pause = pauses();
  let step = work.next();
  while (!step.done) {
    await pause();
    step = work.next();
  }
  return step.value;
}

/** For a loop that waits anyway: await it after each step. */
export function pauses(): () => Promise<unknown> | undefined {
  let done = 0;
  return () => {
    done += 1;
    return done % STEPS === 0 ? turn() : undefined;
  };
}
