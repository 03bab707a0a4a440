// The rows that a kek seals: opened one by one and sealed anew under the newest, beside a server that runs; and those that no key opens.
import { deliveryAad } from '../../domain/delivery.ts';
import { offlineKeyAad, pushAad, type Sealed } from '../../domain/device.ts';
import type { Vault } from '../../domain/ports.ts';
import { signingKeyAad } from './signing-keys.ts';
import { type Db, one, rows } from './statement.ts';

/** A column that holds sealed values, and what binds each of them to its row. */
interface Place {
  what: string;
  table: string;
  key: string;
  column: string;
  aad: (key: string) => string;
}

/** Every column that holds a {@link Sealed}. What is sealed in Redis lives half an hour at most, and is left to end. */
const PLACES: readonly Place[] = [
  { what: 'signing keys', table: 'signing_keys', key: 'kid', column: 'sealed', aad: signingKeyAad },
  { what: 'offline keys of phones', table: 'devices', key: 'id', column: 'offline_key', aad: offlineKeyAad },
  { what: 'push addresses of phones', table: 'devices', key: 'id', column: 'push', aad: pushAad },
  { what: 'messages to services', table: 'deliveries', key: 'id', column: 'sealed', aad: deliveryAad },
];

/** Rows read at once. */
const BATCH = 200;

/** How far it is: rows under an older kek that were looked at, of one place. */
export interface ResealProgress {
  what: string;
  done: number;
  of: number;
}

/** `lost`: rows that no kek of keys.yaml opens; they are left as they are. */
export interface Resealed {
  resealed: number;
  lost: { what: string; kek: string; count: number }[];
}

interface Row {
  key: string;
  sealed: Sealed;
}

/**
 * Seals every row under the newest kek. Each row is a statement of its own that holds only where the row is still what was opened: it can be
 * interrupted at any moment, run again, and run twice at once, and a phone that changes its row meanwhile is not undone.
 * @param kekId of the newest kek, the one that `vault` seals under.
 */
export async function reseal(
  db: Db,
  vault: Pick<Vault, 'seal' | 'open'>,
  kekId: string,
  progress: (so: ResealProgress) => void,
): Promise<Resealed> {
  const answer: Resealed = { resealed: 0, lost: [] };
  for (const place of PLACES) {
    const of = await countOthers(db, place, kekId);
    let last = '';
    let done = 0;
    for (;;) {
      const batch = await others(db, place, kekId, last);
      if (batch.length === 0) break;
      for (const row of batch) {
        const opened = vault.open(row.sealed, place.aad(row.key));
        if (!opened) count(answer.lost, place.what, row.sealed.kek_id);
        else if (await replace(db, place, row, vault.seal(opened, place.aad(row.key)))) answer.resealed += 1;
      }
      done += batch.length;
      last = batch.at(-1)?.key ?? last;
      progress({ what: place.what, done, of: Math.max(of, done) });
    }
  }
  return answer;
}

async function countOthers(db: Db, { table, column }: Place, kekId: string): Promise<number> {
  const [found] = await rows<{ count: number }>(
    db,
    `select count(*)::integer as count from ${table} where ${column} ->> 'kek_id' <> ?`,
    [kekId],
  );
  return found?.count ?? 0;
}

const others = (db: Db, { table, key, column }: Place, kekId: string, after: string) =>
  rows<Row>(
    db,
    `select ${key} as key, ${column} as sealed from ${table}
     where ${key} > ? and ${column} ->> 'kek_id' <> ? order by ${key} limit ${BATCH}`,
    [after, kekId],
  );

const replace = (db: Db, { table, key, column }: Place, row: Row, fresh: Sealed) =>
  one(db, `update ${table} set ${column} = ? where ${key} = ? and ${column} ->> 'nonce' = ? returning ${key}`, [
    JSON.stringify(fresh),
    row.key,
    row.sealed.nonce,
  ]);

function count(lost: Resealed['lost'], what: string, kek: string): void {
  const known = lost.find((one) => one.what === what && one.kek === kek);
  if (known) known.count += 1;
  else lost.push({ what, kek, count: 1 });
}

/** The kek ids of which one row each does not open although keys.yaml has a kek of that name: its secret is another one. */
export async function otherSecrets(db: Db, vault: Pick<Vault, 'open'>, known: readonly string[]): Promise<string[]> {
  const wrong = new Set<string>();
  for (const { table, key, column, aad } of PLACES) {
    const samples = await rows<Row>(
      db,
      `select distinct on (${column} ->> 'kek_id') ${key} as key, ${column} as sealed from ${table} where ${column} is not null`,
    );
    for (const sample of samples)
      if (known.includes(sample.sealed.kek_id) && !vault.open(sample.sealed, aad(sample.key)))
        wrong.add(sample.sealed.kek_id);
  }
  return [...wrong].sort();
}
