// Bounds for costly work: so much at once, so much waiting, and then a clear no.

/** More work is waiting than the bounds allow: the answer is 503 with Retry-After. */
export class QueueFull extends Error {
  override name = 'QueueFull';
}

/**
 * Runs work under bounds, in the order in which it came.
 * @param atOnce how much runs at the same time. @param waiting how much may wait besides.
 * @returns rejects with {@link QueueFull} at once where no place is left.
 */
export function createQueue(atOnce: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const line: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atOnce) {
      if (line.length >= waiting) throw new QueueFull('too much work is waiting');
      // The place is handed over by the one who leaves, so that nobody can slip in between.
      await new Promise<void>((resolve) => line.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
