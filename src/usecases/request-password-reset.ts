// Mails a one-time link to a person who forgot the password. The caller learns nothing about who exists, by words or by time.
import type { World } from '../domain/ports.ts';
import { canonicalLogin, type User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';

/** Seconds that the link works. */
export const RESET_SECONDS = 30 * 60;

/** What was typed, and from where. */
export interface ResetRequest {
  /** Sign-in name or mail address. */
  typed: string;
  /** The client's address as limits count it. */
  address: string;
}

/** `delivered` settles when the mail is handed over, if there is one to send: for tests, never to be awaited before an answer. */
export type ResetRequested = { ok: true; delivered: Promise<void> } | { ok: false; why: 'wait'; retryAfter: number };

/** The mail in the person's language: the link stands in it and nowhere else. */
export type ComposeReset = (user: User, token: string) => { subject: string; text: string };

type Needs = Pick<World, 'records' | 'limits' | 'random' | 'mailer' | 'log'>;

/**
 * Asks for a link. Counts against the address (told) and against the name (not told: it would say that somebody else asks for it).
 * The search and the mail run after the answer, so that its time is the same for everybody.
 */
export async function requestPasswordReset(
  world: Needs,
  request: ResetRequest,
  compose: ComposeReset,
): Promise<ResetRequested> {
  const name = canonicalLogin(request.typed) ?? '';
  const address = await world.limits.take('password_reset', `address ${request.address}`);
  if (!address.ok) return { ok: false, why: 'wait', retryAfter: address.retryAfter };
  // Only then: whoever has to wait must not go on filling the store with names.
  const person = await world.limits.take('password_reset', `name ${fingerprint(name)}`);
  const delivered =
    name === '' || !person.ok
      ? Promise.resolve()
      : deliver(world, name, request.address, compose).catch((error) =>
          world.log.error({ err: error }, 'a link for a new password could not be sent'),
        );
  return { ok: true, delivered };
}

async function deliver(world: Needs, name: string, address: string, compose: ComposeReset): Promise<void> {
  for (const user of await peopleOf(world, name)) {
    if (user.state !== 'active' || user.email === undefined) continue;
    const token = world.random.id(32);
    await world.records.tickets.insert({
      hash: fingerprint(token),
      userId: user.id,
      purpose: 'password_reset',
      expiresInSeconds: RESET_SECONDS,
    });
    await world.mailer.send({ to: user.email, ...compose(user, token) });
    await world.records.audit.record({
      event: 'authn_password_change',
      outcome: 'failure',
      reason: 'link_sent',
      sub: user.id,
      ip: address,
    });
  }
}

/** A sign-in name names one person; a mail address may name several accounts, and each gets its own mail. */
async function peopleOf(world: Needs, name: string): Promise<User[]> {
  const byLogin = await world.records.users.byLogin(name);
  if (byLogin) return [byLogin];
  return name.includes('@') ? (await world.records.users.byEmail(name)).slice(0, 5) : [];
}
