// What phone and provider say to each other about the biometric of a phone (protocol sections 4 E5 and 5.5).
import { utf8 } from './bytes.ts';
import { digest } from './derivations.ts';
import { canonicalize } from './jcs.ts';

/** A new credential, as the browser's `AuthenticatorAttestationResponse` gives it. All members base64url. */
export interface Attestation {
  credential_id: string;
  client_data: string;
  attestation_object: string;
}

/** A use of the credential, as the browser's `AuthenticatorAssertionResponse` gives it. All members base64url. */
export interface Assertion {
  credential_id: string;
  client_data: string;
  authenticator_data: string;
  signature: string;
}

/** Answer to `webauthn/options`: what the phone asks its browser for. */
export interface BiometricRequest {
  rp_id: string;
  credential_id: string;
}

/** Creation options (WebAuthn Level 3, section 5.4) in their JSON form. `timeout` in milliseconds. */
export interface CreationOptions {
  rp: { id: string; name: string };
  user: { id: string; name: string; displayName: string };
  challenge: string;
  pubKeyCredParams: { type: 'public-key'; alg: number }[];
  timeout: number;
  attestation: 'none';
  authenticatorSelection: {
    authenticatorAttachment: 'platform';
    residentKey: 'discouraged';
    requireResidentKey: false;
    userVerification: 'required';
  };
}

/** Answer to `webauthn/register/options`: after a right PIN, so that it carries the ratchet. */
export interface BiometricOffer {
  options: CreationOptions;
  ratchet: string;
}

/** What an assertion signs, apart from the ratchet: the claims of its `respond`, member by member. */
export interface BiometricClaims {
  ctx_hash: string;
  decision: 'approve';
  device: string;
  nonce: string;
  number?: string;
  txn: string;
}

/** The challenge that both sides compute from the claims: SHA-256 of their canonical form. */
export function biometricChallenge({
  ctx_hash,
  decision,
  device,
  nonce,
  number,
  txn,
}: BiometricClaims): Promise<Uint8Array<ArrayBuffer>> {
  return digest(utf8(canonicalize({ ctx_hash, decision, device, nonce, number, txn })));
}
