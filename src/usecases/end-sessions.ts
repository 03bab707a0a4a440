// Ends every sign-in of a person, whatever the reason, and lets the services know that hold one.
import type { Records, World } from '../domain/ports.ts';
import { keepLogout } from './tell-logout.ts';

/**
 * Ends all sessions and tokens on every node, and keeps the news for the services that were given any. Call it inside `atomically`, and
 * {@link endWaiting} after it.
 */
export async function endEverySession(
  world: Pick<World, 'random' | 'vault'>,
  records: Records,
  userId: string,
): Promise<void> {
  for (const clientId of await records.users.endSessions(userId))
    await keepLogout(world, records, { clientId, sub: userId });
}

/** Ends the sign-ins that wait for a phone (whoever started them may have been let in by what just ended), and has services told now. */
export async function endWaiting(world: Pick<World, 'transactions' | 'courier'>, userId: string): Promise<void> {
  const pending = await world.transactions.pendingOf(userId);
  await Promise.all(pending.map((transaction) => world.transactions.end(transaction.id)));
  world.courier.wake();
}
