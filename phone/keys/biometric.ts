// The phone's own authenticator (WebAuthn Level 3): whether there is one, a new credential, and a use of one. It always verifies its person.
import type { Assertion, Attestation, BiometricRequest, CreationOptions } from '../../src/protocol/biometric.ts';
import { fromBase64url, toBase64url } from '../../src/protocol/bytes.ts';

/** Whether face or fingerprint can be used here: `unsupported` by the browser, or `not_set_up` on the phone. */
export type Ability = 'able' | 'unsupported' | 'not_set_up';

/**
 * Why the authenticator gave nothing. `cancelled` by the person, or it did not know them: browsers do not tell which.
 * `stopped` by this app, because the person chose the PIN.
 */
export type Unshown = { ok: false; why: 'cancelled' | 'too_long' | 'failed' | 'stopped' };

/** What the authenticator gave. */
export type Shown<T> = { ok: true; value: T } | Unshown;

/** How long a person has to show face or finger, in milliseconds. Some browsers never settle by themselves. */
const PATIENCE = 60_000;

/** What this browser on this phone can do. Asks nobody. */
export async function biometricAbility(): Promise<Ability> {
  if (!('PublicKeyCredential' in window) || !navigator.credentials) return 'unsupported';
  try {
    return (await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()) ? 'able' : 'not_set_up';
  } catch {
    return 'unsupported';
  }
}

/** Makes a credential for an offer of the provider. To be called in a tap. */
export async function makeCredential(
  { rp, user, challenge, pubKeyCredParams, attestation, authenticatorSelection }: CreationOptions,
  stop: AbortSignal,
): Promise<Shown<Attestation>> {
  const publicKey = {
    rp,
    user: { ...user, id: bytes(user.id) },
    challenge: bytes(challenge),
    pubKeyCredParams,
    attestation,
    authenticatorSelection,
    timeout: PATIENCE,
  };
  const made = await shown((signal) => navigator.credentials.create({ publicKey, signal }), stop);
  if (!made.ok) return made;
  const { rawId, response } = made.value;
  if (!(response instanceof AuthenticatorAttestationResponse)) return { ok: false, why: 'failed' };
  const value = {
    credential_id: text(rawId),
    client_data: text(response.clientDataJSON),
    attestation_object: text(response.attestationObject),
  };
  return { ok: true, value };
}

/** Lets the credential sign a challenge. To be called in a tap. */
export async function useCredential(
  { rp_id, credential_id }: BiometricRequest,
  challenge: Uint8Array<ArrayBuffer>,
  stop: AbortSignal,
): Promise<Shown<Assertion>> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    rpId: rp_id,
    challenge,
    // It is in this phone: without this, browsers offer to look for it on another one.
    allowCredentials: [{ type: 'public-key', id: bytes(credential_id), transports: ['internal'] }],
    userVerification: 'required',
    timeout: PATIENCE,
  };
  const used = await shown((signal) => navigator.credentials.get({ publicKey, signal }), stop);
  if (!used.ok) return used;
  const { rawId, response } = used.value;
  if (!(response instanceof AuthenticatorAssertionResponse)) return { ok: false, why: 'failed' };
  const value = {
    credential_id: text(rawId),
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.authenticatorData),
    signature: text(response.signature),
  };
  return { ok: true, value };
}

/** Waits for the authenticator, but not for ever, and ends its question when nobody waits any more. */
function shown(
  ask: (signal: AbortSignal) => Promise<Credential | null>,
  stop: AbortSignal,
): Promise<Shown<PublicKeyCredential>> {
  if (stop.aborted) return Promise.resolve({ ok: false, why: 'stopped' });
  const question = new AbortController();
  return new Promise((resolve) => {
    const end = (outcome: Shown<PublicKeyCredential>) => {
      clearTimeout(timer);
      resolve(outcome);
      question.abort();
    };
    const timer = setTimeout(() => end({ ok: false, why: 'too_long' }), PATIENCE);
    stop.addEventListener('abort', () => end({ ok: false, why: 'stopped' }), { once: true });
    ask(question.signal).then(
      (value) => end(value instanceof PublicKeyCredential ? { ok: true, value } : { ok: false, why: 'failed' }),
      (error: unknown) => end({ ok: false, why: nameOf(error) === 'NotAllowedError' ? 'cancelled' : 'failed' }),
    );
  });
}

const nameOf = (error: unknown) => (error instanceof DOMException ? error.name : undefined);
const text = (buffer: ArrayBuffer) => toBase64url(new Uint8Array(buffer));
const bytes = (base64url: string) => fromBase64url(base64url) ?? new Uint8Array(0);
