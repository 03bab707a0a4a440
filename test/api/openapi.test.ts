// The published description of the device API against its real answers: every message sent and every answer got is held against it.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import pg from 'pg';
import type { describeApi } from '../../src/api/device/openapi.ts';
import { TITLES } from '../../src/api/device/problems.ts';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore, type PhoneAccount } from '../../src/cli/phone-state.ts';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { fromBase64url, toBase64url } from '../../src/protocol/bytes.ts';
import { contextHash } from '../../src/protocol/context.ts';
import { derivePin, importDeviceKey } from '../../src/protocol/derivations.ts';
import { openLink, signInLink } from '../../src/protocol/links.ts';
import {
  devicePath,
  type Endpoint,
  MESSAGE_TYPES,
  type Metadata,
  PROBLEM_STATUS,
  type ProblemCode,
  sealSecrets,
  signMessage,
} from '../../src/protocol/messages.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { BiometricPhone } from '../support/authenticator.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { freshDatabase, startRedis, type TestServer } from '../support/services.ts';

interface Refusal {
  content: { [type: string]: { 'x-types'?: string[] } };
}

const PIN = '805139';
const bytes = (text: string) => fromBase64url(text) ?? new Uint8Array(0);
const random = (length: number) => toBase64url(crypto.getRandomValues(new Uint8Array(length)));

