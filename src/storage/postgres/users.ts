// People in the database.
import type { PersonWithPassword, Users } from '../../domain/ports.ts';
import type { User } from '../../domain/user.ts';
import { type Db, one, rows } from './statement.ts';

/** Wrong offline codes at which the way closes until an online approval (protocol section 5.3). */
const OFFLINE_LIMIT = 50;

/** So many sessions that a person signed out of are kept, the longest-lived. */
const ENDED_KEPT = 100;

/** The columns that {@link toUser} reads. */
export const COLUMNS = `id, login, name, email, locale, state, always_second_factor, factors_version, offline_failures, wrong_numbers, push_paused,
  sessions_valid_after, created_at, groups, attributes, ended_sessions`;

/** A row with {@link COLUMNS}. */
export interface UserRow {
  id: string;
  login: string;
  name: string;
  email: string | null;
  locale: string | null;
  state: User['state'];
  always_second_factor: boolean;
  factors_version: number;
  offline_failures: number;
  wrong_numbers: number;
  push_paused: boolean;
  sessions_valid_after: Date;
  created_at: Date;
  groups: string[];
  attributes: { [name: string]: string };
  ended_sessions: { [session: string]: number };
}

/** The person of a row. */
export function toUser(row: UserRow): User {
  return {
    id: row.id,
    login: row.login,
    name: row.name,
    ...(row.email === null ? {} : { email: row.email }),
    ...(row.locale === null ? {} : { locale: row.locale }),
    groups: row.groups,
    attributes: row.attributes,
    state: row.state,
    alwaysSecondFactor: row.always_second_factor,
    factorsVersion: row.factors_version,
    offlineFailures: row.offline_failures,
    wrongNumbers: row.wrong_numbers,
    pushPaused: row.push_paused,
    sessionsValidAfter: row.sessions_valid_after.getTime(),
    createdAt: row.created_at.getTime(),
    endedSessions: Object.keys(row.ended_sessions),
  };
}

