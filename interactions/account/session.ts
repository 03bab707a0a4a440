// The account page's own session: a relying service's session, kept by the hash of its cookie, dead as soon as the provider's session is.
import type { World } from '../../src/domain/ports.ts';
import { fingerprint } from '../../src/platform/hashes.ts';

/** Idle life in seconds. */
export const ACCOUNT_IDLE = 3600;

/** What was done, told once on the page that follows. */
export type AccountNotice =
  | 'device_added'
  | 'device_renamed'
  | 'device_removed'
  | 'device_unlocked'
  | 'service_removed'
  | 'language_changed'
  | 'always_on'
  | 'always_off'
  | 'not_fresh'
  | 'fresh';

/** What the account page knows of the person in front of it. Times in whole seconds. */
export interface AccountSession {
  userId: string;
  /** The provider's session that this one hangs on. */
  providerSession: string;
  /** Level by acr value, and the time of the oldest proof used for it. */
  acr: string;
  authTime: number;
  /** Milliseconds: a session from before the person's sessions were ended everywhere is dead. */
  begun: number;
  /** Stands in every form of this session (ASVS 3.5.1). */
  csrf: string;
  /** Binds second proofs and enrolments; it stays when a fresh sign-in of the same person renews the cookie. */
  binding: string;
  /** What was typed before a fresh proof was asked for; never a PIN, never a password. */
  draft?: { path: string; fields: { readonly [name: string]: string } };
  /** A sentence to show once. */
  notice?: AccountNotice;
}

type Needs = Pick<World, 'scratch' | 'random'>;

const place = (cookie: string) => `account_session:${fingerprint(cookie)}`;

/** Begins a session; answers the cookie's value (256 bits), of which only the hash is kept. */
export async function beginSession(
  world: Needs,
  session: Omit<AccountSession, 'csrf' | 'binding'> & { binding?: string },
): Promise<string> {
  const cookie = world.random.id(32);
  await saveSession(world, cookie, {
    ...session,
    csrf: world.random.id(32),
    binding: session.binding ?? world.random.id(32),
  });
  return cookie;
}

/** Keeps a session, its idle time begun anew. */
export async function saveSession(
  world: Pick<World, 'scratch'>,
  cookie: string,
  session: AccountSession,
): Promise<void> {
  await world.scratch.set(place(cookie), JSON.stringify(session), ACCOUNT_IDLE);
}

/** The session of a cookie; undefined where there is none or it idled out. Reading begins the idle time anew. */
export async function findSession(
  world: Pick<World, 'scratch'>,
  cookie: string | undefined,
): Promise<AccountSession | undefined> {
  if (!cookie || cookie.length > 64) return undefined;
  const kept = await world.scratch.get(place(cookie));
  return kept === undefined ? undefined : (JSON.parse(kept) as AccountSession);
}

/** Ends a session. */
export async function endSession(world: Pick<World, 'scratch'>, cookie: string): Promise<void> {
  await world.scratch.delete(place(cookie));
}