describe('the description of the device API', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let redis: TestServer;
  let drop: () => Promise<void>;
  let world: World;
  let database: pg.Client;
  let described: ReturnType<typeof describeApi>;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  /** Successes and codes that were seen, as "path status" and "code". */
  const seen = new Set<string>();

  before(async () => {
    redis = await startRedis({ durable: true });
    const fresh = await freshDatabase();
    drop = fresh.drop;
    running = await startHouse({
      backend: { databaseUrl: fresh.url, redisUrl: redis.url },
      files: { 'devices.yaml': { kdf_iterations: 1000, accounts_per_device: 1 } },
    });
    world = running.house.world;
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
    described = (await (await fetch(`${running.issuer}/device/v1/openapi.json`)).json()) as typeof described;
    ajv.addSchema({ $id: 'api', ...described });
  });
  after(async () => {
    await database.end();
    await running.close();
    await redis.close();
    await drop();
  });

  const pointer = (...names: string[]) =>
    `api#/${names.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

  function holds(value: unknown, ...at: string[]): void {
    const validate = ajv.getSchema(pointer(...at));
    if (!validate) throw new Error(`${at.join(' > ')} is not described`);
    expect(
      validate(value),
      `${at.join(' > ')}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`,
    ).to.equal(true);
  }

  /** The description is open to codes of later versions, so it is asked by name whether it knows this one here. */
  function named(path: string, method: string, status: number, code: string, type: string): void {
    const paths = described.paths as {
      [path: string]: { [method: string]: { responses: { [status: string]: Refusal } } };
    };
    const response = paths[path]?.[method]?.responses[status];
    if (response) expect(response.content[type]?.['x-types'], `${path} ${status}`).to.include(code);
    expect(described.components.schemas.Problem, code)
      .to.have.nested.property('properties.type.x-known')
      .with.property(code);
  }

  /** A network that holds what it carries against the description: messages that are taken, and every answer. */
  const checked: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    const path = new URL(String(input)).pathname;
    const method = (init?.method ?? 'GET').toLowerCase();
    const at = ['paths', path, method];
    const body = await answer.clone().text();
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    if (answer.ok && method === 'post') {
      const claims = Buffer.from(String(init?.body).split('.')[1] ?? '', 'base64url').toString();
      holds(JSON.parse(claims), ...at, 'requestBody', 'content', 'application/jose', 'x-claims');
    }
    if (answer.ok) seen.add(`${path} ${answer.status}`);
    else named(path, method, answer.status, (JSON.parse(body) as { type: string }).type, type);
    if (!answer.ok) seen.add((JSON.parse(body) as { type: string }).type.split(':').at(-1) ?? '');
    if (body !== '' && path in described.paths && ['get', 'post'].includes(method))
      holds(JSON.parse(body), ...at, 'responses', String(answer.status), 'content', type, 'schema');
    return answer;
  };

  async function offer(userId: string): Promise<{ link: string; enrolmentId: string }> {
    const started = await startEnrolment(world, { userId, session: 's', name: 'Phone', pin: PIN, pinAgain: PIN });
    if (!started.ok) throw new Error(started.why);
    return started;
  }

  async function enrolled(): Promise<{ userId: string; phone: BiometricPhone; account: PhoneAccount; key: CryptoKey }> {
    const { id: userId } = await person(running.house);
    const state = memoryStore();
    const phone = new BiometricPhone(running.issuer, state, checked);
    await phone.enrol({ link: (await offer(userId)).link }, PIN);
    const account = (await state.load())?.account;
    if (!account) throw new Error('no account');
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const key = await crypto.subtle.importKey('jwk', { ...account.key }, algorithm, false, ['sign']);
    return { userId, phone, account, key };
  }

  async function ask(userId: string, wants: 'push' | 'qr'): Promise<Transaction> {
    await world.limits.clear('push_short', userId);
    const service = { clientId: 'payroll', name: 'Payroll' };
    const asking = { userId, interaction: 'uid', kind: 'signin', bind: 'b', level: 'mfa', fresh: true } as const;
    const asked = await askPhone(world, { ...asking, service, wants });
    if (!asked.ok) throw new Error(asked.why);
    return asked.transaction;
  }

  async function approval(account: PhoneAccount, { id: txn, nonce, number, context }: Transaction) {
    const secret = await importDeviceKey(bytes(account.secret));
    const { pinTag } = await derivePin(secret, PIN, bytes(account.salt), account.kdf.iterations);
    const proof = { uv: 'pin', pin_tag: toBase64url(pinTag), ratchet: account.ratchet };
    return { txn, nonce, number, ctx_hash: await contextHash(context), decision: 'approve', ...proof };
  }

  const now = () => Math.floor(Date.now() / 1000);
  const scanned = async (one: Transaction) =>
    signInLink(running.issuer, one.id, await currentFrame(world, one), one.context);
  let counter = Date.now();

  /** Sends a message with these claims; the code of the refusal, or the status. */
  async function send(
    by: { account: { deviceId: string }; key: CryptoKey },
    endpoint: Endpoint,
    claims: object = {},
    how: { as?: Endpoint; iat?: number; body?: string; headers?: object; aud?: string } = {},
  ): Promise<string> {
    counter += 1;
    const counts = MESSAGE_TYPES[endpoint] !== 'dev-req+jwt' && !endpoint.startsWith('enrol/');
    const once = counts ? { ctr: counter } : { jti: random(16) };
    const signer = { key: by.key, kid: by.account.deviceId };
    const jws = await signMessage(
      how.as ?? endpoint,
      how.aud ?? running.issuer,
      signer,
      { ...once, ...claims },
      how.iat ?? now(),
    );
    const headers = { 'Content-Type': 'application/jose', ...how.headers };
    const init = { method: 'POST', body: how.body ?? jws, headers };
    const answer = await checked(`${running.issuer}${devicePath(endpoint)}`, init);
    if (answer.ok) return String(answer.status);
    return ((await answer.json()) as { type: string }).type.split(':').at(-1) ?? '';
  }

  it('says what the phone does, on every endpoint', async () => {
    await checked(`${running.issuer}/device/v1/openapi.json`);
    const { userId, phone, account, key } = await enrolled();
    const one = await ask(userId, 'push');
    const [entry] = (await phone.pending()).transactions;
    if (!entry) throw new Error('nothing is pending');
    await phone.approve(entry, { pin: PIN, number: one.number });
    await phone.claim(await scanned(await ask(userId, 'qr')));
    const two = await ask(userId, 'qr');
    await phone.open(openLink(running.issuer, two.id));
    await phone.switchOn(PIN);
    const three = await phone.open(openLink(running.issuer, (await ask(userId, 'qr')).id));
    await phone.request('webauthn/options', { txn: three.txn });
    await phone.approveByBiometric(three, { number: (await world.transactions.find(three.txn))?.number ?? '' });
    await phone.request('webauthn/remove');
    await phone.changePin(PIN, '928374');
    await phone.self();
    await phone.rename('Other name');
    await phone.request('push', {
      subscription: {
        endpoint: 'https://fcm.googleapis.com/fcm/send/abc',
        keys: { p256dh: random(65), auth: random(16) },
      },
    });
    await phone.request('push', { subscription: null });
    const jws = await signMessage('stream', running.issuer, { key, kid: account.deviceId }, { jti: random(16) }, now());
    const headers = { 'Content-Type': 'application/jose' };
    const stream = await fetch(`${running.issuer}/device/v1/stream`, { method: 'POST', body: jws, headers });
    const reader = stream.body?.getReader();
    let text = '';
    while (reader && !/data: .*\n\n/.test(text)) text += Buffer.from((await reader.read()).value ?? []).toString();
    await reader?.cancel();
    expect(stream.headers.get('content-type')).to.match(/^text\/event-stream/);
    const lines = /event: (.*)\ndata: (.*)\n\n/.exec(text) ?? [];
    holds({ event: lines[1], data: lines[2] }, 'components', 'schemas', 'StreamEvent');
    holds(JSON.parse(lines[2] ?? ''), 'components', 'schemas', 'StreamEvent', 'properties', 'data', 'contentSchema');
    seen.add('/device/v1/stream 200');
    await phone.unlink();
    const paths = Object.keys(described.paths);
    expect(paths.filter((path) => ![...seen].some((was) => was.startsWith(`${path} `)))).to.deep.equal([]);
  });

  it('is open to refusals of later versions, which our own phone takes as what their status says', async () => {
    const later = { type: 'urn:countersign:problem:of_tomorrow', title: 'Later.', status: 418, until: 5 };
    holds(later, 'components', 'schemas', 'Problem');
    holds(
      later,
      'paths',
      devicePath('respond'),
      'post',
      'responses',
      'default',
      'content',
      'application/problem+json',
      'schema',
    );
    const { phone } = await enrolled();
    const tomorrow: typeof fetch = async () => Response.json(later, { status: 418 });
    const old = new HeadlessPhone({ state: phone.store, fetch: tomorrow });
    const said = await old.self().catch((error: Error) => error);
    expect(said).to.deep.include({ name: 'PhoneProblem', code: undefined, status: 418 });
  });

  it('names every refusal of a message', async () => {
    const one = await enrolled();
    const told = [
      await send(one, 'self', {}, { body: 'A'.repeat(9000) }),
      await send(one, 'self', {}, { headers: { 'Content-Type': 'text/plain' } }),
      await send(one, 'self', { more: 1 }),
      await send({ ...one, account: { deviceId: 'd_nobody' } }, 'self'),
      await send(one, 'self', {}, { as: 'pin' }),
      await send(one, 'self', {}, { aud: 'https://evil.example' }),
      await send(one, 'self', {}, { iat: now() - 90 }),
      await send(one, 'self', {}, { headers: { Origin: 'https://evil.example' } }),
    ];
    const jti = random(16);
    told.push(await send(one, 'self', { jti }), await send(one, 'self', { jti }));
    expect(told).to.deep.equal([
      'too_large',
      'unsupported_media_type',
      'malformed',
      'bad_signature',
      'wrong_typ',
      'wrong_aud',
      'clock_skew',
      'wrong_origin',
      '200',
      'replayed',
    ]);
    await checked(`${running.issuer}/device/v1/nothing`);
    await checked(`${running.issuer}/device/v1/metadata`, { method: 'PUT' });
    expect([...seen]).to.include.members(['not_found', 'method_not_allowed']);
  });

  it('names every refusal of an answer', async () => {
    const one = await enrolled();
    const { userId, account } = one;
    const wrong = async (claims: object) =>
      send(one, 'respond', { ...(await approval(account, await ask(userId, 'qr'))), ...claims });
    expect(await wrong({ txn: random(16) })).to.equal('unknown_transaction');
    expect(await wrong({ nonce: random(16) })).to.equal('nonce');
    expect(await wrong({ ctx_hash: random(32) })).to.equal('context_mismatch');
    expect(await wrong({ number: undefined })).to.equal('not_transferred');
    expect(await wrong({ number: '1' })).to.equal('wrong_number');
    for (const state of ['approved', 'denied', 'failed', 'expired'] as const) {
      const ended = await ask(userId, 'qr');
      if (state === 'expired') await world.transactions.end(ended.id);
      else await world.transactions.answer(ended.id, state);
      expect(await send(one, 'respond', await approval(account, ended))).to.equal(state);
    }
    expect(await wrong({ pin_tag: random(32) })).to.equal('wrong_pin');
    const { pin_tag: _, ...unproven } = await approval(account, await ask(userId, 'qr'));
    const assertion = { credential_id: 'AA', client_data: 'AA', authenticator_data: 'AA', signature: 'AA' };
    expect(await send(one, 'respond', { ...unproven, uv: 'webauthn', assertion })).to.equal('no_biometric');
    const attestation = { credential_id: 'AA', client_data: 'AA', attestation_object: 'AA' };
    expect(await send(one, 'webauthn/register', { attestation })).to.equal('wrong_biometric');
    const qr = await ask(userId, 'qr');
    const frame = await currentFrame(world, qr);
    expect(await send(one, 'claim', { txn: qr.id, ...frame, i: 40 })).to.equal('qr_stale');
    expect(await send(one, 'claim', { txn: qr.id, ...frame, mac: random(16) })).to.equal('qr_forged');
    await world.transactions.claim(qr.id, 'd_another');
    expect(await send(one, 'claim', { txn: qr.id, ...frame })).to.equal('claimed');
    for (let n = 0; n < 2; n += 1) await world.records.devices.reservePin(account.deviceId);
    expect(await wrong({})).to.equal('pin_backoff');
    expect(await wrong({ ratchet: random(16) })).to.equal('device_cloned');
    await database.query(`update devices set lock_reason = 'pin' where id = $1`, [account.deviceId]);
    expect(await send(one, 'open', { txn: qr.id })).to.equal('device_locked');
    await removeDevice(world, { userId, deviceId: account.deviceId });
    expect(await send(one, 'self')).to.equal('device_removed');
  });

  it('names every refusal of an enrolment', async () => {
    const { id: userId } = await person(running.house);
    const refusal = async (work: Promise<unknown>) =>
      work.then(
        () => 'taken',
        (error: Error) => error.message,
      );
    const state = memoryStore();
    const phone = () => new HeadlessPhone({ state: memoryStore(), fetch: checked });
    const mine = new HeadlessPhone({ state, fetch: checked });
    const first = await offer(userId);
    expect(await refusal(mine.enrol({ link: first.link }, '805138'))).to.equal('wrong_pin');
    for (let n = 0; n < 2; n += 1) await refusal(mine.enrol({ link: first.link }, '805138'));
    expect(await refusal(mine.enrol({ link: first.link }, PIN))).to.equal('enrolment_cancelled');
    expect(await refusal(phone().begin({ link: `${running.issuer}/phone/#e1.${random(16)}` }))).to.equal(
      'enrolment_expired',
    );
    const second = await offer(userId);
    await phone().begin({ link: second.link });
    expect(await refusal(phone().begin({ link: second.link }))).to.equal('enrolment_claimed');
    const { id: other } = await person(running.house);
    const installId = random(16);
    const begin = async (link: string) => {
      const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
      const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
      const jwk = { kty, crv, x, y } as never;
      const claims = { install_id: installId, jti: random(16), token: link.split('#e1.')[1] };
      const body = await signMessage('enrol/begin', running.issuer, { key: pair.privateKey, jwk }, claims, now());
      const headers = { 'Content-Type': 'application/jose' };
      const answer = await checked(`${running.issuer}/device/v1/enrol/begin`, { method: 'POST', body, headers });
      return { pair, answer: (await answer.json()) as Record<string, string> };
    };
    const { pair, answer } = await begin((await offer(userId)).link);
    const { enc_jwk: recipient } = (await (await checked(`${running.issuer}/device/v1/metadata`)).json()) as Metadata;
    const by = { account: { deviceId: answer['enrolment_id'] ?? '' }, key: pair.privateKey };
    const tags = { pin: PIN, pin_tag: random(32), k_off: random(32) };
    const complete = async (kid: string) => {
      const sec = await sealSecrets({ ...recipient, kid }, { device: answer['device_id'] ?? '', ...tags });
      return send(by, 'enrol/complete', { nonce: answer['nonce'], platform: 'x', sec });
    };
    expect(await complete('gone')).to.equal('unknown_key');
    expect(await complete(recipient.kid)).to.equal('201');
    const { answer: refused } = await begin((await offer(other)).link);
    expect(refused['type']).to.equal('urn:countersign:problem:device_has_account');
  });

  it('names what goes wrong on our side, and too many requests', async () => {
    const one = await enrolled();
    await database.query('alter table devices rename to devices_away');
    try {
      expect(await send(one, 'self')).to.equal('internal');
    } finally {
      await database.query('alter table devices_away rename to devices');
    }
    for (let n = 0; n < 700; n += 1) await world.limits.take('device_api_address', '127.0.0.1');
    expect(await send(one, 'self')).to.equal('too_many_requests');
  });

  it('names read-only mode', async () => {
    await running.house.world.limits.clear('device_api_address', '127.0.0.1');
    const one = await enrolled();
    await running.reload({ 'notices.yaml': { read_only: { on: true, text: { en: 'Wait.' } } } });
    expect(await send(one, 'pending')).to.equal('200');
    expect(await send(one, 'rename', { name: 'Red' })).to.equal('read_only');
    await running.reload({ 'notices.yaml': {} });
  });

  it('names a store that is away', async () => {
    const one = await enrolled();
    await redis.stop();
    expect(await send(one, 'self')).to.equal('unavailable');
  });

  it('has no code that was not seen, and every code of the server', () => {
    const problem = described.components.schemas.Problem as { properties?: { type: { 'x-known': object } } };
    const codes = Object.keys(problem.properties?.type['x-known'] ?? {}).map((type) => type.split(':').at(-1));
    expect(codes).to.include('wrong_pin');
    expect(codes.filter((code) => !seen.has(code ?? ''))).to.deep.equal([]);
  });

  it('has the same refusals as the page for people who write a phone', () => {
    const page = readFileSync('docs/write-your-own-phone.md', 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (.*) \|$/gm)].map(([, ...row]) => row.join(' '));
    const codes = (Object.keys(TITLES) as ProblemCode[]).filter((code) => code !== 'weak_pin');
    expect(rows).to.deep.equal(codes.map((code) => `${code} ${PROBLEM_STATUS[code]} ${TITLES[code]}`));
  });
});
