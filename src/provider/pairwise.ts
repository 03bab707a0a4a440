// Pairwise subjects: each sector sees a person under a name of its own (OpenID Connect Core section 8.1).
import { hmac } from '../platform/hashes.ts';
import type { KeySettings } from '../settings/settings.ts';

/**
 * The subject of a person for a sector, 43 characters: HMAC-SHA256 under the oldest pepper. A pepper that is put in front changes
 * nothing, so that the names stay over a rotation and are the same on every node.
 */
export function pairwiseSubject(peppers: KeySettings['peppers'], sector: string, userId: string): string {
  const oldest = peppers.at(-1);
  if (!oldest) throw new TypeError('pairwise subjects need a pepper');
  const key = Buffer.from(oldest.secret.reveal(), 'base64url');
  return Buffer.from(hmac(key, `pairwise|${sector}|${userId}`)).toString('base64url');
}
