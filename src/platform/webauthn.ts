// Platform authenticators (WebAuthn Level 3): what is asked of one, and whether its answers hold. Says nothing about whose they are.
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { decodeAttestationObject } from '@simplewebauthn/server/helpers';
import type { Assertion, Attestation, CreationOptions } from '../protocol/biometric.ts';
import { fromBase64url, toBase64url } from '../protocol/bytes.ts';

/** COSE algorithms: ES256 and RS256 are what the platforms make. */
const ALGORITHMS = [-7, -257];

/** A credential as it is kept: base64url members, the key in COSE, and the authenticator's own count. */
export interface WebauthnCredential {
  credential_id: string;
  public_key: string;
  counter: number;
}

/** The RP ID of an origin: its host. */
export const relyingPartyId = (origin: string): string => new URL(origin).hostname;

/**
 * Asks for a credential of the device itself that nobody can find without its id, and that verifies its user each time.
 * @param challenge base64url; `user.id` is the handle, base64url. `seconds`: how long the challenge holds.
 */
export function creationOptions(
  origin: string,
  { challenge, user, seconds }: { challenge: string; user: { id: string; name: string }; seconds: number },
): CreationOptions {
  const id = relyingPartyId(origin);
  return {
    rp: { id, name: id },
    user: { ...user, displayName: user.name },
    challenge,
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
    timeout: seconds * 1000,
    attestation: 'none',
    authenticatorSelection: {
      authenticatorAttachment: 'platform',
      residentKey: 'discouraged',
      requireResidentKey: false,
      userVerification: 'required',
    },
  };
}

/** The credential that was made for this challenge on this origin with its user verified; undefined for anything else. */
export async function verifyCreation(
  origin: string,
  challenge: string,
  made: Attestation,
): Promise<WebauthnCredential | undefined> {
  if (hasCertificates(made.attestation_object)) return undefined;
  try {
    const { registrationInfo } = await verifyRegistrationResponse({
      response: {
        ...publicKey(made.credential_id),
        response: { clientDataJSON: made.client_data, attestationObject: made.attestation_object },
      },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: relyingPartyId(origin),
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    const credential = registrationInfo?.credential;
    if (credential?.id !== made.credential_id) return undefined;
    return {
      credential_id: credential.id,
      public_key: toBase64url(credential.publicKey),
      counter: credential.counter,
    };
  } catch {
    // The library throws for whatever does not hold.
    return undefined;
  }
}

/** The authenticator's new count where the credential signed this challenge on this origin with its user verified; else undefined. */
export async function verifyUse(
  origin: string,
  challenge: string,
  credential: WebauthnCredential,
  used: Assertion,
): Promise<number | undefined> {
  if (used.credential_id !== credential.credential_id) return undefined;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...publicKey(used.credential_id),
        response: {
          clientDataJSON: used.client_data,
          authenticatorData: used.authenticator_data,
          signature: used.signature,
        },
      },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: relyingPartyId(origin),
      requireUserVerification: true,
      credential: {
        id: credential.credential_id,
        publicKey: fromBase64url(credential.public_key) ?? new Uint8Array(0),
        counter: credential.counter,
      },
    });
    return verified ? authenticationInfo.newCounter : undefined;
  } catch {
    return undefined;
  }
}

function publicKey(id: string) {
  return { id, rawId: id, type: 'public-key' as const, clientExtensionResults: {} };
}

/** We ask for no attestation. One with certificates would make the library fetch the addresses that stand in them. */
function hasCertificates(attestationObject: string): boolean {
  try {
    const decoded = decodeAttestationObject(fromBase64url(attestationObject) ?? new Uint8Array(0));
    return !['none', 'packed'].includes(decoded.get('fmt')) || decoded.get('attStmt').get('x5c') !== undefined;
  } catch {
    return true;
  }
}
