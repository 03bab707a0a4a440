// Signs a person in with a password: the same work and the same words for people we know and people we do not.
import type { Proof } from '../domain/assurance.ts';
import { QueueFull, type World } from '../domain/ports.ts';
import { canonicalLogin, type User } from '../domain/user.ts';
import { seconds } from '../platform/clock.ts';
import { fingerprint } from '../platform/hashes.ts';
import { warnPerson } from './tell-person.ts';

/** What the login page was given. */
export interface PasswordAttempt {
  login: string;
  password: string;
  /** The client's address as the limits know it (IPv6 as its /64). */
  address: string;
  userAgent?: string;
  /** SHA-256 (base64url) of this browser's known-browser cookie, where it sent one. */
  knownBrowser?: string;
  /** BCP 47 tag of the language that was picked by hand on this browser: kept where the account has none, so that mails speak it too. */
  language?: string;
}

/** `wait`: too many wrong ones, `retryAfter` in seconds. `busy`: more sign-ins than this machine hashes at once. */
export type PasswordAnswer =
  | { ok: true; userId: string; proof: Proof }
  | { ok: false; why: 'wrong' }
  | { ok: false; why: 'wait'; retryAfter: number }
  | { ok: false; why: 'busy' };

type Touched = Pick<World, 'records' | 'limits' | 'passwords' | 'clock' | 'mailer' | 'log' | 'replays'>;

/** Longest password that is hashed, in UTF-16 code units: longer ones only cost time (security page, L15). */
const LONGEST = 1024;

/**
 * Checks a sign-in name and password.
 *
 * A wrong try counts against the name and against the address, before it is checked. The owner is never locked out by a
 * stranger: the wait is soft, and a browser on which the person has signed in before is counted apart. A right password after so many
 * wrong ones that the next try would have had to wait is told to its person: it may have been guessed (ASVS 6.3.5).
 */
export async function signInWithPassword(world: Touched, attempt: PasswordAttempt): Promise<PasswordAnswer> {
  // First: whoever has to wait must not go on filling the store with names, each of which is counted for a day.
  const address = await world.limits.peek('password_address', attempt.address);
  if (!address.ok) return { ok: false, why: 'wait', retryAfter: address.retryAfter };
  const login = canonicalLogin(attempt.login) ?? '';
  const found = await findByNameOrMail(world, login);
  const limitKey = await personKey(world, attempt, login, found?.user);
  const person = await world.limits.take('password_person', limitKey);
  if (!person.ok) return { ok: false, why: 'wait', retryAfter: person.retryAfter };
  const verdict = await check(world, found, { login, password: attempt.password });
  if (verdict === 'busy') return { ok: false, why: 'busy' };
  if (verdict === 'wrong' || !found) return refuse(world, attempt, found?.user);
  const last = await world.limits.peek('password_person', limitKey);
  await Promise.all([
    world.limits.clear('password_person', limitKey),
    verdict === 'stale' ? renew(world, found, attempt.password) : undefined,
    attempt.language !== undefined && found.user.locale === undefined
      ? world.records.users.setLocale(found.user.id, attempt.language)
      : undefined,
    world.records.audit.record({
      event: 'authn_login_success',
      outcome: 'success',
      sub: found.user.id,
      ip: attempt.address,
    }),
    last.ok ? undefined : warnPerson(world, found.user.id, { about: 'signed_in_after_failures' }),
  ]);
  return { ok: true, userId: found.user.id, proof: { at: seconds(world.clock), amr: ['pwd'] } };
}

/** The person of a sign-in name, or of a mail address that one person alone has. */
async function findByNameOrMail(world: Touched, login: string) {
  const named = await world.records.users.withPassword(login);
  if (named || !login.includes('@')) return named;
  const [person, ...others] = await world.records.users.byEmail(login);
  return person && others.length === 0 ? world.records.users.withPassword(person.login) : undefined;
}

/**
 * One count per name as it was typed, and one apart for each browser that the person is known on. A person's sign-in name and mail address
 * are counted apart: a wait that one of them brings upon the other would say that there is such a person, and that both are theirs.
 */
async function personKey(
  world: Touched,
  attempt: PasswordAttempt,
  login: string,
  user: User | undefined,
): Promise<string> {
  if (attempt.knownBrowser !== undefined && user) {
    const known = await world.records.knownBrowsers.find(attempt.knownBrowser);
    if (known?.userId === user.id) return fingerprint(`known ${attempt.knownBrowser}`);
  }
  return passwordKey(login);
}

/** The key of `password_person` for a name. @param login in its canonical spelling. */
export const passwordKey = (login: string): string => fingerprint(`login ${login}`);

/**
 * A disabled person, one without a password and an unknown one cost the same hash as a wrong password: where hashes were imported that
 * cost another time than ours, the one of somebody whom the name draws, always the same. So no name's time says that it is nobody's.
 */
async function check(
  world: Touched,
  found: { user: User; passwordHash?: string } | undefined,
  { login, password }: { login: string; password: string },
): Promise<'right' | 'stale' | 'wrong' | 'busy'> {
  try {
    if (password.length > LONGEST) return 'wrong';
    if (found?.passwordHash === undefined) {
      const like = await world.records.users.passwordHashAt(fingerprint(`nobody ${login}`));
      return await world.passwords.pretend(password, like);
    }
    if (found.user.state !== 'active') return await world.passwords.pretend(password, found.passwordHash);
    return await world.passwords.verify(found.passwordHash, password);
  } catch (error) {
    if (error instanceof QueueFull) return 'busy';
    throw error;
  }
}

async function refuse(world: Touched, attempt: PasswordAttempt, user: User | undefined): Promise<PasswordAnswer> {
  await Promise.all([
    world.limits.take('password_address', attempt.address),
    world.records.audit.record({
      event: 'authn_login_fail',
      outcome: 'failure',
      reason: 'wrong',
      ip: attempt.address,
      ...(user ? { sub: user.id } : {}),
      ...(attempt.userAgent === undefined ? {} : { userAgent: attempt.userAgent }),
    }),
  ]);
  return { ok: false, why: 'wrong' };
}

/**
 * The right password under old parameters or an old pepper is hashed anew; a full queue leaves it for the next time. Only in place of the hash
 * that was compared: a password that was changed meanwhile must not come back.
 */
async function renew(
  world: Touched,
  { user, passwordHash }: { user: User; passwordHash?: string },
  password: string,
): Promise<void> {
  if (passwordHash === undefined) return;
  try {
    await world.records.users.renewPasswordHash(user.id, passwordHash, await world.passwords.hash(password));
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
  }
}
