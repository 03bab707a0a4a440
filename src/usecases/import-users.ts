// Takes people over from another system, with the hashes of their passwords: everything is checked before anything is written.

import { canonicalAttributes, canonicalGroups } from '../domain/groups.ts';
import type { World } from '../domain/ports.ts';
import { canonicalLogin, isLanguageTag, type User } from '../domain/user.ts';
import { foreignHash } from '../platform/foreign-hashes.ts';

/** One person as a file has them. */
export interface ImportedUser {
  /** Where they stand, for messages. */
  line: number;
  values: { readonly [column: string]: unknown };
}

/** The columns, in the spelling of the file. */
export const IMPORT_COLUMNS = [
  'login',
  'name',
  'email',
  'locale',
  'state',
  'password_hash',
  'groups',
  'attributes',
] as const;

/** A column of CSV for one attribute. */
const ATTRIBUTE = /^attributes\.(.+)$/;

/** A person that can be written. */
export interface ImportableUser {
  user: User;
  passwordHash?: string;
}

/** Everybody, or every mistake with its line. Never holds a hash. */
export type CheckedImport = { ok: true; people: ImportableUser[] } | { ok: false; problems: string[] };

/** So many are written in one transaction. */
const BATCH = 100;

function textOf(values: ImportedUser['values'], name: (typeof IMPORT_COLUMNS)[number]): string | undefined {
  const value = values[name];
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

/** A list, or a text with ";" between. What is neither counts as a name that cannot be. */
function groupsOf({ groups }: ImportedUser['values']): string[] {
  if (Array.isArray(groups)) return groups.map((group) => (typeof group === 'string' ? group : ''));
  const text = groups === undefined || groups === null ? '' : String(groups).trim();
  return text === '' ? [] : text.split(';');
}

/** The map `attributes`, and columns `attributes.NAME` that are not empty. What is no text counts as a value that cannot be. */
function attributesOf(values: ImportedUser['values']): { [name: string]: string } {
  const { attributes } = values;
  const map = typeof attributes === 'object' && attributes !== null ? Object.entries(attributes) : [];
  const columns = Object.entries(values).flatMap(([column, value]) => {
    const name = ATTRIBUTE.exec(column)?.[1];
    return name === undefined || value === '' || value === null ? [] : [[name, value] as const];
  });
  const wrong =
    typeof attributes === 'object' || attributes === undefined || attributes === '' ? [] : [['', ''] as const];
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return Object.fromEntries([...map, ...columns, ...wrong].map(([name, value]) => [name, text(value)]));
}

function check(world: Pick<World, 'random' | 'clock'>, { values }: ImportedUser, tell: (what: string) => void) {
  for (const column of Object.keys(values))
    if (!(IMPORT_COLUMNS as readonly string[]).includes(column) && !ATTRIBUTE.test(column))
      tell(`"${column}" is no column; columns are ${IMPORT_COLUMNS.join(', ')}, attributes.NAME`);
  const [email, locale, state] = [textOf(values, 'email'), textOf(values, 'locale'), textOf(values, 'state')];
  const typed = textOf(values, 'login');
  const login = canonicalLogin(typed ?? '');
  if (login === undefined) tell('login is missing, too long or has characters that cannot be seen');
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email)) tell('email is not an e-mail address');
  if (locale !== undefined && !isLanguageTag(locale)) tell('locale is not a language tag');
  if (state !== undefined && state !== 'active' && state !== 'disabled')
    tell('state is neither "active" nor "disabled"');
  const hash = textOf(values, 'password_hash');
  if (hash !== undefined && !foreignHash(hash))
    tell(
      'password_hash is none of argon2, bcrypt, scrypt and PBKDF2 in their usual forms, or costs more than we allow',
    );
  const groups = canonicalGroups(groupsOf(values));
  if (groups === undefined) tell('groups are more than 100, or one has over 64 characters or some that cannot be seen');
  const attributes = canonicalAttributes(attributesOf(values));
  if (attributes === undefined)
    tell(
      'attributes are more than 32, or a name is not of a-z, 0-9 and "_", or a value not of 1 to 256 characters that can be seen',
    );
  const user: User = {
    id: world.random.id(),
    login: login ?? '',
    name: textOf(values, 'name')?.normalize('NFC').trim() || (login ?? ''),
    ...(email === undefined ? {} : { email }),
    ...(locale === undefined ? {} : { locale }),
    groups: groups ?? [],
    attributes: attributes ?? {},
    state: state === 'disabled' ? 'disabled' : 'active',
    alwaysSecondFactor: false,
    factorsVersion: 0,
    offlineFailures: 0,
    wrongNumbers: 0,
    pushPaused: false,
    sessionsValidAfter: 0,
    endedSessions: [],
    createdAt: world.clock.now(),
  };
  return { user, ...(hash === undefined ? {} : { passwordHash: `:${hash}` }) };
}

/** Checks everybody; every mistake is told at once. */
export function checkImport(world: Pick<World, 'random' | 'clock'>, rows: readonly ImportedUser[]): CheckedImport {
  const problems: string[] = [];
  const seen = new Map<string, number>();
  const people = rows.map((row) => {
    const found = check(world, row, (what) => problems.push(`line ${row.line}: ${what}`));
    const { login } = found.user;
    const before = seen.get(login);
    if (before !== undefined && login !== '')
      problems.push(`line ${row.line}: "${login}" stands in line ${before} already`);
    else seen.set(login, row.line);
    return found;
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, people };
}

/**
 * Writes people who were checked; a sign-in name that is taken is left as it is.
 * @param progress told of how many are done. @returns the names that were taken.
 */
export async function importUsers(
  world: Pick<World, 'atomically'>,
  people: readonly ImportableUser[],
  progress: (done: number) => void = () => undefined,
): Promise<{ added: number; taken: string[] }> {
  const taken: string[] = [];
  for (let at = 0; at < people.length; at += BATCH) {
    const batch = people.slice(at, at + BATCH);
    const already = await world.atomically(async (records) => {
      const names: string[] = [];
      for (const { user, passwordHash } of batch) {
        if (!(await records.users.insert(user, passwordHash))) names.push(user.login);
        else
          await records.audit.record({
            event: 'user_created',
            outcome: 'success',
            reason: 'imported',
            sub: user.id,
            actor: 'cli',
          });
      }
      return names;
    });
    taken.push(...already);
    progress(Math.min(at + BATCH, people.length));
  }
  return { added: people.length - taken.length, taken };
}
