// Where a phone may be woken (protocol section 4, E6): taken only for a push service that we may call.
import type { Device } from '../domain/device.ts';
import type { PushSubscription, World } from '../domain/ports.ts';
import { type Refused, refuse } from './refused.ts';

/** Keeps the subscription of a phone, or deletes it where it is null. */
export async function setPush(
  world: Pick<World, 'records' | 'push'>,
  { device, subscription }: { device: Device; subscription: PushSubscription | null },
): Promise<{ ok: true } | Refused<'malformed' | 'device_removed'>> {
  if (subscription && !world.push.accepts(subscription.endpoint)) return refuse('malformed');
  const sealed = subscription ? world.push.seal(device.id, subscription) : undefined;
  return (await world.records.devices.setPush(device.id, sealed)) ? { ok: true } : refuse('device_removed');
}
