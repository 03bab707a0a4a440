// Reads a signed message off the wire without trusting any of it (protocol section 1): media type, size, shape.
import type { Context } from 'koa';
import { fromBase64url } from '../../protocol/bytes.ts';
import type { PublicJwk } from '../../protocol/derivations.ts';
import { type Endpoint, MESSAGE_LIMIT, MESSAGE_TYPES } from '../../protocol/messages.ts';
import { CLAIMS } from './claims.ts';

/** A message as it came. Nothing in it is true before its signature is verified. */
export interface Unverified {
  jws: string;
  typ: string;
  signer: { kid: string } | { jwk: PublicJwk };
  claims: Record<string, unknown>;
}

/** Reads the body as text; larger ones and other media types are refused before they are read. */
export async function readBody(
  ctx: Context,
): Promise<{ ok: true; body: string } | { ok: false; why: 'too_large' | 'unsupported_media_type' }> {
  const type = ctx.get('Content-Type').split(';', 1)[0]?.trim().toLowerCase();
  const encoding = ctx.get('Content-Encoding');
  if (Number(ctx.get('Content-Length') || 0) > MESSAGE_LIMIT) return { ok: false, why: 'too_large' };
  if (type !== 'application/jose' || (encoding !== '' && encoding !== 'identity')) {
    return { ok: false, why: 'unsupported_media_type' };
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req) {
    size += chunk.length;
    if (size > MESSAGE_LIMIT) return { ok: false, why: 'too_large' };
    chunks.push(chunk);
  }
  return { ok: true, body: Buffer.concat(chunks).toString('latin1') };
}

/**
 * Takes a compact JWS apart: a header of exactly `{alg: ES256, typ}` and `kid` (equal to `iss`) or `jwk`, and claims of this endpoint.
 * @returns undefined for anything else. A message whose `typ` is another endpoint's keeps its claims unread: it is `wrong_typ` once its signature is known.
 */
export function parseMessage(endpoint: Endpoint, jws: string): Unverified | undefined {
  const [head, body, signature, ...rest] = jws.split('.');
  if (head === undefined || body === undefined || !signature || rest.length > 0) return undefined;
  const header = jsonObject(head);
  const claims = jsonObject(body);
  if (!header || !claims || fromBase64url(signature)?.length !== 64) return undefined;
  const { alg, typ, ...identity } = header;
  if (alg !== 'ES256' || typeof typ !== 'string') return undefined;
  const signer = endpoint === 'enrol/begin' ? embeddedKey(identity) : namedKey(identity, claims);
  if (!signer) return undefined;
  if (typ === MESSAGE_TYPES[endpoint] && !CLAIMS[endpoint].safeParse(claims).success) return undefined;
  return { jws, typ, signer, claims };
}

function jsonObject(part: string): Record<string, unknown> | undefined {
  const bytes = fromBase64url(part);
  if (!bytes) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function namedKey(identity: Record<string, unknown>, claims: Record<string, unknown>): { kid: string } | undefined {
  const { kid, ...rest } = identity;
  const known = typeof kid === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(kid) && kid === claims.iss;
  return known && Object.keys(rest).length === 0 ? { kid } : undefined;
}

function embeddedKey(identity: Record<string, unknown>): { jwk: PublicJwk } | undefined {
  const { jwk, ...rest } = identity;
  if (Object.keys(rest).length > 0 || typeof jwk !== 'object' || jwk === null) return undefined;
  const { kty, crv, x, y, ...more } = jwk as Record<string, unknown>;
  const coordinate = (value: unknown): value is string =>
    typeof value === 'string' && fromBase64url(value)?.length === 32;
  if (kty !== 'EC' || crv !== 'P-256' || !coordinate(x) || !coordinate(y) || Object.keys(more).length > 0)
    return undefined;
  return { jwk: { kty, crv, x, y } };
}
