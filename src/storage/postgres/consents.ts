// What people have allowed services that are not first-party.
import { bothConsents, type Consent } from '../../domain/consent.ts';
import type { Consents } from '../../domain/ports.ts';
import { type Db, one, rows } from './statement.ts';

/** The port {@link Consents}. */
export function createConsents(db: Db): Consents {
  const of = async (userId: string, clientId: string) => {
    const found = await rows<{ granted: Consent }>(
      db,
      'select granted from consents where user_id = ? and client_id = ?',
      [userId, clientId],
    );
    return found[0]?.granted;
  };
  return {
    of,
    async all(userId) {
      const found = await rows<{ client_id: string; given: string }>(
        db,
        `select client_id, (extract(epoch from given_at) * 1000)::bigint as given from consents
         where user_id = ? order by given_at desc, client_id`,
        [userId],
      );
      return found.map(({ client_id, given }) => ({ clientId: client_id, givenAt: Number(given) }));
    },
    async add(userId, clientId, consent) {
      // Two at once: one of the two is forgotten, and asked for once more.
      const before = await of(userId, clientId);
      await rows(
        db,
        `insert into consents (user_id, client_id, granted) values (?, ?, ?)
         on conflict (user_id, client_id) do update set granted = excluded.granted, given_at = clock_timestamp()`,
        [userId, clientId, JSON.stringify(before ? bothConsents(before, consent) : consent)],
      );
    },
    async takeBack(userId, clientId) {
      // Grants first: what was given by them is worth nothing without them.
      await rows(
        db,
        `delete from oidc_artefacts where account_id = ? and model in ('Grant', 'RefreshToken') and payload->>'clientId' = ?`,
        [userId, clientId],
      );
      return one(db, 'delete from consents where user_id = ? and client_id = ? returning client_id', [
        userId,
        clientId,
      ]);
    },
  };
}
