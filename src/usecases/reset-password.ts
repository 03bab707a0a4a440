// Sets a new password with the one-time link of a mail. It proves nothing more than a password: no level is reached by it.

import { canonicalPassword, type PasswordProblem, passwordProblem } from '../domain/password-rules.ts';
import { QueueFull, type World } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { endWaiting } from './end-sessions.ts';
import { replacePassword } from './replace-password.ts';
import { tellPerson } from './tell-person.ts';

/** What the page was given. */
export interface NewPassword {
  /** The secret of the link. */
  token: string;
  password: string;
  minLength: number;
  /** Names of this service: no good passwords. */
  context: readonly string[];
  address: string;
}

/** `over`: the link was used, has expired, or never was. `busy`: try again in a few seconds, with the same link. */
export type PasswordSet =
  | { ok: true; userId: string }
  | { ok: false; why: 'over' | 'busy' }
  | { ok: false; why: 'refused'; problem: PasswordProblem };

type Needs = Pick<
  World,
  'records' | 'atomically' | 'passwords' | 'transactions' | 'mailer' | 'log' | 'random' | 'vault' | 'courier'
>;

/** The rules for a person's new password, with what is known of them. */
export function problemFor(
  user: User,
  wanted: Pick<NewPassword, 'password' | 'minLength' | 'context'>,
): PasswordProblem | undefined {
  const context = [user.login, user.name, user.email ?? '', ...wanted.context];
  return passwordProblem(wanted.password, { minLength: wanted.minLength, context });
}

/** Hashes outside of any database transaction; undefined where too many wait. */
export async function hashOrBusy(world: Pick<World, 'passwords'>, password: string): Promise<string | undefined> {
  try {
    return await world.passwords.hash(canonicalPassword(password));
  } catch (error) {
    if (error instanceof QueueFull) return undefined;
    throw error;
  }
}

/** Spends the link and sets the password; all sessions of the person end in the same commit. A refused password leaves the link good. */
export async function resetPassword(world: Needs, wanted: NewPassword): Promise<PasswordSet> {
  const set = await setByTicket(world, wanted, 'password_reset');
  if (set.ok) await tellPerson(world, set.userId, { about: 'password_changed' });
  return set;
}

/** What a reset and an invitation have in common. */
export async function setByTicket(
  world: Omit<Needs, 'mailer' | 'log'>,
  wanted: NewPassword,
  purpose: 'password_reset' | 'invite',
): Promise<PasswordSet> {
  const ticket = fingerprint(wanted.token);
  const userId = await world.records.tickets.peek(ticket, purpose);
  const user = userId === undefined ? undefined : await world.records.users.byId(userId);
  if (user?.state !== 'active') return { ok: false, why: 'over' };
  const problem = problemFor(user, wanted);
  if (problem) return { ok: false, why: 'refused', problem };
  const hash = await hashOrBusy(world, wanted.password);
  if (hash === undefined) return { ok: false, why: 'busy' };
  const spent = await world.atomically(async (records) => {
    // Of two answers with one link exactly one is taken, and only while the person may sign in.
    if ((await records.tickets.spend(ticket, purpose)) !== user.id) return false;
    const reason = purpose === 'invite' ? 'invited' : 'reset';
    await replacePassword(world, records, { userId: user.id, hash, reason, ip: wanted.address });
    return true;
  });
  if (!spent) return { ok: false, why: 'over' };
  await endWaiting(world, user.id);
  return { ok: true, userId: user.id };
}
