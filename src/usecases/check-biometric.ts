// An approval by biometric (protocol section 5.5): the phone's credential signed exactly what the message says. It touches no PIN counter.
import type { Device } from '../domain/device.ts';
import type { World } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import { relyingPartyId, verifyUse } from '../platform/webauthn.ts';
import {
  type Assertion,
  type BiometricClaims,
  type BiometricRequest,
  biometricChallenge,
} from '../protocol/biometric.ts';
import { toBase64url } from '../protocol/bytes.ts';
import { findAnswerable, type Over } from './answerable.ts';
import { type Refused, refuse } from './refused.ts';

/** Why a biometric is refused. */
export type BiometricRefusal = Refused<'no_biometric' | 'wrong_biometric'>;

/** A good use of the credential: what the settling statement needs. `ratchet` is the new value that the phone is told. */
export interface GoodBiometric {
  credentialId: string;
  counter: number;
  presented: string;
  ratchet: string;
  next: string;
}

/** What the phone asks its browser for, for a request that it may answer. */
export async function biometricRequest(
  world: Pick<World, 'records' | 'transactions' | 'rules'>,
  { device, txn }: { device: Device; txn: string },
): Promise<{ ok: true; request: BiometricRequest } | Over | Refused<'no_biometric'>> {
  const found = await findAnswerable(world, device, txn);
  if (!found.ok) return found;
  const credential = await world.records.devices.biometric(device.id);
  if (!credential) return refuse('no_biometric');
  const request = { rp_id: relyingPartyId(world.rules().appOrigin), credential_id: credential.credential_id };
  return { ok: true, request };
}

/** Verifies. Nothing is settled yet: the caller commits {@link GoodBiometric} with what it is for. */
export async function checkBiometric(
  world: Pick<World, 'records' | 'rules' | 'random'>,
  device: Device,
  { claims, assertion, ratchet }: { claims: BiometricClaims; assertion: Assertion; ratchet: string },
): Promise<({ ok: true } & GoodBiometric) | BiometricRefusal> {
  const credential = await world.records.devices.biometric(device.id);
  if (!credential) return refuse('no_biometric');
  const challenge = toBase64url(await biometricChallenge(claims));
  const counter = await verifyUse(world.rules().appOrigin, challenge, credential, assertion);
  if (counter === undefined) return refuse('wrong_biometric');
  const next = world.random.id();
  return {
    ok: true,
    credentialId: credential.credential_id,
    counter,
    presented: fingerprint(ratchet),
    ratchet: next,
    next: fingerprint(next),
  };
}
