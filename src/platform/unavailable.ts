// A store that does not answer: one kind of error for all of them, so that every door can tell it apart from a mistake of ours.

/** A store cannot be reached, or cannot serve now. The answer to the outside is 503 with Retry-After; nothing is taken as granted. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}

/** A store that lasts is read and not written to: the operator said so, or it says so itself. What needs no writing goes on. */
export class ReadOnly extends Unavailable {
  override name = 'ReadOnly';
}

/** Seconds after which trying again makes sense: a store that came back serves again within them. */
export const RETRY_AFTER = 5;
/** The same for {@link ReadOnly}, which lasts minutes. */
export const RETRY_AFTER_READ_ONLY = 30;

/** Seconds after which trying again makes sense. */
export const retryAfterOf = (error: Unavailable): number =>
  error instanceof ReadOnly ? RETRY_AFTER_READ_ONLY : RETRY_AFTER;
