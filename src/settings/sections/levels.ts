// levels.yaml: the levels of assurance that services may ask for, lowest first.
import { z } from 'zod';
import type { Level, Method } from '../../domain/assurance.ts';
import { duration, present, text } from './pieces.ts';

/** Every method that a level can name; not all of them are offered (see methods.yaml). */
export const METHODS = ['password', 'phone', 'passkey', 'security_key', 'totp'] as const satisfies readonly Method[];

/** How long a proof counts where `fresh` does not say it. */
export const DEFAULT_FRESH = '12h';

const fresh = (method: string) =>
  duration('1m', '30d').prefault(DEFAULT_FRESH).describe(`How long a proof by ${method} counts for this level.`);

const level = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,30}$/, 'must be small letters, digits, "-" or "_", and start with a letter')
    .describe('The name that the other files use, and that the person reads.'),
  acr: z.array(text()).min(1).describe('The acr values of the level; tokens carry the first, requests may name any.'),
  any_of: z
    .array(z.array(z.enum(METHODS)).min(1))
    .min(1)
    .describe('Combinations of methods that reach the level: any one of them, complete.'),
  fresh: z
    .strictObject({
      password: fresh('password'),
      phone: fresh('phone'),
      passkey: fresh('passkey'),
      security_key: fresh('security key'),
      totp: fresh('one-time code'),
    })
    .prefault({})
    .describe('How long each proof counts for this level.'),
});

/**
 * The levels where levels.yaml is missing. The last is declared, and offered once its methods are. None says `phrh`: that would promise
 * hardware, which only a verified attestation shows.
 */
export const DEFAULT_LEVELS: z.input<typeof level>[] = [
  { name: 'basic', acr: ['urn:countersign:acr:basic'], any_of: [['password']] },
  { name: 'mfa', acr: ['urn:countersign:acr:mfa', 'https://refeds.org/profile/mfa'], any_of: [['password', 'phone']] },
  { name: 'phr', acr: ['urn:countersign:acr:phr', 'phr'], any_of: [['passkey'], ['password', 'security_key']] },
];

export const levelsSchema = z
  .strictObject({
    levels: z
      .array(level)
      .min(1)
      .prefault(DEFAULT_LEVELS)
      .describe('The levels, lowest first: a session at a level satisfies every lower one.'),
  })
  .describe('The levels of assurance that services may ask for, and what reaches them.');

export type LevelsFile = z.output<typeof levelsSchema>;

/** The levels as the rules read them. */
export function resolveLevels(file: LevelsFile): Level[] {
  return file.levels.map(({ name, acr, any_of, fresh: ages }) => ({ name, acr, anyOf: any_of, fresh: present(ages) }));
}
