// The PIN of a phone: counted in PostgreSQL before it is looked at, and the ratchet that gives copied phones away (protocol sections 6 and 7).
import { type Device, PIN_TRIES, type PinVerifier } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import { type Refused, refuse } from './refused.ts';
import { tellPerson } from './tell-person.ts';

type Needs = Pick<World, 'records' | 'vault' | 'random' | 'mailer' | 'log' | 'transactions'>;

/** A right PIN under reservation `failures`: what the settling statement needs. `ratchet` is the new value that the phone is told. */
export interface RightPin {
  failures: number;
  presented: string;
  ratchet: string;
  next: string;
  verifier: PinVerifier;
}

/** Why a device may not act at all. */
export type DeviceRefusal = Refused<'device_removed' | 'device_locked' | 'device_cloned'>;

/** Every way in which a PIN is refused. */
export type PinRefusal = DeviceRefusal | Refused<'pin_backoff' | 'wrong_pin'>;

/**
 * Whether the device may act: 410 where it was removed, 423 where it is locked. That of a disabled person is as good as locked: it must
 * neither act nor, as on 410, throw its keys away, since the person may be enabled again.
 */
export function deviceRefusal(device: Device | undefined): DeviceRefusal | undefined {
  if (!device || device.state === 'removed') return refuse('device_removed');
  if (device.state === 'locked') return refuse(device.lockReason === 'cloned' ? 'device_cloned' : 'device_locked');
  if (device.ownerDisabled) return refuse('device_locked');
  return undefined;
}

/** Locks a device whose ratchet is none of the two newest: somebody answers with a copy. Checked before any PIN. */
export async function checkRatchet(world: Needs, device: Device, ratchet: string): Promise<DeviceRefusal | undefined> {
  const refusal = deviceRefusal(device);
  if (refusal) return refusal;
  if (await world.records.devices.ratchetKnown(device.id, fingerprint(ratchet))) return undefined;
  return lockCloned(world, device);
}

/** Locks a copied device; the first caller tells the person. */
export async function lockCloned(world: Needs, device: Device): Promise<DeviceRefusal> {
  if (await world.records.devices.lockCloned(device.id)) {
    await locked(world, device, 'cloned');
    return refuse('device_cloned');
  }
  return deviceRefusal(await world.records.devices.byId(device.id)) ?? refuse('device_cloned');
}

/** Reserves a try, then compares. Nothing is settled yet: the caller commits {@link RightPin} with what the PIN is for. */
export async function checkPin(
  world: Needs,
  device: Device,
  { pinTag, ratchet }: { pinTag: Uint8Array; ratchet: string },
): Promise<({ ok: true } & RightPin) | PinRefusal> {
  const reserved = await world.records.devices.reservePin(device.id);
  if (!reserved.ok) {
    if (reserved.why === 'blocked') return refuse('pin_backoff', { retryAfter: reserved.retryAfter });
    if (reserved.why === 'removed') return refuse('device_removed');
    return deviceRefusal(await world.records.devices.byId(device.id)) ?? refuse('device_locked');
  }
  if (!world.vault.peppered(pinTag, reserved.verifier)) return wrongPin(world, device, reserved.failures);
  const next = world.random.id();
  return {
    ok: true,
    failures: reserved.failures,
    presented: fingerprint(ratchet),
    ratchet: next,
    next: fingerprint(next),
    verifier: world.vault.pepper(pinTag),
  };
}

async function wrongPin(world: Needs, device: Device, failures: number): Promise<Refused<'wrong_pin'>> {
  const remaining = Math.max(PIN_TRIES - failures, 0);
  if (remaining === 0 && (await world.records.devices.lockAfterWrongPin(device.id))) await locked(world, device, 'pin');
  // The reservation blocks from the third failure on: 60 s, then doubling (protocol section 6).
  return refuse('wrong_pin', {
    remaining,
    ...(failures >= 3 && remaining > 0 ? { retryAfter: 60 * 2 ** (failures - 3) } : {}),
  });
}

async function locked(world: Needs, device: Device, reason: 'pin' | 'cloned'): Promise<void> {
  const event = reason === 'cloned' ? 'device_cloned' : 'device_locked';
  // Known browsers end with a lock (protocol section 5): the next sign-in is asked by QR code.
  await world.records.knownBrowsers.forgetAll(device.userId);
  await world.records.audit.record({ event, outcome: 'failure', reason, sub: device.userId, factor: device.id });
  await world.transactions.touchUser(device.userId);
  await tellPerson(world, device.userId, { about: event, device: device.name });
}
