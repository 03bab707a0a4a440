// Models that last: grants and refresh tokens, in the database.
import { createHmac } from 'node:crypto';
import { type AdapterPayload, errors } from 'oidc-provider';
import { fingerprint } from '../../platform/hashes.ts';
import type { Random } from '../../platform/random.ts';
import { ReadOnly } from '../../platform/unavailable.ts';
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

/** What lets a used token come once more. */
export interface Repeats {
  /** Seconds after the use. */
  grace(): number;
  random: Random;
}

/** A dump of the database must hold nothing that can be presented: `jti` is the token itself. */
function withoutId(payload: AdapterPayload): AdapterPayload {
  const { jti: _secret, ...rest } = payload;
  return rest;
}

/**
 * JSON that jsonb can hold: NUL and half a pair of surrogates, as a service may have sent them in `nonce` or `claims`, become U+FFFD.
 * An escaped backslash is taken whole, so that text which only looks like an escape stays as it is.
 */
function storableJson(value: object): string {
  return JSON.stringify(value).replaceAll(/\\\\|\\u(?:0000|d[89a-f][0-9a-f]{2})/g, (found) =>
    found === '\\\\' ? found : '\ufffd',
  );
}

/**
 * The token that follows this one: base64url, 44 characters as every refresh token (264 bits). Neither the token nor the database
 * alone tells it, and it is the same however often it is made, so that a family has one line and never two.
 */
function successorOf(id: string, salt: string): string {
  return createHmac('sha512', salt).update(id).digest('base64url').slice(0, 44);
}

/**
 * Artefacts of one model in the database. What is repeatable is found with its `successor`.
 * @param revokeFamily revokes all that a grant has given. @param repeats lets repeatable ones come once more.
 */
export function databaseArtefacts(
  db: Db,
  model: string,
  place: ModelPlace,
  revokeFamily: (grantId: string) => Promise<void>,
  repeats?: Repeats,
): Artefacts {
  const stored = (id: string) => (place.bearer ? fingerprint(id) : id);
  const find = async (id: string) => {
    const [found] = await rows<{
      payload: AdapterPayload;
      consumed: string | null;
      salt: string | null;
      again: boolean | null;
    }>(
      db,
      `select payload, extract(epoch from consumed_at)::bigint as consumed, successor_salt as salt,
         repeated_at is null and consumed_at > clock_timestamp() - make_interval(secs => ?::float8) as again from oidc_artefacts
       where model = ? and id = ? and (expires_at is null or expires_at > clock_timestamp())`,
      [repeats?.grace() ?? 0, model, stored(id)],
    );
    if (!found) return undefined;
    const { payload, consumed, salt, again } = found;
    // Told as unused: whether it really may come once more, `consume` decides.
    const used = consumed !== null && !(again && salt !== null);
    return {
      ...payload,
      jti: id,
      ...(used ? { consumed: Number(consumed) } : {}),
      ...(salt === null ? {} : { successor: successorOf(id, salt) }),
    };
  };
  /** One more use of what was used a moment ago, if what followed was not used itself: then the answer had arrived. */
  const repeat = async (id: string, successor: unknown) =>
    typeof successor === 'string' &&
    one(
      db,
      `update oidc_artefacts set repeated_at = clock_timestamp()
       where model = ? and id = ? and repeated_at is null and consumed_at > clock_timestamp() - make_interval(secs => ?::float8)
         and not exists (select from oidc_artefacts later where later.model = oidc_artefacts.model and later.id = ?
           and later.consumed_at is not null) returning id`,
      [model, stored(id), repeats?.grace() ?? 0, stored(successor)],
    );
  return {
    find,
    async upsert(id, payload, expiresIn) {
      await rows(
        db,
        `insert into oidc_artefacts (model, id, payload, grant_id, account_id, successor_salt, expires_at)
         values (?, ?, ?, ?, ?, ?, clock_timestamp() + make_interval(secs => ?::float8))
         on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
           account_id = excluded.account_id, expires_at = excluded.expires_at`,
        [
          model,
          stored(id),
          storableJson(withoutId(payload)),
          payload.grantId ?? null,
          payload.accountId ?? null,
          place.repeatable ? (repeats?.random.id(32) ?? null) : null,
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
      const found = await find(id);
      if (await repeat(id, found?.successor)) return;
      // Used twice: one of the two is a thief, and nobody knows which (RFC 9700 section 4.14.2).
      const grantId = found?.grantId;
      if (grantId) await revokeFamily(grantId);
      throw new errors.InvalidGrant(`${model} already used`);
    },
    async destroy(id) {
      await rows(db, 'delete from oidc_artefacts where model = ? and id = ?', [model, stored(id)]);
    },
    async revokeByGrantId(grantId) {
      try {
        await rows(db, 'delete from oidc_artefacts where model = ? and grant_id = ?', [model, grantId]);
      } catch (error) {
        // Where there is nothing to revoke, nothing has to be written: signing out goes on.
        const any = 'select 1 as any from oidc_artefacts where model = ? and grant_id = ? limit 1';
        if (!(error instanceof ReadOnly) || (await one(db, any, [model, grantId]))) throw error;
      }
    },
  };
}
