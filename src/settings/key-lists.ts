// The four lists of secrets that are exchanged by hand: the first of each is used for what is new, the others still count.
import type { KeySettings } from './settings.ts';

/** As keys.yaml names them. */
export const KEY_LISTS = ['cookies', 'encryption', 'kek', 'peppers'] as const;

/** One of them. */
export type KeyList = (typeof KEY_LISTS)[number];

/** The names of their secrets, the one in use first. No name says anything of its secret. */
export type KeyIds = { readonly [list in KeyList]: readonly string[] };

/** One key of the JSON Web Key Set in `encryption`, as far as its name and age go. `iat` in seconds. */
interface Named {
  kid: string;
  iat?: number;
}

/** The keys that phones encrypt to, in their order. */
export function encryptionKeys({ encryption }: KeySettings): Named[] {
  const { keys } = JSON.parse(encryption.reveal()) as { keys: Named[] };
  return keys.map(({ kid, iat }) => ({ kid, ...(typeof iat === 'number' ? { iat } : {}) }));
}

/** The names of what stands in keys.yaml. */
export function keyIds(keys: KeySettings): KeyIds {
  const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);
  return {
    cookies: ids(keys.cookies),
    encryption: encryptionKeys(keys).map(({ kid }) => kid),
    kek: ids(keys.kek),
    peppers: ids(keys.peppers),
  };
}
