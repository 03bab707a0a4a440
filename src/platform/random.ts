// The only place that throws dice: everything else is handed a Random.
import { randomBytes, randomInt } from 'node:crypto';

/** A source of unpredictable values. */
export interface Random {
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** `length` random decimal digits, leading zeros kept. */
  digits(length: number): string;
  /** A base64url identifier made of `length` random bytes (16 = 128 bits by default). */
  id(length?: number): string;
}

/** The operating system's generator. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  digits: (length) => Array.from({ length }, () => randomInt(10)).join(''),
  id: (length = 16) => randomBytes(length).toString('base64url'),
};
