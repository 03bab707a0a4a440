// Who signed a message, and whether it is fresh (protocol section 1, order of refusals). A badly signed message moves no counter.
import { type CryptoKey, compactVerify, importJWK } from 'jose';
import type { Device } from '../../domain/device.ts';
import type { Enrolment } from '../../domain/enrolment.ts';
import type { World } from '../../domain/ports.ts';
import { type PublicJwk, thumbprint } from '../../protocol/derivations.ts';
import { COUNTER_AHEAD, devicePath, type Endpoint, MESSAGE_TYPES } from '../../protocol/messages.ts';
import { deviceRefusal } from '../../usecases/check-pin.ts';
import type { ClaimsOf } from './claims.ts';
import type { Told } from './problems.ts';
import type { Unverified } from './read-message.ts';

/** Seconds that a phone's clock may be off, and within which a jti counts once; milliseconds that a counter may run ahead. */
const FRESH = { skew: 60, once: 180, ahead: COUNTER_AHEAD } as const;

type Needs = Pick<World, 'records' | 'enrolments' | 'replays' | 'clock' | 'rules'>;
type Refusal = { ok: false } & Told;

/** A verified message of a key that no device has yet. */
export type VerifiedBegin = { ok: true; jwk: PublicJwk; claims: ClaimsOf<'enrol/begin'> };
/** A verified message of the key that claimed an enrolment. */
export type VerifiedComplete = { ok: true; enrolment: Enrolment; claims: ClaimsOf<'enrol/complete'> };
/** A verified message of a device. */
export type VerifiedDevice<E extends Endpoint> = { ok: true; device: Device; claims: ClaimsOf<E> };

/** Endpoints of enrolled devices. */
export type DeviceEndpoint = Exclude<Endpoint, 'enrol/begin' | 'enrol/complete'>;

/** What a locked device may still do: look, stop a sign-in, and leave. The use case of `respond` refuses its approvals. */
const WHILE_LOCKED: readonly Endpoint[] = ['respond', 'pending', 'self', 'unlink'];

/** `enrol/begin`: the key comes with the message. */
export async function verifyBegin(world: Needs, message: Unverified): Promise<VerifiedBegin | Refusal> {
  if (!('jwk' in message.signer)) return refused('malformed');
  const { jwk } = message.signer;
  const key = await publicKey(jwk);
  if (!key) return refused('malformed');
  const claims = message.claims as ClaimsOf<'enrol/begin'>;
  const stale = (await checkSignature(message, key)) ?? checkFreshness(world, 'enrol/begin', message);
  if (stale) return stale;
  return (await checkOnce(world, await thumbprint(jwk), claims.jti)) ?? { ok: true, jwk, claims };
}

/** `enrol/complete`: the key is the one that claimed the enrolment. */
export async function verifyComplete(world: Needs, message: Unverified): Promise<VerifiedComplete | Refusal> {
  const enrolment = 'kid' in message.signer ? await world.enrolments.find(message.signer.kid) : undefined;
  const key = enrolment?.claimedJwk === undefined ? undefined : await publicKey(JSON.parse(enrolment.claimedJwk));
  if (!enrolment || !key) return refused('bad_signature');
  const stale = (await checkSignature(message, key)) ?? checkFreshness(world, 'enrol/complete', message);
  if (stale) return stale;
  const claims = message.claims as ClaimsOf<'enrol/complete'>;
  return (await checkOnce(world, enrolment.claimedBy ?? '', claims.jti)) ?? { ok: true, enrolment, claims };
}

/** All others: the key is the device's. Its counter is committed here, whatever becomes of the message later. */
export async function verifyDevice<E extends DeviceEndpoint>(
  world: Needs,
  endpoint: E,
  message: Unverified,
): Promise<VerifiedDevice<E> | Refusal> {
  const known = 'kid' in message.signer ? await world.records.devices.byId(message.signer.kid) : undefined;
  const key = known && (await publicKey(known.publicJwk));
  if (!known || !key) return refused('bad_signature');
  const stale = (await checkSignature(message, key)) ?? checkFreshness(world, endpoint, message);
  if (stale) return stale;
  if (known.state === 'removed') return refused('device_removed');
  const claims = message.claims as ClaimsOf<E>;
  const replayed =
    'ctr' in claims ? await checkCounter(world, known.id, claims.ctr) : await checkOnce(world, known.id, claims.jti);
  if (replayed) return replayed;
  const refusal = WHILE_LOCKED.includes(endpoint) ? undefined : deviceRefusal(known);
  return refusal ?? { ok: true, device: known, claims };
}

function refused(why: Told['why'], members: Omit<Told, 'why'> = {}): Refusal {
  return { ok: false, why, ...members };
}

/** Undefined for a point that is not on the curve. */
async function publicKey(jwk: PublicJwk): Promise<CryptoKey | undefined> {
  try {
    const { kty, crv, x, y } = jwk;
    return (await importJWK({ kty, crv, x, y }, 'ES256')) as CryptoKey;
  } catch {
    return undefined;
  }
}

async function checkSignature(message: Unverified, key: CryptoKey): Promise<Refusal | undefined> {
  try {
    await compactVerify(message.jws, key, { algorithms: ['ES256'] });
    return undefined;
  } catch {
    return refused('bad_signature');
  }
}

/** `wrong_typ`, `wrong_aud`, `clock_skew`, in this order. The audience is compared with what is configured, never with `Host`. */
function checkFreshness(world: Needs, endpoint: Endpoint, { typ, claims }: Unverified): Refusal | undefined {
  if (typ !== MESSAGE_TYPES[endpoint]) return refused('wrong_typ');
  if (claims.aud !== `${world.rules().appOrigin}${devicePath(endpoint)}`) return refused('wrong_aud');
  const now = world.clock.now();
  const serverTime = Math.floor(now / 1000);
  const drifted = Math.abs(Number(claims.iat) - serverTime) > FRESH.skew;
  // A counter far ahead would shut its own phone out for good: it is refused here and never committed.
  const ahead = typeof claims.ctr === 'number' && claims.ctr > now + FRESH.ahead;
  return drifted || ahead ? refused('clock_skew', { serverTime }) : undefined;
}

async function checkOnce(world: Needs, signer: string, jti: string): Promise<Refusal | undefined> {
  return (await world.replays.first(`device:${signer}:${jti}`, FRESH.once)) ? undefined : refused('replayed');
}

async function checkCounter(world: Needs, deviceId: string, counter: number): Promise<Refusal | undefined> {
  return (await world.records.devices.commitCounter(deviceId, counter)) ? undefined : refused('replayed');
}
