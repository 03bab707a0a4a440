// Keeps the news that a session has ended for a service that wants it, until it has been told (OpenID Connect Back-Channel Logout 1.0).
import { deliveryAad } from '../domain/delivery.ts';
import type { World } from '../domain/ports.ts';
import { ReadOnly } from '../platform/unavailable.ts';

/** Whose session has ended, for which service, under the service's own session id. */
export interface LogoutNotice {
  clientId: string;
  sub: string;
  sid: string;
}

/** A service that is away for longer than a day has long lost its own sessions. */
const WORTH_TELLING = 86_400;

/** Written before the person is told that they are signed out. Where nothing may be written the service is told at once. */
export async function tellLogout(
  world: Pick<World, 'records' | 'random' | 'vault' | 'courier'>,
  { clientId, sub, sid }: LogoutNotice,
): Promise<void> {
  const id = world.random.id();
  const content = world.vault.seal(Buffer.from(JSON.stringify({ sub, sid })), deliveryAad(id));
  const delivery = { id, kind: 'logout', clientId, content } as const;
  try {
    await world.records.deliveries.add(delivery, { dueIn: 0, expiresIn: WORTH_TELLING });
  } catch (error) {
    if (!(error instanceof ReadOnly)) throw error;
    world.courier.hold(delivery, WORTH_TELLING);
    return;
  }
  world.courier.wake();
}
