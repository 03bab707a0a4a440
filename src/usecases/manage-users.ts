// What the operator does to people from the command line: add, list, disable, enable, invite, reset their phones.

import { canonicalAttributes, canonicalGroups } from '../domain/groups.ts';
import type { World } from '../domain/ports.ts';
import { canonicalLogin, isLanguageTag, type User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { endEverySession, endWaiting } from './end-sessions.ts';
import { passwordKey } from './sign-in-with-password.ts';
import { tellPerson } from './tell-person.ts';

/** A person to be added. Without a password they come in by an invitation. */
export interface NewUser {
  login: string;
  name: string;
  email?: string;
  locale?: string;
  password?: string;
  groups?: readonly string[];
  attributes?: { readonly [name: string]: string };
}

/** Why a person could not be added. */
export type AddProblem = 'bad_login' | 'login_taken' | 'bad_email' | 'bad_locale' | 'bad_group' | 'bad_attribute';

/** Days that an invitation's link works. */
const INVITATION_DAYS = 7;

type Touched = Pick<World, 'records' | 'atomically' | 'passwords' | 'random' | 'clock'>;

/** Adds a person; the password is hashed before the database is asked for anything. */
export async function addUser(
  world: Touched,
  wanted: NewUser,
): Promise<{ ok: true; user: User } | { ok: false; why: AddProblem }> {
  const login = canonicalLogin(wanted.login);
  if (login === undefined) return { ok: false, why: 'bad_login' };
  if (wanted.email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(wanted.email)) return { ok: false, why: 'bad_email' };
  if (wanted.locale !== undefined && !isLanguageTag(wanted.locale)) return { ok: false, why: 'bad_locale' };
  const groups = canonicalGroups(wanted.groups ?? []);
  if (groups === undefined) return { ok: false, why: 'bad_group' };
  const attributes = canonicalAttributes(wanted.attributes ?? {});
  if (attributes === undefined) return { ok: false, why: 'bad_attribute' };
  const user: User = {
    id: world.random.id(),
    login,
    name: wanted.name.normalize('NFC').trim() || login,
    groups,
    attributes,
    state: 'active',
    alwaysSecondFactor: false,
    factorsVersion: 0,
    offlineFailures: 0,
    wrongNumbers: 0,
    pushPaused: false,
    sessionsValidAfter: 0,
    endedSessions: [],
    createdAt: world.clock.now(),
    ...(wanted.email === undefined ? {} : { email: wanted.email }),
    ...(wanted.locale === undefined ? {} : { locale: wanted.locale }),
  };
  const hash = wanted.password === undefined ? undefined : await world.passwords.hash(wanted.password);
  return world.atomically(async (records) => {
    if (!(await records.users.insert(user, hash))) return { ok: false, why: 'login_taken' } as const;
    await records.audit.record({ event: 'user_created', outcome: 'success', sub: user.id, actor: 'cli' });
    return { ok: true, user } as const;
  });
}

/** The person of a sign-in name. */
export async function findUser(world: Pick<World, 'records'>, typed: string): Promise<User | undefined> {
  const login = canonicalLogin(typed);
  return login === undefined ? undefined : world.records.users.byLogin(login);
}

/** Disables or enables; a disabled person is out everywhere before this answers. */
export async function setUserState(
  world: Pick<World, 'atomically' | 'transactions' | 'random' | 'vault' | 'courier'>,
  user: User,
  state: User['state'],
): Promise<void> {
  await world.atomically(async (records) => {
    await records.users.setState(user.id, state);
    if (state === 'disabled') {
      await endEverySession(world, records, user.id);
      await records.tickets.cancelAll(user.id);
      await records.knownBrowsers.forgetAll(user.id);
    }
    const event = state === 'disabled' ? 'user_disabled' : 'user_enabled';
    await records.audit.record({ event, outcome: 'success', sub: user.id, actor: 'cli' });
  });
  if (state === 'disabled') await hushPhones(world, user.id);
}

/**
 * Deletes a disabled person and all that is kept of them (GDPR article 17). The audit keeps what happened, under an id that leads to nobody,
 * until its retention ends. False where the person is not disabled: who is still at work should not vanish by a slip.
 */
export async function removeUser(
  world: Pick<World, 'atomically' | 'transactions' | 'courier'>,
  user: User,
): Promise<boolean> {
  const removed = await world.atomically(async (records) => {
    if (!(await records.users.remove(user.id))) return false;
    await records.audit.record({ event: 'user_removed', outcome: 'success', sub: user.id, actor: 'cli' });
    return true;
  });
  if (removed) await hushPhones(world, user.id);
  return removed;
}

/** What the phones were asked is over, and phones that listen are told. */
async function hushPhones(world: Pick<World, 'transactions' | 'courier'>, userId: string): Promise<void> {
  await endWaiting(world, userId);
  await world.transactions.touchUser(userId);
}

/** Unlocks phones that wrong PINs locked, and forgets what was counted against the person. Copied phones stay locked. */
export async function unlockUser(
  world: Pick<World, 'atomically' | 'limits' | 'records' | 'mailer' | 'log'>,
  user: User,
): Promise<{ unlocked: number; cloned: number }> {
  const answer = await world.atomically(async (records) => {
    const locked = (await records.devices.ofUser(user.id)).filter(({ state }) => state === 'locked');
    const unlocked: string[] = [];
    for (const device of locked.filter(({ lockReason }) => lockReason === 'pin')) {
      if (!(await records.devices.unlock(device.id, user.id))) continue;
      unlocked.push(device.name);
      await records.audit.record({
        event: 'device_unlocked',
        outcome: 'success',
        sub: user.id,
        actor: 'cli',
        factor: device.id,
      });
    }
    await records.users.clearNumbers(user.id);
    await records.users.clearOffline(user.id);
    await records.users.clearPasswordFailures(user.id);
    return { unlocked, cloned: locked.length - unlocked.length };
  });
  for (const device of answer.unlocked) await tellPerson(world, user.id, { about: 'device_unlocked', device });
  for (const name of [user.login, canonicalLogin(user.email ?? '')])
    if (name !== undefined) await world.limits.clear('password_person', passwordKey(name));
  return { unlocked: answer.unlocked.length, cloned: answer.cloned };
}

/** A one-time link's secret by which a person sets their password and may add their first phone. */
export async function inviteUser(
  world: Pick<World, 'atomically' | 'random'>,
  user: User,
): Promise<{ token: string; days: number }> {
  const token = world.random.id(32);
  await world.atomically(async (records) => {
    await records.tickets.cancelAll(user.id);
    await records.tickets.insert({
      hash: fingerprint(token),
      userId: user.id,
      purpose: 'invite',
      expiresInSeconds: INVITATION_DAYS * 86_400,
    });
    await records.audit.record({ event: 'user_invited', outcome: 'success', sub: user.id, actor: 'cli' });
  });
  return { token, days: INVITATION_DAYS };
}

/**
 * Removes every phone and known browser and ends all sessions: for a person who lost what they had. They are told of each phone: it may be
 * somebody else who asked the operator. Answers how many phones went.
 */
export async function resetFactors(
  world: Pick<World, 'atomically' | 'transactions' | 'records' | 'mailer' | 'log' | 'random' | 'vault' | 'courier'>,
  user: User,
): Promise<number> {
  const removed = await world.atomically(async (records) => {
    const devices = await records.devices.ofUser(user.id);
    for (const device of devices) await records.devices.remove(device.id, user.id);
    await records.users.factorsChanged(user.id);
    await records.knownBrowsers.forgetAll(user.id);
    await endEverySession(world, records, user.id);
    await records.audit.record({
      event: 'user_factor_reset',
      outcome: 'success',
      sub: user.id,
      actor: 'cli',
      detail: { phones: devices.length },
    });
    return devices.map(({ name }) => name);
  });
  await hushPhones(world, user.id);
  for (const device of removed) await tellPerson(world, user.id, { about: 'device_removed', device });
  return removed.length;
}
