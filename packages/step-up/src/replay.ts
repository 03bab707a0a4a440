// Remembers what was used, so that a captured DPoP proof opens nothing a second time (RFC 9449 section 11.1).

/** Where used proofs are remembered. Servers that share an audience share one store, Redis say. */
export interface ReplayStore {
  /**
   * Notes a use in one atomic step (`SET key 1 NX EX seconds` in Redis).
   * @param key 43 characters of base64url. @param seconds how long it must be remembered.
   * @returns true the first time, false afterwards. Whatever it throws refuses the request with 503.
   */
  spend(key: string, seconds: number): boolean | Promise<boolean>;
}

/** In this process, for one server alone. Forgets what is over; refuses where it is full, because forgetting would let a proof in twice. */
export class MemoryReplayStore implements ReplayStore {
  readonly #until = new Map<string, number>();
  readonly #limit: number;

  constructor(limit = 100_000) {
    this.#limit = limit;
  }

  spend(key: string, seconds: number): boolean {
    const now = performance.now();
    if ((this.#until.get(key) ?? 0) > now) return false;
    if (this.#until.size >= this.#limit) this.#forget(now);
    if (this.#until.size >= this.#limit) throw new Error('the replay store is full');
    this.#until.set(key, now + seconds * 1000);
    return true;
  }

  #forget(now: number): void {
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key);
  }
}
