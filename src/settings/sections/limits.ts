// limits.yaml: how often something may be tried. Each rule counts before the work is done.
import { z } from 'zod';
import type { LimitRule } from '../../domain/ports.ts';
import type { LimitSettings } from '../settings.ts';
import { duration, whole } from './pieces.ts';

interface Figures {
  points: number;
  within: string;
  block?: string;
  block_max?: string;
}

function rule(sentence: string, { points, within, block, block_max }: Figures) {
  const wait = () => duration('1s', '7d');
  return z
    .strictObject({
      points: whole(1, 1_000_000).prefault(points).describe('So many times …'),
      within: duration('1s', '7d').prefault(within).describe('… within so long.'),
      block: (block === undefined ? wait().optional() : wait().prefault(block)).describe(
        'Then closed for so long; until the time above is over where it is missing.',
      ),
      block_max: (block_max === undefined ? wait().optional() : wait().prefault(block_max)).describe(
        'With this, each further failure doubles the wait, up to this.',
      ),
    })
    .prefault({})
    .describe(sentence);
}

export const limitsSchema = z
  .strictObject({
    password_person: rule(
      'Wrong passwords for one name; sign-in name and mail address are counted apart (a known browser is not held up by strangers).',
      {
        points: 5,
        within: '1d',
        block: '30s',
        block_max: '1h',
      },
    ),
    password_address: rule('Wrong passwords from one address.', { points: 30, within: '10m' }),
    mail_code: rule('Wrong tries at one code sent by mail.', { points: 5, within: '10m' }),
    mail_code_send: rule('Codes sent by mail to one person.', { points: 3, within: '10m' }),
    push_short: rule('Requests pushed to the phones of one person without a success.', { points: 3, within: '10m' }),
    push_day: rule('The same over a day.', { points: 10, within: '1d' }),
    offline_code: rule('Wrong codes of a phone without network, for one person.', {
      points: 10,
      within: '15m',
      block: '15m',
    }),
    enrolment_code_address: rule('Wrong typed codes of a new phone from one address.', { points: 5, within: '10m' }),
    user_code_address: rule('Codes of devices (RFC 8628) typed and confirmed from one address, right ones too.', {
      points: 30,
      within: '10m',
    }),
    sign_in_address: rule('Sign-ins begun from one address, whatever becomes of them. A whole office may share one.', {
      points: 600,
      within: '1m',
    }),
    device_code_address: rule('Device codes (RFC 8628) asked for from one address.', { points: 120, within: '1m' }),
    password_reset: rule('Mails for a forgotten password, for one person and for one address.', {
      points: 3,
      within: '1h',
    }),
    device_api_address: rule('Requests of phones from one address.', { points: 600, within: '1m' }),
  } satisfies Record<LimitRule, z.ZodType>)
  .describe('How often something may be tried.');

export type LimitsFile = z.output<typeof limitsSchema>;

/** The limits as the house reads them, in seconds. */
export function resolveLimits(file: LimitsFile): LimitSettings {
  const figures = Object.entries(file).map(([name, { points, within, block, block_max }]) => [
    name,
    {
      points,
      seconds: within,
      ...(block === undefined ? {} : { blockSeconds: block }),
      ...(block_max === undefined ? {} : { maxBlockSeconds: block_max }),
    },
  ]);
  return Object.fromEntries(figures) as LimitSettings;
}
