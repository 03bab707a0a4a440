// Levels in their order: a sign-in at a level is enough for every lower one.

/** A level with the acr values that stand for it; tokens carry the first. */
export interface LevelDeclaration {
  readonly name: string;
  readonly acr: readonly string[];
}

/** The levels of Countersign's example configuration, lowest first. Yours stand in its `config/levels.yaml`. */
export const COUNTERSIGN_LEVELS: readonly LevelDeclaration[] = [
  { name: 'basic', acr: ['urn:countersign:acr:basic'] },
  { name: 'mfa', acr: ['urn:countersign:acr:mfa', 'https://refeds.org/profile/mfa'] },
  { name: 'phr', acr: ['urn:countersign:acr:phr', 'phr'] },
];

/**
 * What a level means for a token and for a challenge.
 * @param wanted name of the level.
 * @returns `enough`: every acr value at this level or above; `ask`: the one to ask for.
 * @throws TypeError where nobody declared it: a misspelt level must not open a door.
 */
export function resolveLevel(levels: readonly LevelDeclaration[], wanted: string): { enough: string[]; ask: string[] } {
  const at = levels.findIndex(({ name }) => name === wanted);
  const ask = levels[at]?.acr.slice(0, 1) ?? [];
  if (ask.length === 0)
    throw new TypeError(`no level is called "${wanted}"; known: ${levels.map(({ name }) => name).join(', ')}`);
  return { enough: levels.slice(at).flatMap(({ acr }) => acr), ask };
}
