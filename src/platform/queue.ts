// Bounds for costly work: so much at once, so much waiting, and then a clear no.

/** More work is waiting than the bounds allow: the answer is 503 with Retry-After. */
export class QueueFull extends Error {
  override name = 'QueueFull';
}

/** So much runs at the same time, and so much may wait besides. */
export interface QueueBounds {
  atOnce: number;
  waiting: number;
}

/**
 * Runs work under bounds, in the order in which it came.
 * @param bounds read when work comes and when it ends, so that a reload holds.
 * @returns rejects with {@link QueueFull} at once where no place is left.
 */
export function createQueue(bounds: () => QueueBounds): <T>(work: () => Promise<T>) => Promise<T> {
  const line: (() => void)[] = [];
  let running = 0;
  /** Takes places for those in front, before anybody else can slip in between. */
  const admit = () => {
    for (const { atOnce } = bounds(); running < atOnce && line.length > 0; running += 1) line.shift()?.();
  };
  return async (work) => {
    // Where the bounds became wider, those in front need not wait for somebody to leave.
    admit();
    const { atOnce, waiting } = bounds();
    if (running >= atOnce) {
      if (line.length >= waiting) throw new QueueFull('too much work is waiting');
      await new Promise<void>((resolve) => line.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      running -= 1;
      admit();
    }
  };
}
