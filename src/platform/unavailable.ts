// A store that does not answer: one kind of error for all of them, so that every door can tell it apart from a mistake of ours.

/** A store cannot be reached, or cannot serve now. The answer to the outside is 503 with Retry-After; nothing is taken as granted. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

/** Seconds after which trying again makes sense: a store that came back serves again within them. */
export const RETRY_AFTER = 5;
