// What the commands about people are handed, and how a person is printed.
import type { World } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';

/** What the commands are handed: a world for the length of one command, and where to write. */
export interface UserCommandDeps {
  /** Progress and remarks, beside the answer. */
  remark?(text: string): void;
  /** Opens the storage that the settings name, runs the work, and closes it again. */
  withWorld<T>(folder: string | undefined, work: (world: World, issuer: string) => Promise<T>): Promise<T>;
  print(line: string): void;
  fail(line: string): never;
}

/** A person as commands print them; never a hash. */
export function shown(person: User) {
  const { id, login, name, email, locale, state, createdAt } = person;
  return { id, login, name, email, locale, state, created_at: new Date(createdAt).toISOString() };
}
