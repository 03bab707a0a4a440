// Sends a person a letter about their account. A mail that cannot be sent never undoes what it tells of.
import type { Letter } from '../domain/letters.ts';
import type { World } from '../domain/ports.ts';

/** Writes to the person where we have an address. Failures are logged by their kind only. */
export async function tellPerson(
  world: Pick<World, 'records' | 'mailer' | 'log'>,
  userId: string,
  letter: Letter,
): Promise<void> {
  const user = await world.records.users.byId(userId);
  if (!user?.email) return;
  try {
    await world.mailer.send({ to: user.email, ...world.mailer.write(user, letter) });
  } catch (error) {
    world.log.error({ err: error, about: letter.about }, 'a letter could not be sent');
  }
}

const A_DAY = 86_400;

/** Writes a letter of warning, once a day of each kind: what somebody else causes must not fill the mailbox in which it has to be seen. */
export async function warnPerson(
  world: Pick<World, 'records' | 'mailer' | 'log' | 'replays'>,
  userId: string,
  letter: Letter,
): Promise<void> {
  if (await world.replays.first(`warned:${letter.about}:${userId}`, A_DAY)) await tellPerson(world, userId, letter);
}
