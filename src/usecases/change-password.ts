// A signed-in person changes the password: the old one is asked again, and every session ends.

import { canonicalPassword, type PasswordProblem } from '../domain/password-rules.ts';
import { QueueFull, type World } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import { endWaiting } from './end-sessions.ts';
import { replacePassword } from './replace-password.ts';
import { hashOrBusy, problemFor } from './reset-password.ts';
import { countWrongPassword } from './sign-in-with-password.ts';
import { tellPerson } from './tell-person.ts';

/** What the account page was given. */
export interface PasswordChange {
  userId: string;
  current: string;
  password: string;
  minLength: number;
  /** Names of this service: no good passwords. */
  context: readonly string[];
  address: string;
}

/** `wait`: too many wrong ones, `retryAfter` in seconds. `same`: the new one is the old one. */
export type PasswordChanged =
  | { ok: true }
  | { ok: false; why: 'wrong' | 'same' | 'busy' }
  | { ok: false; why: 'wait'; retryAfter: number }
  | { ok: false; why: 'refused'; problem: PasswordProblem };

type Needs = Pick<
  World,
  'records' | 'atomically' | 'passwords' | 'limits' | 'transactions' | 'mailer' | 'log' | 'random' | 'vault' | 'courier'
>;

/**
 * Changes the password. The caller has made sure that the session is fresh enough (account changes). Every session of the person ends,
 * this one too: the page sends them to sign in again.
 */
export async function changePassword(world: Needs, change: PasswordChange): Promise<PasswordChanged> {
  const key = fingerprint(`change ${change.userId}`);
  const limit = await world.limits.take('password_person', key);
  if (!limit.ok) return { ok: false, why: 'wait', retryAfter: limit.retryAfter };
  const user = await world.records.users.byId(change.userId);
  const old = await world.records.users.passwordHash(change.userId);
  if (user?.state !== 'active' || old === undefined) return { ok: false, why: 'wrong' };
  const right = await verifyOrBusy(world, old, change.current);
  if (right === undefined) return { ok: false, why: 'busy' };
  if (!right) {
    // Whoever holds the session of somebody else must not guess here what is closed at the sign-in.
    await countWrongPassword(world, user);
    return { ok: false, why: 'wrong' };
  }
  await world.limits.clear('password_person', key);
  if (canonicalPassword(change.password) === canonicalPassword(change.current)) return { ok: false, why: 'same' };
  const problem = problemFor(user, change);
  if (problem) return { ok: false, why: 'refused', problem };
  const hash = await hashOrBusy(world, change.password);
  if (hash === undefined) return { ok: false, why: 'busy' };
  await world.atomically((records) =>
    replacePassword(world, records, { userId: user.id, hash, reason: 'changed', ip: change.address }),
  );
  await endWaiting(world, user.id);
  await tellPerson(world, user.id, { about: 'password_changed' });
  return { ok: true };
}

async function verifyOrBusy(world: Needs, hash: string, password: string): Promise<boolean | undefined> {
  try {
    return (await world.passwords.verify(hash, canonicalPassword(password))) !== 'wrong';
  } catch (error) {
    if (error instanceof QueueFull) return undefined;
    throw error;
  }
}
