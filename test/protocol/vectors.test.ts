// The published vectors of the device protocol, against the code that phones and provider share.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { compactDecrypt, compactVerify, importJWK } from 'jose';
import { CLAIMS } from '../../src/api/device/claims.ts';
import { relyingPartyId, verifyCreation } from '../../src/platform/webauthn.ts';
import type { Attestation } from '../../src/protocol/biometric.ts';
import { fromBase64url, fromHex, toBase64url, utf8 } from '../../src/protocol/bytes.ts';
import { contextHash, contextText } from '../../src/protocol/context.ts';
import {
  deviceId,
  digest,
  importDeviceKey,
  offlineKey,
  pinKey,
  pinTag,
  stretchPin,
  thumbprint,
} from '../../src/protocol/derivations.ts';
import { canonicalize } from '../../src/protocol/jcs.ts';
import { frameMac } from '../../src/protocol/links.ts';
import { type Endpoint, MESSAGE_TYPES, sealSecrets, signMessage } from '../../src/protocol/messages.ts';
import { OFFLINE_SUITE, ocra, offlineCode } from '../../src/protocol/ocra.ts';

const vectors = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'));
const bytes = (text: string) => fromBase64url(text) ?? new Uint8Array(0);

type Signer = Parameters<typeof signMessage>[2];
interface Message {
  endpoint: Endpoint;
  header: { kid?: string; jwk?: object };
  claims: { iat: number; [name: string]: unknown };
  jws: string;
}

describe('protocol vectors', () => {
  it('derives tag and offline key from the PIN', async () => {
    const { pin } = vectors;
    const secret = await importDeviceKey(fromHex(pin.k_dev_hex));
    const stretched = await stretchPin(pin.pin, bytes(pin.salt), pin.iterations);
    expect(toBase64url(stretched)).to.equal(pin.stretched);
    const key = await pinKey(secret, stretched);
    expect(toBase64url(key)).to.equal(pin.pin_key);
    expect(toBase64url(await pinTag(key))).to.equal(pin.pin_tag);
    expect(toBase64url(await offlineKey(key))).to.equal(pin.k_off);
    const wrong = await pinKey(secret, await stretchPin(pin.wrong_pin, bytes(pin.salt), pin.iterations));
    expect(toBase64url(await pinTag(wrong))).to.equal(pin.wrong_pin_tag);
  });

  it('canonicalizes and hashes the context', async () => {
    const { ctx, jcs, ctx_hash } = vectors.context;
    expect(canonicalize(ctx)).to.equal(jcs);
    expect(toBase64url(await digest(utf8(jcs)))).to.equal(ctx_hash);
    const full = vectors.full_context;
    expect(contextText(full.ctx)).to.equal(full.jcs);
    expect(await contextHash(full.ctx)).to.equal(full.ctx_hash);
  });

  it('makes the offline code', async () => {
    const { offline, pin, full_context } = vectors;
    const session = fromHex(offline.s_hex);
    expect(offline.suite).to.equal(OFFLINE_SUITE);
    expect(await ocra(OFFLINE_SUITE, bytes(pin.k_off), offline.q_hex, session)).to.equal(offline.code);
    const code = await offlineCode(bytes(pin.k_off), bytes(offline.txn), full_context.ctx);
    expect(code).to.equal(full_context.offline_code);
  });

  it('makes the frames of a rotating code', async () => {
    for (const { i, mac } of vectors.qr_frame.frames) {
      expect(await frameMac(bytes(vectors.qr_frame.qr_secret), i)).to.equal(mac);
    }
  });

  it('names a device by its key', async () => {
    expect(await thumbprint(vectors.device_id.jwk)).to.equal(vectors.device_id.thumbprint);
    expect(await deviceId(vectors.device_id.jwk)).to.equal(vectors.device_id.device_id);
  });

  it('signs and seals what stands in the signed messages', async () => {
    const { jose } = vectors;
    const { d: _d, ...device } = jose.device_jwk;
    const [signing, verifying, opening] = await Promise.all([
      importJWK(jose.device_jwk, 'ES256'),
      importJWK(device, 'ES256'),
      importJWK(jose.enc_private_jwk, 'ECDH-ES'),
    ]);
    const parts = (jws: string) =>
      jws
        .split('.')
        .slice(0, 2)
        .map((part) => JSON.parse(new TextDecoder().decode(bytes(part))));
    for (const { endpoint, header, claims, jws } of jose.messages as Message[]) {
      const verified = await compactVerify(jws, verifying, { algorithms: ['ES256'] });
      expect(verified.protectedHeader, endpoint).to.deep.equal(header);
      expect(parts(jws)[1], endpoint).to.deep.equal(claims);
      // What the provider asks of a message, and what our own phones make of the same claims.
      expect(CLAIMS[endpoint].safeParse(claims).error, endpoint).to.equal(undefined);
      const { iss: _iss, aud: _aud, iat, ...rest } = claims;
      const { kid, jwk } = header;
      const signer = kid === undefined ? { key: signing, jwk } : { key: signing, kid };
      const ours = await signMessage(endpoint, jose.app_origin, signer as Signer, rest, iat);
      expect(parts(ours), endpoint).to.deep.equal([header, claims]);
    }
    const named = new Set((jose.messages as Message[]).map(({ endpoint }) => endpoint));
    const missing = Object.keys(MESSAGE_TYPES).filter((endpoint) => !named.has(endpoint as Endpoint));
    expect(missing).to.deep.equal([]);
    for (const { members, jwe } of [
      ...jose.sealed,
      { members: jose.sealed[0].members, jwe: await sealSecrets(jose.enc_jwk, jose.sealed[0].members) },
    ]) {
      const opened = await compactDecrypt(jwe, opening);
      expect(JSON.parse(new TextDecoder().decode(opened.plaintext))).to.deep.equal(members);
      expect(opened.protectedHeader).to.deep.include({ alg: 'ECDH-ES', enc: 'A256GCM', kid: jose.enc_jwk.kid });
    }
    const sealed = (jose.messages as Message[]).flatMap(({ claims }) => ('sec' in claims ? [claims['sec']] : []));
    expect(sealed).to.deep.equal(jose.sealed.map(({ jwe }: { jwe: string }) => jwe));
  });

  it('makes a credential of what an authenticator has made, for its own challenge and origin', async () => {
    const { attestation, messages } = vectors.jose;
    const [message] = (messages as Message[]).filter(({ endpoint }) => endpoint === 'webauthn/register');
    const made = message?.claims['attestation'] as Attestation;
    const { origin, challenge, credential } = attestation;
    expect(relyingPartyId(origin)).to.equal(attestation.rp_id);
    expect(await verifyCreation(origin, challenge, made)).to.deep.equal(credential);
    expect(await verifyCreation(origin, toBase64url(new Uint8Array(32)), made)).to.equal(undefined);
    expect(await verifyCreation('https://id.example.com', challenge, made)).to.equal(undefined);
  });

  it('agrees with RFC 6287', async () => {
    for (const { suite, key_ascii, question, code } of vectors.rfc6287) {
      expect(await ocra(suite, utf8(key_ascii), question)).to.equal(code);
    }
  });
});
