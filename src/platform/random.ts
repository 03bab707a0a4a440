// The only place that throws dice: everything else is handed a Random.
import { randomBytes, randomFillSync, randomInt } from 'node:crypto';

/** A source of unpredictable values. */
export interface Random {
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** `length` random decimal digits, leading zeros kept. */
  digits(length: number): string;
  /**
   * A base64url identifier made of `length` random bytes (16 = 128 bits by default). It never begins with a hyphen: a command line would
   * take it for an option.
   */
  id(length?: number): string;
}

// Drawn in advance, as each call to the generator costs more than the bytes. What was handed out is wiped here at once.
const drawn = Buffer.alloc(2048);
let used = drawn.length;

function drawnId(length: number): string {
  const id = length > 64 ? randomBytes(length).toString('base64url') : fromDrawn(length);
  return id.startsWith('-') ? drawnId(length) : id;
}

function fromDrawn(length: number): string {
  if (used + length > drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  const id = drawn.toString('base64url', used, used + length);
  drawn.fill(0, used, used + length);
  used += length;
  return id;
}

/** The operating system's generator. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  digits: (length) => Array.from({ length }, () => randomInt(10)).join(''),
  id: (length = 16) => drawnId(length),
};
