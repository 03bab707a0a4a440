// The shapes that cross the wire between phone and provider (protocol sections 1, 4, 5, 8) and how a phone signs them.
import { CompactEncrypt, CompactSign, importJWK } from 'jose';
import { utf8 } from './bytes.ts';
import type { Context } from './context.ts';
import type { PublicJwk } from './derivations.ts';
import type { OperatorNotice, ReadOnlyNotice } from './notices.ts';

/** Each endpoint below `/device/v1/` and the `typ` that its messages carry. */
export const MESSAGE_TYPES = {
  'enrol/begin': 'dev-enrol-begin+jwt',
  'enrol/complete': 'dev-enrol+jwt',
  respond: 'dev-auth+jwt',
  pin: 'dev-pin+jwt',
  'webauthn/register/options': 'dev-pin+jwt',
  'webauthn/register': 'dev-req+jwt',
  'webauthn/remove': 'dev-req+jwt',
  'webauthn/options': 'dev-req+jwt',
  pending: 'dev-req+jwt',
  stream: 'dev-req+jwt',
  open: 'dev-req+jwt',
  claim: 'dev-req+jwt',
  self: 'dev-req+jwt',
  rename: 'dev-req+jwt',
  unlink: 'dev-req+jwt',
  push: 'dev-req+jwt',
} as const;

/** An endpoint of the device API that takes a signed message. */
export type Endpoint = keyof typeof MESSAGE_TYPES;

/** The path below APP-ORIGIN. */
export const devicePath = (endpoint: Endpoint | 'metadata' | 'openapi.json'): string => `/device/v1/${endpoint}`;

/** Largest signed message in bytes. */
export const MESSAGE_LIMIT = 8192;

/** `kdf` of an enrolment. */
export interface Kdf {
  name: 'PBKDF2-SHA256';
  iterations: number;
}

/** A public encryption key as `metadata` publishes it. */
export type EncryptionJwk = PublicJwk & { kid: string; use: 'enc' };

/** `GET /device/v1/metadata`. */
export interface Metadata {
  issuer: string;
  app_origin: string;
  protocol: 1;
  enc_jwk: EncryptionJwk;
  pin: { setup: 'browser' | 'phone'; min: number; max: number };
  kdf: Kdf;
  ocra_suite: string;
  number_digits: number;
  accounts_per_device: number;
  offline: boolean;
  vapid_public_key?: string;
  server_time: number;
}

/** Answer to `enrol/begin`. `expires_in` in seconds. */
export interface EnrolmentOffer {
  enrolment_id: string;
  device_id: string;
  nonce: string;
  device_name: string;
  account: string;
  salt: string;
  kdf: Kdf;
  expires_in: number;
}

/** Answer to `enrol/complete`. */
export type EnrolmentResult =
  | { device_id: string; state: 'active'; ratchet: string }
  | { device_id: string; state: 'confirm'; check: string; ratchet: string };

/** One request as `pending`, `stream`, `open` and `claim` tell it. `exp` in whole seconds. */
export interface PendingTransaction {
  txn: string;
  kind: 'signin' | 'stepup' | 'ciba' | 'transaction';
  nonce: string;
  ctx: Context;
  number_required: boolean;
  exp: number;
  details?: string;
}

/** Answer to `pending`; each event `pending` of `stream` has the same shape. */
export interface PendingList {
  transactions: PendingTransaction[];
  /** What the operator tells everybody, now or soon; absent where there is nothing. */
  notices?: OperatorNotice[];
  /** Nothing can be approved or changed now; absent where it can. */
  read_only?: ReadOnlyNotice;
  server_time: number;
}

/** Answer to `respond`. `ratchet` only after a right PIN or biometric. */
export interface RespondResult {
  state: 'approved' | 'denied';
  ratchet?: string;
}

/** Answer to `self`. Times in whole seconds. */
export interface Self {
  state: 'active' | 'locked';
  name: string;
  account: string;
  added: number;
  last_used?: number;
  push: boolean;
  biometric: boolean;
}

