// A phone finishes its enrolment (protocol section 4, E3): the PIN typed on it, its verifier and its sealed offline key become a device.
import { offlineKeyAad } from '../domain/device.ts';
import type { Enrolment } from '../domain/enrolment.ts';
import type { NewDevice, World } from '../domain/ports.ts';
import { fingerprint, sameBytes } from '../platform/hashes.ts';
import { fromBase64url } from '../protocol/bytes.ts';
import { deviceId, type PublicJwk } from '../protocol/derivations.ts';
import type { EnrolmentResult } from '../protocol/messages.ts';
import { type Refused, refuse } from './refused.ts';
import { pepperedPin } from './start-enrolment.ts';
import { tellPerson } from './tell-person.ts';

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

/** The device, or with `pin.setup: phone` the six digits to be typed into the account page. */
export type CompletedEnrolment = { ok: true; result: EnrolmentResult } | CompletionRefusal;

type Needs = Pick<
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

/** Checks the PIN where the browser set it, then writes the device. @throws QueueFull */
export async function completeEnrolment(world: Needs, input: CompleteEnrolment): Promise<CompletedEnrolment> {
  const { enrolment } = input;
  if (enrolment.state !== 'scanned') return refuse(endOf(enrolment));
  if (!sameBytes(enrolment.nonce, input.nonce)) return refuse('nonce');
  const jwk = JSON.parse(enrolment.claimedJwk ?? '{}') as PublicJwk;
  const id = await deviceId(jwk);
  const secrets = await readSecrets(world, input.sec, id);
  if (!secrets.ok) return secrets;
  if ((secrets.pin !== undefined) !== (enrolment.setup === 'browser')) return refuse('malformed');
  const wrong = secrets.pin === undefined ? undefined : await checkEnrolmentPin(world, enrolment, secrets.pin);
  if (wrong) return wrong;

  const ratchet = world.random.id();
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

type Secrets = { ok: true; pin?: string; pinTag: Uint8Array; offlineKey: Uint8Array };

async function readSecrets(
  world: Needs,
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
  world: Needs,
  enrolment: Enrolment,
  pin: string,
): Promise<Refused<'wrong_pin' | 'enrolment_cancelled' | 'enrolment_expired'> | undefined> {
  const tries = await world.enrolments.reserve(enrolment.id, 'pinTries');
  if (tries === undefined || tries > ENROLMENT_TRIES) return refuse('enrolment_cancelled');
  if (enrolment.pinHash === undefined) return refuse('enrolment_expired');
  if ((await world.passwords.verify(enrolment.pinHash, pepperedPin(world, pin))) !== 'wrong') return undefined;
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
  world: Needs,
  enrolment: Enrolment,
  written: NewDevice,
  ratchet: string,
): Promise<CompletedEnrolment> {
  const check = world.random.digits(6);
  await world.scratch.set(waitingKey(enrolment.id), JSON.stringify(written), CONFIRM_LIFE);
  const move = await world.enrolments.move(enrolment.id, ['scanned'], 'confirm', { check, lifeSeconds: CONFIRM_LIFE });
  if (!move.ok) return refuse(move.now ? endOf(move.now) : 'enrolment_expired');
  return { ok: true, result: { device_id: written.device.id, state: 'confirm', check, ratchet } };
}

/** Seconds for the typed check (protocol section 4, E3). */
const CONFIRM_LIFE = 300;

/** Where a device waits for its typed check. */
export function waitingKey(enrolmentId: string): string {
  return `enrolment-device:${enrolmentId}`;
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
  if (!committed) {
    await world.enrolments.move(enrolment.id, from, 'cancelled');
    return refuse('enrolment_cancelled');
  }
  const move = await world.enrolments.move(enrolment.id, from, 'done');
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
    await records.devices.remove(deviceId, userId);
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
function endOf({ state }: Enrolment): 'enrolment_claimed' | 'enrolment_expired' | 'enrolment_cancelled' {
  if (state === 'contested') return 'enrolment_claimed';
  return state === 'cancelled' ? 'enrolment_cancelled' : 'enrolment_expired';
}
