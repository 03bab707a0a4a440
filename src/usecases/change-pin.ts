// A new PIN, set on the phone (protocol section 8): the old one is checked and counted as in an approval; verifier, offline key and ratchet change together.
import { type Device, offlineKeyAad } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { checkPin, checkRatchet, deviceRefusal, lockCloned, type PinRefusal } from './check-pin.ts';
import { key32 } from './complete-enrolment.ts';
import { type Refused, refuse } from './refused.ts';
import { tellPerson } from './tell-person.ts';

/** The ratchet that the phone must store before it says that the PIN is changed. */
export type ChangedPin = { ok: true; ratchet: string } | PinRefusal | Refused<'malformed' | 'unknown_key'>;

type Needs = Pick<World, 'records' | 'atomically' | 'vault' | 'random' | 'transactions' | 'mailer' | 'log'>;

/** @param sec compact JWE of `{device, old_tag, pin_tag, k_off}`. */
export async function changePin(
  world: Needs,
  { device, ratchet, sec }: { device: Device; ratchet: string; sec: string },
): Promise<ChangedPin> {
  const copied = deviceRefusal(device) ?? (await checkRatchet(world, device, ratchet));
  if (copied) return copied;
  const opened = await world.vault.unseal(sec);
  if (!opened.ok) return refuse(opened.why);
  const { old_tag, pin_tag, k_off, ...rest } = opened.plaintext;
  const [oldTag, pinTag, offlineKey] = [key32(old_tag), key32(pin_tag), key32(k_off)];
  const isOurs = Object.keys(rest).length === 1 && rest.device === device.id;
  if (!oldTag || !pinTag || !offlineKey || !isOurs) return refuse('malformed');
  const pin = await checkPin(world, device, { pinTag: oldTag, ratchet });
  if (!pin.ok) return pin;

  const verifier = world.vault.pepper(pinTag);
  const sealed = world.vault.seal(offlineKey, offlineKeyAad(device.id));
  const changed = await world.atomically(async (records) => {
    if (!(await records.devices.changePin(device.id, pin.failures, pin.presented, pin.next, verifier, sealed)))
      return false;
    await records.knownBrowsers.forgetAll(device.userId);
    const detail = { what: 'pin' };
    await records.audit.record({
      event: 'user_updated',
      outcome: 'success',
      sub: device.userId,
      factor: device.id,
      detail,
    });
    return true;
  });
  if (!changed) return deviceRefusal(await world.records.devices.byId(device.id)) ?? lockCloned(world, device);
  await tellPerson(world, device.userId, { about: 'pin_changed', device: device.name });
  return { ok: true, ratchet: pin.ratchet };
}
