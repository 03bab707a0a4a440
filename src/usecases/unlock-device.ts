// Unlocks a phone that wrong PINs locked, after another phone has approved: two tries are left (protocol section 6). A copied phone stays locked.
import type { World } from '../domain/ports.ts';
import { tellPerson } from './tell-person.ts';

/** `cloned`: only a new enrolment helps. `no_other_phone`: nothing stronger than a password speaks for it. */
export type UnlockedDevice = { ok: true } | { ok: false; why: 'unknown_device' | 'cloned' | 'no_other_phone' };

/** Unlocks this person's device. The caller has made sure of a fresh proof by the account's highest level. */
export async function unlockDevice(
  world: Pick<World, 'records' | 'atomically' | 'mailer' | 'log'>,
  { userId, deviceId }: { userId: string; deviceId: string },
): Promise<UnlockedDevice> {
  const devices = await world.records.devices.ofUser(userId);
  const device = devices.find((one) => one.id === deviceId);
  if (device?.state !== 'locked') return { ok: false, why: 'unknown_device' };
  if (device.lockReason !== 'pin') return { ok: false, why: 'cloned' };
  if (!devices.some((one) => one.state === 'active')) return { ok: false, why: 'no_other_phone' };
  const unlocked = await world.atomically(async (records) => {
    if (!(await records.devices.unlock(deviceId, userId))) return false;
    await records.audit.record({ event: 'device_unlocked', outcome: 'success', sub: userId, factor: deviceId });
    return true;
  });
  if (!unlocked) return { ok: false, why: 'unknown_device' };
  await tellPerson(world, userId, { about: 'device_unlocked', device: device.name });
  return { ok: true };
}
