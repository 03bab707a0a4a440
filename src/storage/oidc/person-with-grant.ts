// A person and one grant in one statement: almost every request of the provider needs both.
import type { AdapterPayload } from 'oidc-provider';
import type { User } from '../../domain/user.ts';
import { type Db, rows } from '../postgres/statement.ts';
import { COLUMNS, toUser, type UserRow } from '../postgres/users.ts';

/** Both as they stood at one moment. No `grant`: there is none by this id, or it has expired. */
export interface PersonWithGrant {
  user: User;
  grant?: AdapterPayload;
}

/** Reads both; undefined where there is no such person. */
export async function personWithGrant(db: Db, userId: string, grantId: string): Promise<PersonWithGrant | undefined> {
  const [found] = await rows<UserRow & { grant_payload: AdapterPayload | null }>(
    db,
    `select ${COLUMNS}, (select payload from oidc_artefacts where model = 'Grant' and oidc_artefacts.id = ?
       and (expires_at is null or expires_at > clock_timestamp())) as grant_payload
     from users where users.id = ?`,
    [grantId, userId],
  );
  if (!found) return undefined;
  const { grant_payload } = found;
  return { user: toUser(found), ...(grant_payload === null ? {} : { grant: { ...grant_payload, jti: grantId } }) };
}
