// The device API (protocol sections 1, 4, 5, 8): each handler reads a verified message, calls one use case, and translates its answer.

import type { Context, Middleware } from 'koa';
import Router from 'koa-router';
import type { World } from '../../domain/ports.ts';
import { fromBase64url } from '../../protocol/bytes.ts';
import { devicePath, type Endpoint } from '../../protocol/messages.ts';
import { answerTransaction, type Decision } from '../../usecases/answer-transaction.ts';
import { beginEnrolment } from '../../usecases/begin-enrolment.ts';
import { changePin } from '../../usecases/change-pin.ts';
import { biometricRequest } from '../../usecases/check-biometric.ts';
import { claimQr } from '../../usecases/claim-qr.ts';
import { completeEnrolment } from '../../usecases/complete-enrolment.ts';
import { describeDevice } from '../../usecases/describe-device.ts';
import { listPending } from '../../usecases/list-pending.ts';
import { addBiometric, offerBiometric, removeBiometric } from '../../usecases/manage-biometric.ts';
import { removeDevice, renameDevice } from '../../usecases/manage-devices.ts';
import { openTransaction } from '../../usecases/open-transaction.ts';
import { setPush } from '../../usecases/set-push.ts';
import { addressOf } from '../../web/request.ts';
import type { ClaimsOf } from './claims.ts';
import { guard } from './guard.ts';
import { metadata } from './metadata.ts';
import { describeApi } from './openapi.ts';
import { sendProblem, type Told } from './problems.ts';
import { parseMessage, readBody, type Unverified } from './read-message.ts';
import { createStreams } from './stream.ts';
import {
  type DeviceEndpoint,
  type VerifiedDevice,
  verifyBegin,
  verifyComplete,
  verifyDevice,
} from './verify-message.ts';

/** What a handler answers: a JSON document with its status, a refusal, or nothing where it has answered by itself. */
type Answer = { ok: true; status?: 200 | 201 | 204; body?: object } | ({ ok: false } & Told) | undefined;

/**
 * The routes below `/device/v1/`. Mount the middleware of src/web that learn the client's address and the request's log before it.
 * @param world read at each request, so that a reload of the settings takes effect.
 */
