// Dice that fall the same way for the same seed, so that a run can be repeated.

/** Seeded dice. */
export interface Dice {
  /** From 0 up to, and without, 1. */
  next(): number;
  /** A whole number of these two or between them. */
  between(least: number, most: number): number;
  chance(of: number): boolean;
  one<T>(of: readonly T[]): T;
}

/** Dice for a text and a number (mulberry32; the text is mixed in by FNV-1a). */
export function seededDice(text: string, seed: number): Dice {
  let state = 0x811c9dc5 ^ seed;
  for (const char of text) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    between,
    chance: (of) => next() < of,
    one: (of) => of[between(0, of.length - 1)] as (typeof of)[number],
  };
}