/** An error of the device API (RFC 9457), with the members that some codes add. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  remaining?: number;
  retry_after?: number;
  server_time?: number;
  ratchet?: string;
}

/** `urn:countersign:problem:` and one of these codes. */
export const PROBLEM_STATUS = {
  too_large: 413,
  unsupported_media_type: 415,
  malformed: 400,
  bad_signature: 401,
  wrong_typ: 400,
  wrong_aud: 400,
  clock_skew: 400,
  device_removed: 410,
  replayed: 409,
  device_locked: 423,
  device_cloned: 423,
  unknown_transaction: 404,
  expired: 410,
  approved: 409,
  denied: 409,
  failed: 409,
  nonce: 409,
  context_mismatch: 400,
  not_transferred: 409,
  wrong_number: 409,
  pin_backoff: 429,
  wrong_pin: 401,
  no_biometric: 409,
  wrong_biometric: 401,
  enrolment_claimed: 409,
  enrolment_expired: 404,
  enrolment_cancelled: 410,
  device_has_account: 409,
  unknown_key: 400,
  claimed: 409,
  qr_stale: 410,
  qr_forged: 400,
  weak_pin: 422,
  wrong_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_many_requests: 429,
  unavailable: 503,
  read_only: 503,
  internal: 500,
} as const satisfies Record<string, number>;

/** A problem code. */
export type ProblemCode = keyof typeof PROBLEM_STATUS;

/** The code of a problem document; undefined where `type` is not one of ours. */
export function problemCode(problem: { type?: unknown }): ProblemCode | undefined {
  const code = typeof problem.type === 'string' ? problem.type.replace(/^urn:countersign:problem:/, '') : '';
  return Object.hasOwn(PROBLEM_STATUS, code) ? (code as ProblemCode) : undefined;
}

/** The claims of a message besides `aud`, `iat` and (before enrolment) `iss`, which {@link signMessage} adds. */
export type Claims = Record<string, unknown>;

/**
 * A signed message (compact JWS, ES256), ready to be posted as `application/jose`.
 * @param signer `kid` and `iss` for an enrolled device or an enrolment; `jwk` for `enrol/begin`, which has no `iss`.
 * @param iat whole seconds by the server's clock as the phone knows it.
 */
export async function signMessage(
  endpoint: Endpoint,
  appOrigin: string,
  signer: { key: CryptoKey } & ({ kid: string } | { jwk: PublicJwk }),
  claims: Claims,
  iat: number,
): Promise<string> {
  const identity = 'kid' in signer ? { kid: signer.kid } : { jwk: { ...signer.jwk } };
  const issuer = 'kid' in signer ? { iss: signer.kid } : {};
  const payload = { ...issuer, aud: `${appOrigin}${devicePath(endpoint)}`, iat, ...claims };
  return new CompactSign(utf8(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', typ: MESSAGE_TYPES[endpoint], ...identity })
    .sign(signer.key);
}

/** `sec`: a compact JWE (ECDH-ES, A256GCM) of secrets for the provider; `device` binds it to its sender. */
export async function sealSecrets(recipient: EncryptionJwk, secrets: { device: string } & Claims): Promise<string> {
  const { kty, crv, x, y } = recipient;
  const key = await importJWK({ kty, crv, x, y }, 'ECDH-ES');
  return new CompactEncrypt(utf8(JSON.stringify(secrets)))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: recipient.kid })
    .encrypt(key);
}

/** How far a counter may be ahead of the provider's time, in ms (protocol section 3). */
export const COUNTER_AHEAD = 120_000;

/**
 * The counter that a phone goes back to after `clock_skew`, where its own is higher: one further ahead was never taken, and would
 * be refused until that time has come. A second is left for the way.
 * @param serverTime the provider's time in s.
 */
export const highestCounter = (serverTime: number): number => serverTime * 1000 + COUNTER_AHEAD - 1000;
