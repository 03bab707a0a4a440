// Writes the device that an enrolment ends with, in one commit with its audit: from the phone's own message, or from the typed check.
import type { Enrolment } from '../domain/enrolment.ts';
import type { NewDevice, World } from '../domain/ports.ts';
import { fromBase64url, toBase64url, utf8 } from '../protocol/bytes.ts';
import { type Refused, refuse } from './refused.ts';
import { enrolmentPepper } from './start-enrolment.ts';
import { tellPerson } from './tell-person.ts';

type Needs = Pick<World, 'records' | 'atomically' | 'enrolments' | 'rules' | 'mailer' | 'log'>;

/** What the two ends of an enrolment touch: the phone's own message, and the check digits typed on the account page. */
export type Finishing = Pick<
  World,
  | 'records'
  | 'atomically'
  | 'enrolments'
  | 'vault'
  | 'passwords'
  | 'random'
  | 'rules'
  | 'scratch'
  | 'clock'
  | 'mailer'
  | 'log'
>;

/** Why an enrolment ends without a device. */
export type CompletionRefusal = Refused<
  | 'malformed'
  | 'unknown_key'
  | 'nonce'
  | 'wrong_pin'
  | 'enrolment_claimed'
  | 'enrolment_expired'
  | 'enrolment_cancelled'
>;

/** The first ratchet of an enrolment's device, made from our pepper instead of dice: the same again for a phone that lost the answer, and nothing to keep. */
export function firstRatchet(world: Pick<World, 'vault'>, enrolment: Enrolment): string {
  const { id, nonce } = enrolment;
  const { mac } = world.vault.pepper(utf8(`first-ratchet|${id}|${nonce}`), enrolmentPepper(enrolment));
  return toBase64url((fromBase64url(mac) ?? new Uint8Array(0)).slice(0, 16));
}

/** Whether the person has this device active, written by the enrolment whose first ratchet this is. */
export async function stands(
  world: Pick<World, 'records'>,
  userId: string,
  id: string,
  ratchet: string,
): Promise<boolean> {
  const device = await world.records.devices.byId(id);
  return device?.userId === userId && device.state === 'active' && world.records.devices.ratchetKnown(id, ratchet);
}

/**
 * Writes the device with its audit in one commit, then ends the enrolment. The person must still be active and no factor may have
 * changed since the offer was made; raising the version first makes two writers of one person wait for each other.
 * @returns undefined where the device stands.
 */
export async function addDevice(
  world: Needs,
  enrolment: Enrolment,
  written: NewDevice,
  from: readonly ('scanned' | 'confirm')[],
): Promise<CompletionRefusal | undefined> {
  const { userId } = enrolment;
  const { devicesPerAccount } = world.rules();
  const committed = await world
    .atomically(async (records) => {
      await records.users.factorsChanged(userId);
      const user = await records.users.byId(userId);
      if (user?.state !== 'active' || user.factorsVersion !== enrolment.factorsVersion + 1) throw new NotAdded();
      if ((await records.devices.ofUser(userId)).length >= devicesPerAccount) throw new NotAdded();
      if (!(await records.devices.insert(written))) throw new NotAdded();
      await records.knownBrowsers.forgetAll(userId);
      await records.audit.record({ event: 'device_added', outcome: 'success', sub: userId, factor: written.device.id });
      return true;
    })
    .catch((error: unknown) => {
      // Thrown so that the raised version is rolled back with the rest.
      if (error instanceof NotAdded) return false;
      throw error;
    });
  // The same message came twice, at once or after a crash between the commit and the move: the device that it wrote stands.
  if (!committed && !(await stands(world, userId, written.device.id, written.ratchet))) {
    await world.enrolments.move(enrolment.id, from, 'cancelled');
    return refuse('enrolment_cancelled');
  }
  const move = await world.enrolments.move(enrolment.id, from, 'done');
  if (!move.ok && move.now?.state === 'done') return undefined;
  if (!move.ok) return undo(world, userId, written.device.id, move.now);
  await tellPerson(world, userId, { about: 'device_added', device: written.device.name });
  return undefined;
}

class NotAdded extends Error {
  override name = 'NotAdded';
}

/** A second key or a cancelling click came first: the device that was just written must not stay. */
async function undo(
  world: Needs,
  userId: string,
  deviceId: string,
  now: Enrolment | undefined,
): Promise<CompletionRefusal> {
  await world.atomically(async (records) => {
    if (!(await records.devices.remove(deviceId, userId))) return;
    await records.users.factorsChanged(userId);
    await records.audit.record({
      event: 'device_removed',
      outcome: 'success',
      reason: now?.state ?? 'expired',
      sub: userId,
      factor: deviceId,
    });
  });
  return refuse(now ? endOf(now) : 'enrolment_expired');
}

/** What an enrolment that no longer waits for this message answers. */
export function endOf({ state }: Enrolment): 'enrolment_claimed' | 'enrolment_expired' | 'enrolment_cancelled' {
  if (state === 'contested') return 'enrolment_claimed';
  return state === 'cancelled' ? 'enrolment_cancelled' : 'enrolment_expired';
}
