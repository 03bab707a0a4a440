// What still depends on a kek or a pepper, and when each secret of keys.yaml was last the one in use.
import type { KeyIds, KeyList } from '../../settings/key-lists.ts';
import { type Db, rows } from './statement.ts';

/** Rows under one secret. `what` is a plural in plain words. */
export interface Dependents {
  list: 'kek' | 'peppers';
  id: string;
  what: string;
  count: number;
}

/** When a secret was the first of its list on a node. Milliseconds of the database's clock. */
export interface KeyUse {
  list: KeyList;
  id: string;
  firstUsedAt: number;
  lastUsedAt: number;
}

/** Passwords of other systems, which were imported, stand under no pepper and are left out. */
const COUNTED = `
  select 'kek' as list, sealed->>'kek_id' as id, 'signing keys' as what, count(*)::integer as count
    from signing_keys where sealed is not null group by 2
  union all
  select 'kek', offline_key->>'kek_id', 'offline keys of phones', count(*)::integer
    from devices where offline_key is not null group by 2
  union all
  select 'kek', push->>'kek_id', 'push addresses of phones', count(*)::integer
    from devices where push is not null group by 2
  union all
  select 'kek', sealed->>'kek_id', 'messages to services', count(*)::integer from deliveries group by 2
  union all
  select 'peppers', split_part(password_hash, ':', 1), 'passwords', count(*)::integer
    from users where password_hash is not null and password_hash not like ':%' group by 2
  union all
  select 'peppers', verifier->>'pepper_id', 'PINs of phones', count(*)::integer
    from devices where verifier is not null group by 2`;

/** Everything that stands under a kek or a pepper. Reads whole tables: not for every request. */
export async function dependents(db: Db): Promise<Dependents[]> {
  return rows<Dependents>(db, `select list, id, what, count from (${COUNTED}) counted order by list, id, what`);
}

/**
 * Says of the first secret of each list that it is in use now. Of a list of which nothing is known yet all are noted: the others may have
 * been in use before anybody took notes, and a secret without a note is taken for one that was never used.
 */
export async function noteUse(db: Db, ids: KeyIds): Promise<void> {
  const all = Object.entries(ids).flatMap(([list, names]) => names.map((id, place) => ({ list, id, place })));
  await rows(
    db,
    `insert into key_uses (list, id)
     select list, id from jsonb_to_recordset(?::jsonb) as ours (list text, id text, place integer)
     where place = 0 or not exists (select 1 from key_uses noted where noted.list = ours.list)
     on conflict (list, id) do update set last_used_at = clock_timestamp()`,
    [JSON.stringify(all)],
  );
}

/** What is known of the use of each secret, with the database's own time. */
export async function keyUses(db: Db): Promise<{ uses: KeyUse[]; now: number }> {
  interface Row {
    list: KeyList | null;
    id: string;
    first_used_at: Date;
    last_used_at: Date;
    now: Date;
  }
  const found = await rows<Row>(
    db,
    `select list, id, first_used_at, last_used_at, clock.now from (select clock_timestamp() as now) clock
     left join key_uses on true`,
  );
  const uses = found.flatMap(({ list, id, first_used_at, last_used_at }): KeyUse[] =>
    list === null ? [] : [{ list, id, firstUsedAt: first_used_at.getTime(), lastUsedAt: last_used_at.getTime() }],
  );
  return { uses, now: found[0]?.now.getTime() ?? 0 };
}
