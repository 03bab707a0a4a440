// Signing keys that rotation made, in the database that all nodes share; private parts are sealed under the kek.
import type { Knex } from 'knex';
import type { Sealed } from '../../domain/device.ts';
import type { Vault } from '../../domain/ports.ts';
import { createAudit } from './audit.ts';
import { type Db, one, rows } from './statement.ts';

/** Any number of our own: only one node rotates at a time. */
const ROTATING = 726_140_003;

/** A private JWK (RFC 7517) with what we need of it. */
export interface PrivateJwk {
  kid: string;
  alg: string;
  [member: string]: unknown;
}

/** A row: without `jwk` only the note that a kid is retired. Times in milliseconds. */
export interface StoredKey {
  kid: string;
  signsFrom: number;
  retired: boolean;
  jwk?: PrivateJwk;
}

/** Binds a sealed key to its row. */
export const signingKeyAad = (kid: string) => `signing-key:${kid}`;

/** Every row, and the database's own time in milliseconds. @throws Error where a key cannot be opened: its kek is no longer in keys.yaml. */
export async function storedKeys(db: Db, vault: Vault): Promise<{ keys: StoredKey[]; now: number }> {
  interface Row {
    kid: string | null;
    sealed: Sealed | null;
    signs_from: Date | null;
    retired_at: Date | null;
    now: Date;
  }
  const found = await rows<Row>(
    db,
    `select kid, sealed, signs_from, retired_at, clock.now from (select clock_timestamp() as now) clock
     left join signing_keys on true order by signing_keys.signs_from desc, kid`,
  );
  const keys = found.flatMap(({ kid, sealed, signs_from, retired_at }): StoredKey[] => {
    if (kid === null || signs_from === null) return [];
    const common = { kid, signsFrom: signs_from.getTime(), retired: retired_at !== null };
    return sealed === null || common.retired ? [common] : [{ ...common, jwk: opened(vault, kid, sealed) }];
  });
  return { keys, now: found[0]?.now.getTime() ?? 0 };
}

function opened(vault: Vault, kid: string, sealed: Sealed): PrivateJwk {
  const bytes = vault.open(sealed, signingKeyAad(kid));
  if (!bytes) throw new Error(`the signing key ${kid} cannot be opened: the kek that sealed it must stay in keys.yaml`);
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as PrivateJwk;
}

/**
 * Runs `work` while no other node rotates; it answers the keys to add, which sign `after` milliseconds from now on.
 * Make them before: RSA takes long, and a transaction must not.
 */
export async function addSigningKeys(
  knex: Knex,
  vault: Vault,
  after: number,
  actor: 'cli' | 'system',
  work: (stored: { keys: StoredKey[]; now: number }) => readonly PrivateJwk[],
): Promise<string[]> {
  return knex.transaction(async (trx) => {
    await rows(trx, 'select pg_advisory_xact_lock(?)', [ROTATING]);
    const added = work(await storedKeys(trx, vault));
    for (const jwk of added) {
      const sealed = vault.seal(Buffer.from(JSON.stringify(jwk)), signingKeyAad(jwk.kid));
      await rows(
        trx,
        `insert into signing_keys (kid, alg, sealed, signs_from)
         values (?, ?, ?, clock_timestamp() + make_interval(secs => ?))`,
        [jwk.kid, jwk.alg, JSON.stringify(sealed), after / 1000],
      );
      const detail = { kid: jwk.kid, alg: jwk.alg };
      await createAudit(trx).record({ event: 'sys_key_added', outcome: 'success', actor, detail });
    }
    return added.map(({ kid }) => kid);
  });
}

/** Takes a key out at once and for good: its private part is deleted. Also for kids of keys.yaml. False where it already was. */
export async function retireSigningKey(knex: Knex, kid: string): Promise<boolean> {
  return knex.transaction(async (trx) => {
    const retired = await one(
      trx,
      `insert into signing_keys (kid, retired_at) values (?, clock_timestamp())
       on conflict (kid) do update set retired_at = clock_timestamp(), sealed = null, alg = null
       where signing_keys.retired_at is null returning kid`,
      [kid],
    );
    if (retired)
      await createAudit(trx).record({ event: 'sys_key_retired', outcome: 'success', actor: 'cli', detail: { kid } });
    return retired;
  });
}
