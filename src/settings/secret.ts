// A value that must never be printed: it shows as [secret] wherever it is turned into text.
import { inspect } from 'node:util';

/** A secret with its origin (`inline`, `env:NAME`, a file) for messages that must not show its value. */
export class Secret {
  readonly #value: string;
  readonly origin: string;

  constructor(value: string, origin: string) {
    this.#value = value;
    this.origin = origin;
  }

  /** The value itself. Call it where it is used, never where it is passed on. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
