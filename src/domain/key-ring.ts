// Which signing key signs, which are only published, and which are over. A key is published before it signs, and as long as anything signed by it counts.

/** A signing key of keys.yaml, or one that rotation made. Times in milliseconds; keys of keys.yaml sign from 0 on. */
export interface RingKey {
  kid: string;
  alg: string;
  from: 'file' | 'rotation';
  signsFrom: number;
  /** It was taken out by hand. */
  retired?: boolean;
}

/** `signs`; `next`: published and not yet used; `published`: what it signed may still count; `over` and `retired`: neither. */
export type KeyUse = 'signs' | 'next' | 'published' | 'over' | 'retired';

/**
 * What each key is for now.
 * @param keys in order: of keys that sign from the same moment, the first one signs.
 * @param keep milliseconds that a key stays published after its successor has begun to sign.
 */
export function keyUses(keys: readonly RingKey[], now: number, keep: number): Map<string, KeyUse> {
  const uses = new Map<string, KeyUse>();
  for (const alg of new Set(keys.map((key) => key.alg))) {
    const ours = keys.filter((key) => key.alg === alg);
    for (const { kid } of ours.filter(({ retired }) => retired)) uses.set(kid, 'retired');
    // The sort keeps the order of those that are equal.
    const alive = ours.filter(({ retired }) => !retired).sort((one, other) => other.signsFrom - one.signsFrom);
    const signer = alive.find(({ signsFrom }) => signsFrom <= now) ?? alive.at(-1);
    alive.forEach((key) => {
      if (key === signer) uses.set(key.kid, 'signs');
      else if (key.signsFrom > now) uses.set(key.kid, 'next');
      else uses.set(key.kid, supersededFor(key, alive, now) > keep ? 'over' : 'published');
    });
  }
  return uses;
}

/** How long another key has signed in this one's place; 0 for keys of one file, which the operator publishes on purpose. */
function supersededFor(key: RingKey, alive: readonly RingKey[], now: number): number {
  const successors = alive.filter(({ signsFrom }) => signsFrom > key.signsFrom && signsFrom <= now);
  return successors.length === 0 ? 0 : now - Math.min(...successors.map(({ signsFrom }) => signsFrom));
}

/**
 * The algorithms whose signing key is due for a successor, so that it signs when the old one is `every` old.
 * @param every and `publish` in milliseconds. @param madeAt when a key was made, where that is known.
 */
export function dueAlgorithms(
  keys: readonly RingKey[],
  rule: { every: number; publish: number; keep: number },
  now: number,
  madeAt: (key: RingKey) => number | undefined,
): string[] {
  const uses = keyUses(keys, now, rule.keep);
  const waiting = new Set(keys.filter(({ kid }) => uses.get(kid) === 'next').map(({ alg }) => alg));
  return keys
    .filter(({ kid, alg }) => uses.get(kid) === 'signs' && !waiting.has(alg))
    .filter((key) => {
      const began = key.from === 'rotation' ? key.signsFrom : madeAt(key);
      // A key of which nobody knows the age is taken for old.
      return began === undefined || now >= began + rule.every - rule.publish;
    })
    .map(({ alg }) => alg);
}
