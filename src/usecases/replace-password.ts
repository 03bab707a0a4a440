// Writes a new password, and ends everything that hung on the old one, in one commit.
import type { Records, World } from '../domain/ports.ts';
import { endEverySession } from './end-sessions.ts';

/** Ends what hung on the old password: sessions, tokens, links, known browsers, enrolments under way. Call it inside `atomically`. */
export async function replacePassword(
  world: Pick<World, 'random' | 'vault'>,
  records: Records,
  change: { userId: string; hash: string; reason: 'changed' | 'reset' | 'invited'; ip?: string },
): Promise<void> {
  const { userId, hash, reason, ip } = change;
  await records.users.setPasswordHash(userId, hash);
  await records.users.factorsChanged(userId);
  await records.tickets.cancelAll(userId);
  await records.knownBrowsers.forgetAll(userId);
  await endEverySession(world, records, userId);
  await records.audit.record({
    event: 'authn_password_change',
    outcome: 'success',
    sub: userId,
    reason,
    ...(ip === undefined ? {} : { ip }),
  });
}
