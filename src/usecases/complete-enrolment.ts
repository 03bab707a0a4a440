// A phone finishes its enrolment (protocol section 4, E3): the PIN typed on it, its verifier and its sealed offline key become a device.
import { offlineKeyAad } from '../domain/device.ts';
import type { Enrolment } from '../domain/enrolment.ts';
import type { NewDevice } from '../domain/ports.ts';
import { fingerprint, sameBytes } from '../platform/hashes.ts';
import { fromBase64url } from '../protocol/bytes.ts';
import { deviceId, type PublicJwk } from '../protocol/derivations.ts';
import type { EnrolmentResult } from '../protocol/messages.ts';
import { addDevice, type CompletionRefusal, endOf, type Finishing, firstRatchet, stands } from './add-device.ts';
import { type Refused, refuse } from './refused.ts';
import { pepperedPin } from './start-enrolment.ts';

/** Wrong PINs, and wrong typed checks, that one enrolment takes. */
export const ENROLMENT_TRIES = 3;

/** The verified message of the key that claimed the enrolment. */
export interface CompleteEnrolment {
  enrolment: Enrolment;
  nonce: string;
  platform: string;
  /** Compact JWE of `{device, pin?, pin_tag, k_off}`. */
  sec: string;
}

/** The device, or with `pin.setup: phone` the six digits to be typed into the account page. */
export type CompletedEnrolment = { ok: true; result: EnrolmentResult } | CompletionRefusal;

/**
 * Checks the PIN where the browser set it, then writes the device. A phone that lost the answer sends the same again and gets the same
 * answer, without another check, as long as the enrolment lives: the PIN of the first message holds. @throws QueueFull
 */
export async function completeEnrolment(world: Finishing, input: CompleteEnrolment): Promise<CompletedEnrolment> {
  const { enrolment } = input;
  const again = enrolment.state === 'confirm' || enrolment.state === 'done';
  if (!again && enrolment.state !== 'scanned') return refuse(endOf(enrolment));
  if (!sameBytes(enrolment.nonce, input.nonce)) return refuse(again ? endOf(enrolment) : 'nonce');
  if (again) return sameAnswer(world, enrolment);
  const jwk = JSON.parse(enrolment.claimedJwk ?? '{}') as PublicJwk;
  const id = await deviceId(jwk);
  const secrets = await readSecrets(world, input.sec, id);
  if (!secrets.ok) return secrets;
  if ((secrets.pin !== undefined) !== (enrolment.setup === 'browser')) return refuse('malformed');
  const wrong = secrets.pin === undefined ? undefined : await checkEnrolmentPin(world, enrolment, secrets.pin);
  if (wrong) return wrong.why === 'wrong_pin' ? wrong : ((await finishedMeanwhile(world, enrolment.id)) ?? wrong);

  const ratchet = firstRatchet(world, enrolment);
  const written: NewDevice = {
    device: {
      id,
      userId: enrolment.userId,
      name: enrolment.deviceName,
      publicJwk: jwk,
      platform: input.platform,
      state: 'active',
      salt: enrolment.salt,
      kdf: { name: 'PBKDF2-SHA256', iterations: world.rules().kdfIterations },
      pinFailures: 0,
      addedAt: world.clock.now(),
      push: false,
      biometric: false,
    },
    installHash: enrolment.installHash ?? '',
    verifier: world.vault.pepper(secrets.pinTag),
    offline: world.vault.seal(secrets.offlineKey, offlineKeyAad(id)),
    ratchet: fingerprint(ratchet),
  };
  if (enrolment.setup === 'phone') return waitForCheck(world, enrolment, written, ratchet);
  const added = await addDevice(world, enrolment, written, ['scanned']);
  return added ?? { ok: true, result: { device_id: id, state: 'active', ratchet } };
}

