// The typed check (protocol section 4, E3, `pin.setup: phone`): the six digits that only the phone got, typed into the page that began the enrolment.
import type { NewDevice } from '../domain/ports.ts';
import { sameBytes } from '../platform/hashes.ts';
import { addDevice, type Finishing } from './add-device.ts';
import { sessionEnrolment } from './cancel-enrolment.ts';
import { ENROLMENT_TRIES, waitingKey } from './complete-enrolment.ts';

/** `session`: hash of the session that asks; it must be the one that began. */
export interface ConfirmEnrolment {
  enrolmentId: string;
  session: string;
  userId: string;
  check: string;
}

/** `remaining` tries. */
export type ConfirmedEnrolment =
  | { ok: true; deviceId: string }
  | { ok: false; why: 'unknown_enrolment' | 'not_waiting' | 'cancelled' }
  | { ok: false; why: 'wrong_check'; remaining: number };

/** Three tries, each counted before it is compared; then the device is written. */
export async function confirmEnrolment(world: Finishing, input: ConfirmEnrolment): Promise<ConfirmedEnrolment> {
  const enrolment = await sessionEnrolment(world, input);
  if (enrolment?.userId !== input.userId) return { ok: false, why: 'unknown_enrolment' };
  if (enrolment.state !== 'confirm' || enrolment.check === undefined) return { ok: false, why: 'not_waiting' };
  const tries = await world.enrolments.reserve(enrolment.id, 'checkTries');
  if (tries === undefined || tries > ENROLMENT_TRIES) return { ok: false, why: 'cancelled' };
  if (!sameBytes(enrolment.check, input.check.replaceAll(/\s/g, ''))) {
    const remaining = ENROLMENT_TRIES - tries;
    if (remaining <= 0) await world.enrolments.move(enrolment.id, ['confirm'], 'cancelled');
    return { ok: false, why: 'wrong_check', remaining };
  }
  // Taken, not read: of two right answers at once only one writes the device.
  const waiting = await world.scratch.take(waitingKey(enrolment.id));
  if (waiting === undefined) return { ok: false, why: 'not_waiting' };
  const written = JSON.parse(waiting) as NewDevice;
  const refusal = await addDevice(world, enrolment, written, ['confirm']);
  return refusal ? { ok: false, why: 'cancelled' } : { ok: true, deviceId: written.device.id };
}
