// An invited person sets the first password with the one-time link that the operator handed over.
import type { World } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import { type NewPassword, type PasswordSet, setByTicket } from './reset-password.ts';
import { tellPerson } from './tell-person.ts';

/** Spends the invitation and sets the password; who had one before is told. A refused password leaves the link good. */
export async function acceptInvitation(
  world: Pick<
    World,
    'records' | 'atomically' | 'passwords' | 'transactions' | 'mailer' | 'log' | 'random' | 'vault' | 'courier'
  >,
  wanted: NewPassword,
): Promise<PasswordSet> {
  const invited = await world.records.tickets.peek(fingerprint(wanted.token), 'invite');
  const before = invited === undefined ? undefined : await world.records.users.passwordHash(invited);
  const set = await setByTicket(world, wanted, 'invite');
  if (set.ok && before !== undefined) await tellPerson(world, set.userId, { about: 'password_changed' });
  return set;
}