/** The port {@link Users}. */
export function createUsers(db: Db): Users {
  const select = async (rest: string, bindings: string[] = []) =>
    (await rows<UserRow>(db, `select ${COLUMNS} from users ${rest}`, bindings)).map(toUser);
  /** The one person, with what their password is compared with. */
  async function withPassword(where: string, binding: string): Promise<PersonWithPassword | undefined> {
    const [found, ...others] = await rows<UserRow & { password_hash: string | null; password_failures: number }>(
      db,
      `select ${COLUMNS}, password_hash, password_failures from users where ${where}`,
      [binding],
    );
    if (!found || others.length > 0) return undefined;
    const { password_hash: passwordHash, password_failures: passwordFailures } = found;
    return { user: toUser(found), passwordFailures, ...(passwordHash === null ? {} : { passwordHash }) };
  }
  /** Raises a count by one; undefined where there is no such person, or where it stands at `end` already. */
  async function raised(
    count: 'password_failures' | 'wrong_numbers' | 'offline_failures',
    id: string,
    end?: number,
  ): Promise<number | undefined> {
    const [found] = await rows<{ now: number }>(
      db,
      `update users set ${count} = ${count} + 1 where id = ? ${end === undefined ? '' : `and ${count} < ${end}`} returning ${count} as now`,
      [id],
    );
    return found?.now;
  }
  const update = (set: string, bindings: (string | boolean)[]) =>
    one(db, `update users set ${set} where id = ? returning id`, bindings);

  return {
    byId: async (id) => (await select('where id = ?', [id]))[0],
    byLogin: async (login) => (await select('where login = ?', [login]))[0],
    withPassword: (login) => withPassword('login = ?', login),
    withPasswordByEmail: (email) => withPassword('lower(email) = lower(?) limit 2', email),
    byEmail: (email) => select('where lower(email) = lower(?) order by id', [email]),
    list: () => select('order by login'),
    insert: (user, passwordHash) =>
      one(
        db,
        `insert into users (id, login, name, email, locale, state, password_hash, always_second_factor, factors_version,
           offline_failures, wrong_numbers, push_paused, sessions_valid_after, created_at, groups, attributes)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?::jsonb) on conflict do nothing returning id`,
        [
          user.id,
          user.login,
          user.name,
          user.email ?? null,
          user.locale ?? null,
          user.state,
          passwordHash ?? null,
          user.alwaysSecondFactor,
          user.factorsVersion,
          user.offlineFailures,
          user.wrongNumbers,
          user.pushPaused,
          new Date(user.sessionsValidAfter),
          new Date(user.createdAt),
          JSON.stringify(user.groups),
          JSON.stringify(user.attributes),
        ],
      ),
    async passwordHash(id) {
      const found = await rows<{ password_hash: string | null }>(db, 'select password_hash from users where id = ?', [
        id,
      ]);
      return found[0]?.password_hash ?? undefined;
    },
    async passwordHashAt(place) {
      const [found] = await rows<{ password_hash: string }>(
        db,
        `(select password_hash, 0 as turn from users where id >= ? and password_hash is not null order by id limit 1)
         union all (select password_hash, 1 from users where password_hash is not null order by id limit 1)
         order by turn limit 1`,
        [place],
      );
      return found?.password_hash;
    },
    async setPasswordHash(id, hash) {
      await update('password_hash = ?, password_failures = 0', [hash, id]);
    },
    passwordFailed: async (id) => (await raised('password_failures', id)) ?? 0,
    async clearPasswordFailures(id) {
      await update('password_failures = 0', [id]);
    },
    renewPasswordHash: (id, old, hash) =>
      one(db, 'update users set password_hash = ? where id = ? and password_hash = ? returning id', [hash, id, old]),
    async sessionEnded(id, session, seconds) {
      // Those that are over by themselves go with each write, and a script that signs in and out cannot make the row grow.
      await rows(
        db,
        `update users set ended_sessions = (
           select coalesce(jsonb_object_agg(kept.key, kept.value), '{}') from (
             select key, value from jsonb_each(ended_sessions || jsonb_build_object(?::text, floor(extract(epoch from clock_timestamp()))::bigint + ?::bigint))
             where value::bigint > extract(epoch from clock_timestamp()) order by value::bigint desc limit ${ENDED_KEPT}
           ) kept
         ) where id = ?`,
        [session, Math.ceil(seconds), id],
      );
    },
    setState: (id, state) => update('state = ?', [state, id]),
    remove: (id) =>
      one(
        db,
        `with gone as (delete from users where id = ? and state = 'disabled' returning id),
           given as (delete from oidc_artefacts where account_id in (select id from gone))
         select id from gone`,
        [id],
      ),
    async setLocale(id, locale) {
      await update('locale = ?', [locale, id]);
    },
    forUpdate: async (id) => (await select('where id = ? for update', [id]))[0],
    async setGroups(id, groups) {
      await update('groups = ?::jsonb', [JSON.stringify(groups), id]);
    },
    async setAttributes(id, attributes) {
      await update('attributes = ?::jsonb', [JSON.stringify(attributes), id]);
    },
    async setAlwaysSecondFactor(id, always) {
      await update('always_second_factor = ?', [always, id]);
    },
    async endSessions(id) {
      const had = await rows<{ client: string | null }>(
        db,
        `with ended as (update users set sessions_valid_after = clock_timestamp() where id = ? returning id),
           gone as (delete from oidc_artefacts where account_id in (select id from ended) returning payload ->> 'clientId' as client)
         select distinct client from gone`,
        [id],
      );
      return had.flatMap(({ client }) => client ?? []);
    },
    async factorsChanged(id) {
      await update('factors_version = factors_version + 1', [id]);
    },
    async setPushPaused(id, paused) {
      await update('push_paused = ?', [paused, id]);
    },
    // A count that was not written must not look like a low one.
    reserveNumber: async (id) => (await raised('wrong_numbers', id)) ?? Number.MAX_SAFE_INTEGER,
    reserveOffline: (id) => raised('offline_failures', id, OFFLINE_LIMIT),
    async clearNumbers(id) {
      await update('wrong_numbers = 0', [id]);
    },
    async clearOffline(id) {
      await update('offline_failures = 0', [id]);
    },
  };
}
