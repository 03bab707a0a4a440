// What a person does with their phones on the account page: rename, remove (protocol section 8).
import { deviceName, type NameProblem } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { tellPerson } from './tell-person.ts';

/** Another person's device is unknown. */
export type RenamedDevice =
  | { ok: true; name: string }
  | { ok: false; why: 'unknown_device' }
  | { ok: false; why: 'name'; problem: NameProblem };

/** Gives a device another name. */
export async function renameDevice(
  world: Pick<World, 'records'>,
  { userId, deviceId, name }: { userId: string; deviceId: string; name: string },
): Promise<RenamedDevice> {
  const named = deviceName(name);
  if (!named.ok) return { ok: false, why: 'name', problem: named.why };
  if (!(await world.records.devices.rename(deviceId, userId, named.name))) return { ok: false, why: 'unknown_device' };
  await world.records.audit.record({ event: 'device_renamed', outcome: 'success', sub: userId, factor: deviceId });
  return { ok: true, name: named.name };
}

type Removes = Pick<World, 'records' | 'atomically' | 'transactions' | 'mailer' | 'log'>;

/** Removes a device with its verifier and keys, at once on every node; its open streams close. */
export async function removeDevice(
  world: Removes,
  { userId, deviceId, actor }: { userId: string; deviceId: string; actor?: string },
): Promise<{ ok: true } | { ok: false; why: 'unknown_device' }> {
  const device = await world.records.devices.byId(deviceId);
  if (device?.userId !== userId) return { ok: false, why: 'unknown_device' };
  const removed = await world.atomically(async (records) => {
    if (!(await records.devices.remove(deviceId, userId))) return false;
    await records.users.factorsChanged(userId);
    await records.knownBrowsers.forgetAll(userId);
    await records.audit.record({
      event: 'device_removed',
      outcome: 'success',
      sub: userId,
      factor: deviceId,
      ...(actor === undefined ? {} : { actor }),
    });
    return true;
  });
  if (!removed) return { ok: false, why: 'unknown_device' };
  await world.transactions.touchUser(userId);
  await tellPerson(world, userId, { about: 'device_removed', device: device.name });
  return { ok: true };
}
