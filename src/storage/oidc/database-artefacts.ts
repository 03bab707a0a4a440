// Models that last: grants and refresh tokens, in the database.
import { type AdapterPayload, errors } from 'oidc-provider';
import { fingerprint } from '../../platform/hashes.ts';
import { type Db, one, rows } from '../postgres/statement.ts';
import type { ModelPlace } from './models.ts';

/** What an adapter needs of either kind of place. `expiresIn` in seconds. */
export interface Artefacts {
  upsert(id: string, payload: AdapterPayload, expiresIn: number | undefined): Promise<void>;
  find(id: string): Promise<AdapterPayload | undefined>;
  /** @throws errors.InvalidGrant where it is used already or gone; its grant is revoked then. */
  consume(id: string): Promise<void>;
  destroy(id: string): Promise<void>;
  revokeByGrantId(grantId: string): Promise<void>;
}

/** A dump of the database must hold nothing that can be presented: `jti` is the token itself. */
function withoutId(payload: AdapterPayload): AdapterPayload {
  const { jti: _secret, ...rest } = payload;
  return rest;
}

/** Artefacts of one model in the database. @param revokeFamily revokes all that a grant has given. */
export function databaseArtefacts(
  db: Db,
  model: string,
  place: ModelPlace,
  revokeFamily: (grantId: string) => Promise<void>,
): Artefacts {
  const stored = (id: string) => (place.bearer ? fingerprint(id) : id);
  const find = async (id: string) => {
    const [found] = await rows<{ payload: AdapterPayload; consumed: string | null }>(
      db,
      `select payload, extract(epoch from consumed_at)::bigint as consumed from oidc_artefacts
       where model = ? and id = ? and (expires_at is null or expires_at > clock_timestamp())`,
      [model, stored(id)],
    );
    if (!found) return undefined;
    return { ...found.payload, jti: id, ...(found.consumed === null ? {} : { consumed: Number(found.consumed) }) };
  };
  return {
    find,
    async upsert(id, payload, expiresIn) {
      await rows(
        db,
        `insert into oidc_artefacts (model, id, payload, grant_id, account_id, expires_at)
         values (?, ?, ?, ?, ?, clock_timestamp() + make_interval(secs => ?::float8))
         on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
           account_id = excluded.account_id, expires_at = excluded.expires_at`,
        [
          model,
          stored(id),
          JSON.stringify(withoutId(payload)),
          payload.grantId ?? null,
          payload.accountId ?? null,
          expiresIn ?? null,
        ],
      );
    },
    async consume(id) {
      const first = await one(
        db,
        `update oidc_artefacts set consumed_at = clock_timestamp()
         where model = ? and id = ? and consumed_at is null and (expires_at is null or expires_at > clock_timestamp()) returning id`,
        [model, stored(id)],
      );
      if (first) return;
      // Used twice: one of the two is a thief, and nobody knows which (RFC 9700 section 4.14.2).
      const grantId = (await find(id))?.grantId;
      if (grantId) await revokeFamily(grantId);
      throw new errors.InvalidGrant(`${model} already used`);
    },
    async destroy(id) {
      await rows(db, 'delete from oidc_artefacts where model = ? and id = ?', [model, stored(id)]);
    },
    async revokeByGrantId(grantId) {
      await rows(db, 'delete from oidc_artefacts where model = ? and grant_id = ?', [model, grantId]);
    },
  };
}
