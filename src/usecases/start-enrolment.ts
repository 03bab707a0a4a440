// Offers to add a phone (protocol section 4, E1): the person names it and chooses the PIN; the answer is what the QR code and the typed way carry.
import { deviceName, type NameProblem, pinProblem } from '../domain/device.ts';
import type { Enrolment } from '../domain/enrolment.ts';
import type { World } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import { toBase64url, utf8 } from '../protocol/bytes.ts';
import { enrolLink, readTypedCode, typedCode } from '../protocol/links.ts';
import { endOpenEnrolments } from './cancel-enrolment.ts';

/** Who adds a phone. `session`: hash of the session that asks; only it may watch, confirm or cancel. The caller has checked that its level is high and fresh. */
export interface StartEnrolment {
  userId: string;
  session: string;
  name: string;
  /** Typed twice where `pin.setup` is `browser`; not asked where it is `phone`. */
  pin?: string;
  pinAgain?: string;
}

/** What is wrong with the PIN, beside the rules of the domain. */
export type PinRefused = NonNullable<ReturnType<typeof pinProblem>> | 'pins_differ';

/** `link` goes into the QR code, `code` beside it. `expiresAt` in milliseconds of the store's clock. */
export type StartedEnrolment =
  | { ok: true; enrolmentId: string; link: string; code: string; expiresAt: number }
  | { ok: false; why: 'unknown_user' | 'too_many_devices' }
  | { ok: false; why: 'name'; problem: NameProblem }
  | { ok: false; why: 'pin'; problem: PinRefused };

type Needs = Pick<World, 'records' | 'enrolments' | 'vault' | 'passwords' | 'random' | 'rules'>;

/** Opens the offer; an earlier one of the same person that is still open ends. @throws QueueFull where too many hashes wait. */
export async function startEnrolment(world: Needs, input: StartEnrolment): Promise<StartedEnrolment> {
  const rules = world.rules();
  const named = deviceName(input.name);
  if (!named.ok) return { ok: false, why: 'name', problem: named.why };
  const problem = rules.pin.setup === 'browser' ? pinRefused(input, rules.pin) : undefined;
  if (problem) return { ok: false, why: 'pin', problem };
  const user = await world.records.users.byId(input.userId);
  if (user?.state !== 'active') return { ok: false, why: 'unknown_user' };
  const devices = await world.records.devices.ofUser(user.id);
  if (devices.length >= rules.devicesPerAccount) return { ok: false, why: 'too_many_devices' };

  const code = typedCode(world.random.bytes(10));
  const codeMac = macOfCode(world, code);
  const pinHash =
    rules.pin.setup === 'browser'
      ? await world.passwords.hash(pepperedPin(world, { codeMac }, input.pin ?? ''))
      : undefined;
  await endOpenEnrolments(world, { userId: user.id });
  const token = world.random.id();
  const enrolment = await world.enrolments.open(
    {
      id: world.random.id(),
      userId: user.id,
      deviceName: named.name,
      setup: rules.pin.setup,
      ...(pinHash === undefined ? {} : { pinHash }),
      tokenHash: fingerprint(token),
      codeMac,
      session: input.session,
      factorsVersion: user.factorsVersion,
      salt: toBase64url(world.random.bytes(16)),
      nonce: world.random.id(),
    },
    rules.enrolmentLife,
  );
  await world.records.audit.record({
    event: 'enrolment_started',
    outcome: 'success',
    sub: user.id,
    detail: { device: named.name },
  });
  return {
    ok: true,
    enrolmentId: enrolment.id,
    link: enrolLink(rules.appOrigin, token),
    code,
    expiresAt: enrolment.expiresAt,
  };
}

function pinRefused(
  { pin = '', pinAgain }: StartEnrolment,
  bounds: { min: number; max: number },
): PinRefused | undefined {
  return pinProblem(pin, bounds) ?? (pin === pinAgain ? undefined : 'pins_differ');
}

/** HMAC(pepper, PIN), which is what gets hashed: a stolen store without the pepper cannot search six digits. */
export function pepperedPin(world: Pick<World, 'vault'>, enrolment: Pick<Enrolment, 'codeMac'>, pin: string): string {
  return world.vault.pepper(utf8(`enrolment-pin|${pin}`), enrolmentPepper(enrolment)).mac;
}

/** The pepper that an enrolment began with, and ends with although another may be the newest by then: `codeMac` names it. */
export function enrolmentPepper({ codeMac }: Pick<Enrolment, 'codeMac'>): string {
  return codeMac.split('|')[0] ?? '';
}

/** HMAC(pepper, typed code) with the pepper's name, as one text. */
function macOfCode(world: Pick<World, 'vault'>, code: string): string {
  const { pepper_id, mac } = world.vault.pepper(utf8(readTypedCode(code) ?? ''));
  return `${pepper_id}|${mac}`;
}

/** Whether a typed code, in its one spelling, is the one that was kept; in constant time. */
export function isTypedCode(world: Pick<World, 'vault'>, kept: string, code: string): boolean {
  const [pepper_id = '', mac = ''] = kept.split('|');
  return world.vault.peppered(utf8(code), { pepper_id, mac });
}
