// An invited person sets the first password with the one-time link that the operator handed over.
import type { World } from '../domain/ports.ts';
import { type NewPassword, type PasswordSet, setByTicket } from './reset-password.ts';

/** Spends the invitation and sets the password. A refused password leaves the link good. */
export function acceptInvitation(
  world: Pick<World, 'records' | 'atomically' | 'passwords' | 'transactions'>,
  wanted: NewPassword,
): Promise<PasswordSet> {
  return setByTicket(world, wanted, 'invite');
}