export function deviceApi(world: World): Middleware {
  const router = new Router();
  const stream = createStreams(world);
  const post = (endpoint: Endpoint, answer: (message: Unverified, ctx: Context) => Promise<Answer>) =>
    router.post(devicePath(endpoint), async (ctx) => {
      const read = await readMessage(endpoint, ctx);
      send(ctx, read.ok ? await answer(read.message, ctx) : read);
    });
  const device = <E extends DeviceEndpoint>(
    endpoint: E,
    answer: (verified: VerifiedDevice<E>, ctx: Context) => Promise<Answer>,
  ) =>
    post(endpoint, async (message, ctx) => {
      const verified = await verifyDevice(world, endpoint, message);
      return verified.ok ? answer(verified, ctx) : verified;
    });

  router.get(devicePath('metadata'), (ctx) => send(ctx, { ok: true, body: metadata(world) }));
  router.get(devicePath('openapi.json'), (ctx) => send(ctx, { ok: true, body: describeApi(world.rules().appOrigin) }));
  post('enrol/begin', async (message, ctx) => {
    const verified = await verifyBegin(world, message);
    if (!verified.ok) return verified;
    const { claims, jwk } = verified;
    const by = 'token' in claims ? { token: claims.token } : { code: claims.code, login: claims.login };
    const begun = await beginEnrolment(world, {
      by,
      jwk,
      installId: claims.install_id,
      address: addressOf(ctx).address,
    });
    return begun.ok ? { ok: true, body: begun.offer } : begun;
  });
  post('enrol/complete', async (message) => {
    const verified = await verifyComplete(world, message);
    if (!verified.ok) return verified;
    const { enrolment, claims } = verified;
    const { nonce, platform, sec } = claims;
    const completed = await completeEnrolment(world, { enrolment, nonce, platform, sec });
    return completed.ok ? { ok: true, status: 201, body: completed.result } : completed;
  });
  device('pending', async (verified) => ({ ok: true, body: await listPending(world, verified.device) }));
  device('stream', async (verified, ctx) => {
    await stream(ctx, verified.device);
    return undefined;
  });
  device('open', async ({ device, claims }) => entry(await openTransaction(world, { device, txn: claims.txn })));
  device('claim', async ({ device, claims: { txn, i, mac } }) => entry(await claimQr(world, { device, txn, i, mac })));
  device('respond', async ({ device, claims }) => {
    const answered = await answerTransaction(world, { device, answer: decision(claims) });
    if (!answered.ok) return answered;
    const { ok: _, ...body } = answered;
    return { ok: true, body };
  });
  device('self', async (verified) => {
    const described = await describeDevice(world, verified.device);
    return described.ok ? { ok: true, body: described.self } : described;
  });
  device('rename', async ({ device, claims }) => {
    const renamed = await renameDevice(world, { userId: device.userId, deviceId: device.id, name: claims.name });
    if (renamed.ok) return { ok: true, body: { name: renamed.name } };
    return { ok: false, why: renamed.why === 'name' ? 'malformed' : 'device_removed' };
  });
  device('unlink', async ({ device }) => {
    const removed = await removeDevice(world, { userId: device.userId, deviceId: device.id, actor: device.id });
    return removed.ok ? { ok: true, status: 204 } : { ok: false, why: 'device_removed' };
  });
  device('push', async ({ device, claims }) => {
    const set = await setPush(world, { device, subscription: claims.subscription });
    return set.ok ? { ok: true, status: 204 } : set;
  });
  device('pin', async ({ device, claims }) => {
    const changed = await changePin(world, { device, ratchet: claims.ratchet, sec: claims.sec });
    return changed.ok ? { ok: true, body: { ratchet: changed.ratchet } } : changed;
  });
  device('webauthn/register/options', async ({ device, claims: { ratchet, pin_tag } }) => {
    const offered = await offerBiometric(world, { device, ratchet, pinTag: bytesOf(pin_tag) });
    return offered.ok ? { ok: true, body: offered.offer } : offered;
  });
  device('webauthn/register', async ({ device, claims: { attestation } }) => {
    const added = await addBiometric(world, { device, attestation });
    return added.ok ? { ok: true, status: 204 } : added;
  });
  device('webauthn/remove', async (verified) => {
    await removeBiometric(world, verified.device);
    return { ok: true, status: 204 };
  });
  device('webauthn/options', async ({ device, claims: { txn } }) => {
    const found = await biometricRequest(world, { device, txn });
    return found.ok ? { ok: true, body: found.request } : found;
  });
  return guard(world, router);
}

async function readMessage(
  endpoint: Endpoint,
  ctx: Context,
): Promise<{ ok: true; message: Unverified } | ({ ok: false } & Told)> {
  const read = await readBody(ctx);
  if (!read.ok) return read;
  const message = parseMessage(endpoint, read.body);
  return message ? { ok: true, message } : { ok: false, why: 'malformed' };
}

/** The claims of `respond` as the use case reads them. */
function decision(claims: ClaimsOf<'respond'>): Decision {
  const named = { txn: claims.txn, nonce: claims.nonce, ctxHash: claims.ctx_hash };
  if (claims.decision !== 'approve') return { ...named, decision: claims.decision };
  return {
    ...named,
    decision: 'approve',
    ...(claims.number === undefined ? {} : { number: claims.number }),
    ratchet: claims.ratchet,
    proof:
      claims.uv === 'pin'
        ? { uv: 'pin', pinTag: bytesOf(claims.pin_tag) }
        : { uv: 'webauthn', assertion: claims.assertion },
  };
}

/** The bytes of a claim whose form was looked at before. */
function bytesOf(claim: string): Uint8Array {
  return fromBase64url(claim) ?? new Uint8Array(0);
}

function entry(found: { ok: true; entry: object } | ({ ok: false } & Told)): Answer {
  return found.ok ? { ok: true, body: found.entry } : found;
}

function send(ctx: Context, answer: Answer): void {
  if (answer === undefined) return;
  if (!answer.ok) {
    sendProblem(ctx, answer);
    return;
  }
  ctx.status = answer.status ?? 200;
  if (!answer.body) return;
  ctx.body = JSON.stringify(answer.body);
  ctx.type = 'application/json';
}
