// What each endpoint's message says (protocol sections 1, 4, 5, 7, 8): exactly these members, each of its form.
import { z } from 'zod';
import { fromBase64url } from '../../protocol/bytes.ts';
import type { Endpoint } from '../../protocol/messages.ts';

/** Base64url of exactly so many bytes. */
const bytes = (length: number) =>
  z
    .string()
    .regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((length * 4) / 3)}}$`))
    .refine((text) => fromBase64url(text)?.length === length);
const whole = z.int().nonnegative();
const text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => value.isWellFormed());
/** Text without control characters: NUL is nothing that the database can keep. */
const line = (longest: number) => text(longest).refine((value) => !/\p{Cc}/u.test(value));
const jwe = z
  .string()
  .max(6144)
  .regex(/^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);

const everywhere = { aud: z.string().max(2048), iat: whole };
const request = { ...everywhere, iss: z.string(), jti: bytes(16) };
const counted = { ...everywhere, iss: z.string(), ctr: whole };
const begin = { ...everywhere, install_id: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/), jti: bytes(16) };
const answer = { ...counted, txn: bytes(16), nonce: bytes(16), ctx_hash: bytes(32) };
const approval = {
  ...answer,
  decision: z.literal('approve'),
  number: z
    .string()
    .regex(/^[0-9]{1,12}$/)
    .optional(),
  ratchet: bytes(16),
};
/** Base64url of any length that a message has room for. */
const binary = z
  .string()
  .min(1)
  .max(6144)
  .refine((value) => fromBase64url(value) !== undefined);
const attestation = z.strictObject({ credential_id: binary, client_data: binary, attestation_object: binary });
const assertion = z.strictObject({
  credential_id: binary,
  client_data: binary,
  authenticator_data: binary,
  signature: binary,
});

/** The claims of each endpoint; an unknown member is refused. */
export const CLAIMS = {
  'enrol/begin': z.union([
    z.strictObject({ ...begin, token: bytes(16) }),
    z.strictObject({ ...begin, code: text(64), login: text(512) }),
  ]),
  'enrol/complete': z.strictObject({ ...request, nonce: bytes(16), platform: line(40), sec: jwe }),
  respond: z.union([
    z.strictObject({ ...approval, uv: z.literal('pin'), pin_tag: bytes(32) }),
    z.strictObject({ ...approval, uv: z.literal('webauthn'), assertion }),
    z.strictObject({ ...answer, decision: z.enum(['deny', 'report']) }),
  ]),
  pin: z.strictObject({ ...counted, ratchet: bytes(16), sec: jwe }),
  'webauthn/register/options': z.strictObject({ ...counted, ratchet: bytes(16), pin_tag: bytes(32) }),
  'webauthn/register': z.strictObject({ ...request, attestation }),
  'webauthn/remove': z.strictObject(request),
  'webauthn/options': z.strictObject({ ...request, txn: bytes(16) }),
  pending: z.strictObject(request),
  stream: z.strictObject(request),
  open: z.strictObject({ ...request, txn: bytes(16) }),
  claim: z.strictObject({ ...request, txn: bytes(16), i: whole, mac: bytes(16) }),
  self: z.strictObject(request),
  rename: z.strictObject({ ...request, name: text(400) }),
  unlink: z.strictObject(request),
  push: z.strictObject({
    ...request,
    subscription: z
      .strictObject({
        endpoint: text(1024),
        keys: z.strictObject({ p256dh: bytes(65), auth: bytes(16) }),
      })
      .nullable(),
  }),
} as const satisfies { [endpoint in Endpoint]: z.ZodType };

/** The claims of one endpoint's message. */
export type ClaimsOf<E extends Endpoint> = z.infer<(typeof CLAIMS)[E]>;
