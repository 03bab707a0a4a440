// Face or fingerprint in place of the PIN (protocol sections 4 E5 and 5.5): switched on behind the PIN, used for one request, switched off.
import {
  type Assertion,
  type BiometricOffer,
  type BiometricRequest,
  biometricChallenge,
  type CreationOptions,
} from '../../src/protocol/biometric.ts';
import { contextHash } from '../../src/protocol/context.ts';
import type { PendingTransaction } from '../../src/protocol/messages.ts';
import { makeCredential, type Shown, useCredential } from '../keys/biometric.ts';
import { pinSecrets } from '../keys/pin.ts';
import { withRatchet } from '../keys/ratchet.ts';
import type { Account } from '../keys/store.ts';
import { type Answer, failed } from './answer.ts';
import type { Services } from './services.ts';

/** Nothing was shown, or the provider refused; the PIN is the way on. */
export type NoBiometric = Exclude<Shown<never> | Answer<never>, { ok: true }>;

/** After a right PIN: what the phone's authenticator is asked for. The offer holds for two minutes. */
export async function offerBiometric(
  { store, api }: Services,
  account: Account,
  pin: string,
): Promise<Answer<CreationOptions>> {
  const { pinTag } = await pinSecrets(account, pin);
  const answer = await withRatchet<BiometricOffer>(store, account.device, (now) =>
    api.counted(now, 'webauthn/register/options', { ratchet: now.ratchet, pin_tag: pinTag }),
  );
  if (!answer) return failed('no_account');
  return answer.ok ? { ok: true, value: answer.value.options } : answer;
}

/** Makes the credential and brings it to the provider. To be called in a tap. */
export async function addBiometric(
  services: Services,
  account: Account,
  options: CreationOptions,
  stop: AbortSignal,
): Promise<{ ok: true } | NoBiometric> {
  const attestation = await makeCredential(options, stop);
  if (!attestation.ok) return attestation;
  const answer = await services.api.ask(account, 'webauthn/register', { attestation: attestation.value });
  if (!answer.ok) return answer;
  await noteBiometric(services, account.device, true);
  return { ok: true };
}

/** Switches it off at the provider, then here. */
export async function removeBiometric(services: Services, account: Account): Promise<Answer<unknown>> {
  const answer = await services.api.ask(account, 'webauthn/remove');
  if (answer.ok) await noteBiometric(services, account.device, false);
  return answer;
}

/** Keeps whether the provider has a biometric of this account. */
export async function noteBiometric({ store }: Services, device: string, on: boolean): Promise<void> {
  await store.change(device, ({ biometric: _, ...account }) => ({
    ...account,
    ...(on && { biometric: true as const }),
  }));
}

/** Asks which credential this request may be approved with: before the tap, which does not count for long. */
export function biometricFor(
  { api }: Services,
  account: Account,
  { txn }: PendingTransaction,
): Promise<Answer<BiometricRequest>> {
  return api.ask(account, 'webauthn/options', { txn });
}

/** Lets the person show face or finger for exactly this approval. To be called in a tap. */
export async function showBiometric(
  account: Account,
  { txn, nonce, ctx }: PendingTransaction,
  { wanted, number, stop }: { wanted: BiometricRequest; number: string | undefined; stop: AbortSignal },
): Promise<Shown<Assertion>> {
  const challenge = await biometricChallenge({
    ctx_hash: await contextHash(ctx),
    decision: 'approve',
    device: account.device,
    nonce,
    ...(number !== undefined && { number }),
    txn,
  });
  return useCredential(wanted, challenge, stop);
}
