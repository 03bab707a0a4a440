// The biometric of a phone, switched on and off by its person (protocol section 4, E5). The PIN stands before it: a copied phone must not add its own.
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { creationOptions, verifyCreation } from '../platform/webauthn.ts';
import type { Attestation, BiometricOffer } from '../protocol/biometric.ts';
import { checkPin, checkRatchet, deviceRefusal, lockCloned, type PinRefusal } from './check-pin.ts';
import { type Refused, refuse } from './refused.ts';
import { tellPerson } from './tell-person.ts';

/** Seconds that a challenge holds. */
const HOLDS = 120;

/** What is kept between the offer and its credential: the challenge, and the ratchet (hashed) that its PIN moved. */
interface Kept {
  challenge: string;
  ratchet: string;
}

const keptAt = (device: Device) => `webauthn:${device.id}`;

type Offers = Pick<World, 'records' | 'vault' | 'random' | 'transactions' | 'mailer' | 'log' | 'scratch' | 'rules'>;

/** After a right PIN: options for one new credential. A second offer ends the first. */
export async function offerBiometric(
  world: Offers,
  { device, ratchet, pinTag }: { device: Device; ratchet: string; pinTag: Uint8Array },
): Promise<{ ok: true; offer: BiometricOffer } | PinRefusal> {
  const copied = deviceRefusal(device) ?? (await checkRatchet(world, device, ratchet));
  if (copied) return copied;
  const user = await world.records.users.byId(device.userId);
  if (!user) return refuse('device_removed');
  const pin = await checkPin(world, device, { pinTag, ratchet });
  if (!pin.ok) return pin;
  const settled = await world.records.devices.settleRightPin(
    device.id,
    pin.failures,
    pin.presented,
    pin.next,
    pin.verifier,
  );
  if (!settled) return deviceRefusal(await world.records.devices.byId(device.id)) ?? lockCloned(world, device);
  const challenge = world.random.id(32);
  await world.scratch.set(keptAt(device), JSON.stringify({ challenge, ratchet: pin.next } satisfies Kept), HOLDS);
  const options = creationOptions(world.rules().appOrigin, {
    challenge,
    // A random handle: nothing on the phone tells whose credential this is on the server.
    user: { id: world.random.id(), name: user.login },
    seconds: HOLDS,
  });
  return { ok: true, offer: { options, ratchet: pin.ratchet } };
}

type Changes = Pick<World, 'records' | 'atomically' | 'scratch' | 'rules' | 'mailer' | 'log'>;

/** Takes the credential that was made for the last offer; it replaces an earlier one. */
export async function addBiometric(
  world: Changes,
  { device, attestation }: { device: Device; attestation: Attestation },
): Promise<{ ok: true } | Refused<'wrong_biometric'>> {
  const kept = await world.scratch.take(keptAt(device));
  if (kept === undefined) return refuse('wrong_biometric');
  const { challenge, ratchet } = JSON.parse(kept) as Kept;
  const credential = await verifyCreation(world.rules().appOrigin, challenge, attestation);
  if (!credential) return refuse('wrong_biometric');
  const added = await world.atomically(async (records) => {
    if (!(await records.devices.setBiometric(device.id, ratchet, credential))) return false;
    await note({ records }, 'biometric_added', device);
    return true;
  });
  // Since the offer the device was locked, or another message moved the ratchet: a new PIN ends an offer made with the old one.
  if (!added) return refuse('wrong_biometric');
  await tellPerson(world, device.userId, { about: 'biometric_added', device: device.name });
  return { ok: true };
}

/** Takes the biometric off; a phone that has none is told the same. */
export async function removeBiometric(world: Changes, device: Device): Promise<void> {
  await world.scratch.delete(keptAt(device));
  const removed = await world.atomically(async (records) => {
    if (!(await records.devices.clearBiometric(device.id))) return false;
    await note({ records }, 'biometric_removed', device);
    return true;
  });
  if (removed) await tellPerson(world, device.userId, { about: 'biometric_removed', device: device.name });
}

function note(
  { records }: Pick<World, 'records'>,
  event: 'biometric_added' | 'biometric_removed',
  device: Device,
): Promise<void> {
  return records.audit.record({ event, outcome: 'success', sub: device.userId, factor: device.id });
}
