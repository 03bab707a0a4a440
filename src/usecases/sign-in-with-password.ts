// Signs a person in with a password: the same work and the same words for people we know and people we do not.
import type { Proof } from '../domain/assurance.ts';
import { type PersonWithPassword, QueueFull, type World } from '../domain/ports.ts';
import { canonicalLogin, type User } from '../domain/user.ts';
import { seconds } from '../platform/clock.ts';
import { fingerprint } from '../platform/hashes.ts';
import { tellPerson, warnPerson } from './tell-person.ts';

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
 * So many wrong ones in a row close the password, until a new one is set (SP 800-63B-4 section 3.2.2: 100 at most). Below it by what may be
 * under way at the same moment. A stranger needs days for them, and a right password in between starts the count again.
 */
export const CLOSED_AT = 90;

/**
 * Checks a sign-in name and password.
 *
 * A wrong try counts against the name and against the address, before it is checked. The owner is never locked out by a
 * stranger: the wait is soft, and a browser on which the person has signed in before is counted apart. A right password after so many
 * wrong ones that the next try would have had to wait is told to its person: it may have been guessed (ASVS 6.3.5).
 *
 * A password that was typed wrong {@link CLOSED_AT} times in a row counts only in a browser that the person is known on.
 */
export async function signInWithPassword(world: Touched, attempt: PasswordAttempt): Promise<PasswordAnswer> {
  // First: whoever has to wait must not go on filling the store with names, each of which is counted for a day.
  const address = await world.limits.peek('password_address', attempt.address);
  if (!address.ok) return { ok: false, why: 'wait', retryAfter: address.retryAfter };
  const login = canonicalLogin(attempt.login) ?? '';
  const found = await findByNameOrMail(world, login);
  const known = await knownHere(world, attempt, found?.user);
  const limitKey = known ? fingerprint(`known ${attempt.knownBrowser}`) : passwordKey(login);
  const person = await world.limits.take('password_person', limitKey);
  if (!person.ok) return { ok: false, why: 'wait', retryAfter: person.retryAfter };
  const verdict = await check(world, found, { login, password: attempt.password, known });
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
    found.passwordFailures > 0 ? world.records.users.clearPasswordFailures(found.user.id) : undefined,
    last.ok ? undefined : warnPerson(world, found.user.id, { about: 'signed_in_after_failures' }),
  ]);
  return { ok: true, userId: found.user.id, proof: { at: seconds(world.clock), amr: ['pwd'] } };
}

/** The person of a sign-in name, or of a mail address that one person alone has: as many questions for those whom we know as for others. */
async function findByNameOrMail(world: Touched, login: string) {
  const named = await world.records.users.withPassword(login);
  return named || !login.includes('@') ? named : world.records.users.withPasswordByEmail(login);
}

/**
 * Limits have one count per name as it was typed, and one apart for each browser that the person is known on. A person's sign-in name and mail address
 * are counted apart: a wait that one of them brings upon the other would say that there is such a person, and that both are theirs.
 */
async function knownHere(world: Touched, attempt: PasswordAttempt, user: User | undefined): Promise<boolean> {
  if (attempt.knownBrowser === undefined || !user) return false;
  return (await world.records.knownBrowsers.find(attempt.knownBrowser))?.userId === user.id;
}

/** The key of `password_person` for a name. @param login in its canonical spelling. */
export const passwordKey = (login: string): string => fingerprint(`login ${login}`);

/**
 * A disabled person, one whose password is closed or who has none and an unknown one cost the same hash as a wrong password: where hashes were imported that
 * cost another time than ours, the one of somebody whom the name draws, always the same. So no name's time says that it is nobody's.
 */
async function check(
  world: Touched,
  found: PersonWithPassword | undefined,
  { login, password, known }: { login: string; password: string; known: boolean },
): Promise<'right' | 'stale' | 'wrong' | 'busy'> {
  try {
    if (password.length > LONGEST) return 'wrong';
    if (found?.passwordHash === undefined || found.user.state !== 'active') {
      const like = await world.records.users.passwordHashAt(fingerprint(`nobody ${login}`));
      return await world.passwords.pretend(password, found?.passwordHash ?? like);
    }
    const closed = found.passwordFailures >= CLOSED_AT && !known;
    if (closed) return await world.passwords.pretend(password, found.passwordHash);
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
    user?.state === 'active' ? countWrongPassword(world, user) : undefined,
  ]);
  return { ok: false, why: 'wrong' };
}

/** Counts for good, and tells the person once when that closes the password. */
export async function countWrongPassword(world: Pick<World, 'records' | 'mailer' | 'log'>, user: User): Promise<void> {
  if ((await world.records.users.passwordFailed(user.id)) !== CLOSED_AT) return;
  await world.records.audit.record({ event: 'authn_login_fail_max', outcome: 'failure', sub: user.id });
  await tellPerson(world, user.id, { about: 'password_closed' });
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
