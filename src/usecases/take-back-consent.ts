// A person takes back what they have allowed a service: it is asked for anew, and what the service was given ends.
import type { World } from '../domain/ports.ts';

/**
 * Takes it back. Refresh tokens and opaque access tokens give nothing from now on; JWT access tokens end by themselves, within minutes.
 * @returns false where nothing was allowed.
 */
export function takeBackConsent(
  world: Pick<World, 'atomically'>,
  { userId, clientId }: { userId: string; clientId: string },
): Promise<boolean> {
  return world.atomically(async (records) => {
    if (!(await records.consents.takeBack(userId, clientId))) return false;
    await records.audit.record({
      event: 'user_updated',
      outcome: 'success',
      sub: userId,
      clientId,
      detail: { consent: 'taken back' },
    });
    return true;
  });
}
