// levels.yaml against itself and against the methods that are offered.
import type { Level } from '../domain/assurance.ts';
import type { Document } from './document.ts';
import { type MethodSettings, methodsReach } from './settings.ts';

/** Values of eIDAS and their like: they speak of how a person was identified, not of how they signed in. */
const IDENTITY_PROOFING = /eidas|europa\.eu|loa:(low|substantial|high)/i;

function checkUnique(document: Document, levels: readonly Level[]): void {
  const names = new Map<string, number>();
  const values = new Map<string, string>();
  levels.forEach((level, index) => {
    if (names.has(level.name)) document.problem(['levels', index, 'name'], 'another level has this name');
    names.set(level.name, index);
    level.acr.forEach((acr, at) => {
      const owner = values.get(acr);
      if (owner !== undefined) document.problem(['levels', index, 'acr', at], `is already an acr value of "${owner}"`);
      else if (/\s/.test(acr))
        document.problem(
          ['levels', index, 'acr', at],
          'must not have spaces: acr_values is a list with spaces between',
        );
      else if (IDENTITY_PROOFING.test(acr)) {
        document.note(
          ['levels', index, 'acr', at],
          'names how well a person was identified (eIDAS), not how they signed in: map it only if you know that of everybody',
        );
      }
      values.set(acr, owner ?? level.name);
    });
  });
}

/** Names and acr values are unique; levels that no enabled method reaches are noted; one must be reachable. */
export function checkLevels(document: Document, levels: readonly Level[], methods: MethodSettings): void {
  checkUnique(document, levels);
  const open = levels.filter((level) => methodsReach(methods, level));
  if (open.length === 0)
    document.problem(['levels'], 'no level can be reached with the methods that are enabled in methods.yaml');
  levels.forEach((level, index) => {
    if (!open.includes(level))
      document.note(['levels', index, 'name'], `"${level.name}" is not offered: no enabled method reaches it`);
  });
}

/**
 * Why a level that a client, a scope or a resource names cannot stand there; undefined where it can.
 * A level that only a higher one can satisfy is fine.
 */
export function levelFault(levels: readonly Level[], methods: MethodSettings, name: string): string | undefined {
  const index = levels.findIndex((level) => level.name === name);
  if (index < 0) return `must be a level of levels.yaml: ${levels.map((level) => level.name).join(', ')}`;
  const reachable = levels.slice(index).some((level) => methodsReach(methods, level));
  return reachable ? undefined : 'names a level that no enabled method reaches: nobody could sign in';
}