/** The answer that was given already. Only for the device that this very enrolment wrote, and only while it has not answered twice since. */
async function sameAnswer(world: Finishing, enrolment: Enrolment): Promise<CompletedEnrolment> {
  const device_id = await deviceId(JSON.parse(enrolment.claimedJwk ?? '{}') as PublicJwk);
  const ratchet = firstRatchet(world, enrolment);
  const { state, check } = enrolment;
  if (state === 'confirm' && check !== undefined) return { ok: true, result: { device_id, state, check, ratchet } };
  const inTime = state === 'done' && enrolment.expiresAt > (await world.enrolments.now());
  if (!inTime || !(await stands(world, enrolment.userId, device_id, fingerprint(ratchet))))
    return refuse(endOf(enrolment));
  return { ok: true, result: { device_id, state: 'active', ratchet } };
}

/** Where the same message came twice at once, the other one may have finished while this one waited for its turn. */
async function finishedMeanwhile(world: Finishing, id: string): Promise<CompletedEnrolment | undefined> {
  const now = await world.enrolments.find(id);
  return now?.state === 'done' ? sameAnswer(world, now) : undefined;
}

type Secrets = { ok: true; pin?: string; pinTag: Uint8Array; offlineKey: Uint8Array };

async function readSecrets(
  world: Finishing,
  sec: string,
  device: string,
): Promise<Secrets | Refused<'malformed' | 'unknown_key'>> {
  const opened = await world.vault.unseal(sec);
  if (!opened.ok) return refuse(opened.why);
  const { pin, pin_tag, k_off, ...rest } = opened.plaintext;
  const pinTag = key32(pin_tag);
  const offlineKey = key32(k_off);
  const names = Object.keys(rest);
  if (!pinTag || !offlineKey || names.length !== 1 || rest.device !== device) return refuse('malformed');
  if (pin === undefined) return { ok: true, pinTag, offlineKey };
  return typeof pin === 'string' && /^[0-9]{1,64}$/.test(pin)
    ? { ok: true, pin, pinTag, offlineKey }
    : refuse('malformed');
}

/** The 32 bytes of a base64url member; undefined for anything else. */
export function key32(value: unknown): Uint8Array | undefined {
  const bytes = typeof value === 'string' ? fromBase64url(value) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}

/** Counted first. A photographed QR code is worth nothing without the PIN of the account page. */
async function checkEnrolmentPin(
  world: Finishing,
  enrolment: Enrolment,
  pin: string,
): Promise<Refused<'wrong_pin' | 'enrolment_cancelled' | 'enrolment_expired'> | undefined> {
  const tries = await world.enrolments.reserve(enrolment.id, 'pinTries');
  if (tries === undefined || tries > ENROLMENT_TRIES) return refuse('enrolment_cancelled');
  if (enrolment.pinHash === undefined) return refuse('enrolment_expired');
  if ((await world.passwords.verify(enrolment.pinHash, pepperedPin(world, enrolment, pin))) !== 'wrong')
    return undefined;
  const remaining = ENROLMENT_TRIES - tries;
  if (remaining <= 0) {
    await world.enrolments.move(enrolment.id, ['scanned'], 'cancelled');
    await world.records.audit.record({
      event: 'enrolment_cancelled',
      outcome: 'failure',
      reason: 'wrong_pin',
      sub: enrolment.userId,
    });
  }
  return refuse('wrong_pin', { remaining });
}

/** `pin.setup: phone`: the device waits, hashed and sealed, until the person has typed the phone's six digits into the account page. */
async function waitForCheck(
  world: Finishing,
  enrolment: Enrolment,
  written: NewDevice,
  ratchet: string,
): Promise<CompletedEnrolment> {
  const check = world.random.digits(6);
  await world.scratch.set(waitingKey(enrolment.id), JSON.stringify(written), CONFIRM_LIFE);
  const move = await world.enrolments.move(enrolment.id, ['scanned'], 'confirm', { check, lifeSeconds: CONFIRM_LIFE });
  if (move.ok) return { ok: true, result: { device_id: written.device.id, state: 'confirm', check, ratchet } };
  // The same message came twice at once: the other one's six digits hold.
  if (move.now?.state === 'confirm') return sameAnswer(world, move.now);
  return refuse(move.now ? endOf(move.now) : 'enrolment_expired');
}

/** Seconds for the typed check (protocol section 4, E3). */
export const CONFIRM_LIFE = 300;

/** Where a device waits for its typed check. */
export function waitingKey(enrolmentId: string): string {
  return `enrolment-device:${enrolmentId}`;
}
