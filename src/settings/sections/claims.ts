// `claims` of a client or a resource: claims that the operator makes of groups, attributes and what else is kept of a person.
import { z } from 'zod';
import { type ClaimRule, type ClaimRules, RESERVED_CLAIMS } from '../../domain/claims.ts';
import { ATTRIBUTE_NAME, canonicalGroup } from '../../domain/groups.ts';
import type { Document } from '../document.ts';
import { present } from './pieces.ts';

/** A claim's name: letters first; a URI as a namespace is as good. */
const NAME = /^[A-Za-z][A-Za-z0-9_.:/-]{0,127}$/;
const SOURCES = ['groups', 'login', 'name', 'email', 'locale'] as const;
const FROM = new RegExp(`^(${SOURCES.join('|')}|attributes\\.${ATTRIBUTE_NAME.source.slice(1, -1)})$`);
const group = () => z.string().min(1).max(64);

/** Claims by their names. @param where what they stand in, for the reference. */
export function claimsSchema(where: string) {
  return z
    .record(
      z.string().regex(NAME, 'a claim begins with a letter and has letters, digits and "_.:/-", at most 128'),
      z.strictObject({
        from: z
          .string()
          .regex(FROM, `must be ${SOURCES.join(', ')} or attributes.NAME`)
          .describe('What it is made of: "groups", "login", "name", "email", "locale" or "attributes.NAME".'),
        only: z.array(group()).min(1).max(100).optional().describe('Of groups: these alone.'),
        rename: z.record(group(), group()).optional().describe('Of groups: what the service calls them.'),
        description: z.string().min(1).max(120).optional().describe('What it is, as the consent page says it.'),
      }),
    )
    .prefault({})
    .describe(`Claims of your own ${where}, by their names.`);
}

export type ClaimsFile = z.output<ReturnType<typeof claimsSchema>>;

/** What must hold beyond the form of the keys. */
export function checkClaims(document: Document, claims: ClaimsFile): void {
  if (Object.keys(claims).length > 32) document.problem(['claims'], 'has more than 32 claims');
  for (const [name, { from, only, rename }] of Object.entries(claims)) {
    if (RESERVED_CLAIMS.has(name))
      document.problem(['claims', name], 'is a claim whose meaning a standard sets: choose another name');
    else if (name in {}) document.problem(['claims', name], 'is no name for a claim: choose another one');
    for (const key of ['only', 'rename'] as const)
      if (from !== 'groups' && { only, rename }[key] !== undefined)
        document.problem(['claims', name, key], 'is for from: groups');
    const known = (typed: string) => canonicalGroup(typed) === typed;
    only?.forEach((one, index) => {
      if (!known(one)) document.problem(['claims', name, 'only', index], 'is no name that a group can have');
    });
    for (const one of Object.keys(rename ?? {})) {
      if (!known(one)) document.problem(['claims', name, 'rename', one], 'is no name that a group can have');
      else if (only && !only.includes(one))
        document.problem(['claims', name, 'rename', one], 'is never in the claim: it does not stand in only');
    }
  }
}

/** As the house reads it. */
export function resolveClaims(claims: ClaimsFile): ClaimRules {
  return Object.fromEntries(
    Object.entries(claims).map(([name, { from, ...rest }]) => {
      const [, attribute] = /^attributes\.(.+)$/.exec(from) ?? [];
      return [name, { ...present(rest), from: attribute === undefined ? from : { attribute } } as ClaimRule];
    }),
  );
}
