// What a phone may know about itself (protocol section 8, `self`).
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import type { Self } from '../protocol/messages.ts';
import { type Refused, refuse } from './refused.ts';

/** The device as the server keeps it, without any secret. */
export async function describeDevice(
  world: Pick<World, 'records'>,
  device: Device,
): Promise<{ ok: true; self: Self } | Refused<'device_removed'>> {
  const user = await world.records.users.byId(device.userId);
  if (!user || device.state === 'removed') return refuse('device_removed');
  return {
    ok: true,
    self: {
      state: device.ownerDisabled ? 'locked' : device.state,
      name: device.name,
      account: user.login,
      added: Math.floor(device.addedAt / 1000),
      ...(device.lastUsedAt === undefined ? {} : { last_used: Math.floor(device.lastUsedAt / 1000) }),
      push: device.push,
      biometric: device.biometric,
    },
  };
}
