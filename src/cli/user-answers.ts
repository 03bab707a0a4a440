// What the commands about people are handed, and how a person is printed.
import type { World } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import type { Settings } from '../settings/settings.ts';
import { findUser } from '../usecases/manage-users.ts';

/** What the commands are handed: a world for the length of one command, and where to write. */
export interface UserCommandDeps {
  /** Progress and remarks, beside the answer. */
  remark?(text: string): void;
  /** Opens the storage that the settings name, runs the work, and closes it again. */
  withWorld<T>(
    folder: string | undefined,
    work: (world: World, issuer: string, settings: Settings) => Promise<T>,
  ): Promise<T>;
  print(line: string): void;
  fail(line: string): never;
}

/** Runs `work` for the person of a sign-in name, or says that there is none. */
export function withPerson(
  deps: UserCommandDeps,
  login: string,
  folder: string | undefined,
  work: (world: World, found: User, issuer: string) => Promise<void>,
): Promise<void> {
  return deps.withWorld(folder, async (world, issuer) => {
    const found = await findUser(world, login);
    if (!found) deps.fail(`nobody has the sign-in name "${login}"`);
    await work(world, found, issuer);
  });
}

/** A person as commands print them; never a hash. */
export function shown(person: User) {
  const { id, login, name, email, locale, state, groups, attributes, createdAt } = person;
  const created_at = new Date(createdAt).toISOString();
  return { id, login, name, email, locale, state, groups, attributes, created_at };
}
