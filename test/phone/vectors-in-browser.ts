// What vectors.test.ts runs inside the browser: the code that the phone app shares with the provider, and nothing else.

import { fromBase64url, fromHex, toBase64url, utf8 } from '../../src/protocol/bytes.ts';
import { contextHash } from '../../src/protocol/context.ts';
import { derivePin, deviceId, importDeviceKey, stretchPin } from '../../src/protocol/derivations.ts';
import { frameMac } from '../../src/protocol/links.ts';
import { ocra, offlineCode } from '../../src/protocol/ocra.ts';
import vectors from '../protocol/vectors.json' with { type: 'json' };

const bytes = (text: string) => fromBase64url(text) ?? new Uint8Array(0);

/** Everything that the vectors name, computed here. */
export async function compute() {
  const { pin, full_context, offline, qr_frame, device_id, rfc6287 } = vectors;
  const secret = await importDeviceKey(fromHex(pin.k_dev_hex));
  const salt = bytes(pin.salt);
  const right = await derivePin(secret, pin.pin, salt, pin.iterations);
  const wrong = await derivePin(secret, pin.wrong_pin, salt, pin.iterations);
  return {
    stretched: toBase64url(await stretchPin(pin.pin, salt, pin.iterations)),
    pinTag: toBase64url(right.pinTag),
    offlineKey: toBase64url(right.offlineKey),
    wrongPinTag: toBase64url(wrong.pinTag),
    contextHash: await contextHash(full_context.ctx),
    offlineCode: await offlineCode(right.offlineKey, bytes(offline.txn), full_context.ctx),
    frames: await Promise.all(qr_frame.frames.map(({ i }) => frameMac(bytes(qr_frame.qr_secret), i))),
    deviceId: await deviceId({ ...device_id.jwk, kty: 'EC', crv: 'P-256' }),
    rfc6287: await Promise.all(rfc6287.map((one) => ocra(one.suite, utf8(one.key_ascii), one.question))),
  };
}
