// A person ends every sign-in to their account, in all browsers and at all services: somebody else may be among them.
import type { World } from '../domain/ports.ts';
import { endEverySession, endWaiting } from './end-sessions.ts';

/** Ends sessions, tokens, known browsers, and the sign-ins that wait for a phone. It takes, and gives nobody anything: no fresh proof is asked for. */
export async function signOutEverywhere(
  world: Pick<World, 'atomically' | 'transactions' | 'random' | 'vault' | 'courier'>,
  { userId, ip }: { userId: string; ip: string },
): Promise<void> {
  await world.atomically(async (records) => {
    await endEverySession(world, records, userId);
    await records.knownBrowsers.forgetAll(userId);
    await records.audit.record({ event: 'session_ended', outcome: 'success', reason: 'everywhere', sub: userId, ip });
  });
  await endWaiting(world, userId);
}
