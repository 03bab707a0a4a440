// Keeps the news that a session has ended for a service that wants it, until it has been told (OpenID Connect Back-Channel Logout 1.0).
import { type Delivery, deliveryAad } from '../domain/delivery.ts';
import type { World } from '../domain/ports.ts';
import { ReadOnly } from '../platform/unavailable.ts';

/** Whose session has ended, for which service, under the service's own session id; without one all of the person's have. */
export interface LogoutNotice {
  clientId: string;
  sub: string;
  sid?: string;
}

/** A service that is away for longer than a day has long lost its own sessions. */
const WORTH_TELLING = 86_400;

/** Writes it into the outbox, with what the records are part of; the courier is to be woken afterwards. */
export async function keepLogout(
  world: Pick<World, 'random' | 'vault'>,
  records: Pick<World['records'], 'deliveries'>,
  notice: LogoutNotice,
): Promise<void> {
  await records.deliveries.add(sealed(world, notice), { dueIn: 0, expiresIn: WORTH_TELLING });
}

function sealed({ random, vault }: Pick<World, 'random' | 'vault'>, { clientId, sub, sid }: LogoutNotice): Delivery {
  const id = random.id();
  const content = vault.seal(Buffer.from(JSON.stringify({ sub, sid })), deliveryAad(id));
  return { id, kind: 'logout', clientId, content };
}

/** Written before the person is told that they are signed out. Where nothing may be written the service is told at once. */
export async function tellLogout(
  world: Pick<World, 'records' | 'random' | 'vault' | 'courier'>,
  notice: LogoutNotice,
): Promise<void> {
  const delivery = sealed(world, notice);
  try {
    await world.records.deliveries.add(delivery, { dueIn: 0, expiresIn: WORTH_TELLING });
  } catch (error) {
    if (!(error instanceof ReadOnly)) throw error;
    world.courier.hold(delivery, WORTH_TELLING);
    return;
  }
  world.courier.wake();
}
