// Whatever arrives at the device API, the answer is a problem document below 500, and nobody's phone is moved by it.
import { expect } from 'chai';
import fc from 'fast-check';
import { CompactSign } from 'jose';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore, type PhoneState } from '../../src/cli/phone-state.ts';
import { toBase64url, utf8 } from '../../src/protocol/bytes.ts';
import { devicePath, type Endpoint, MESSAGE_TYPES } from '../../src/protocol/messages.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const ENDPOINTS = Object.keys(MESSAGE_TYPES) as Endpoint[];
const RUNS = { numRuns: 60 };

const id16 = () => toBase64url(crypto.getRandomValues(new Uint8Array(16)));
const id32 = () => toBase64url(crypto.getRandomValues(new Uint8Array(32)));
const part = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => toBase64url(Uint8Array.from(bytes))),
  fc.jsonValue().map((value) => toBase64url(utf8(JSON.stringify(value)))),
  fc
    .dictionary(fc.constantFrom('alg', 'typ', 'kid', 'jwk', 'crit', 'b64', 'jku', 'iss'), fc.jsonValue())
    .map((header) => toBase64url(utf8(JSON.stringify({ alg: 'ES256', typ: 'dev-req+jwt', ...header })))),
);

describe('device API under fuzz', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let state: PhoneState;
  let key: CryptoKey;
  let counter = 0;

  before(async () => {
    const limits = {
      device_api_address: { points: 1_000_000, within: '1m' },
      enrolment_code_address: { points: 1_000_000 },
    };
    running = await startHouse({ files: { 'limits.yaml': limits } });
    const { id: userId } = await person(running.house);
    const offer = { userId, session: 's', name: 'Phone', pin: PIN, pinAgain: PIN };
    const started = await startEnrolment(running.house.world, offer);
    if (!started.ok) throw new Error(started.why);
    const store = memoryStore();
    await new HeadlessPhone({ state: store }).enrol({ link: started.link }, PIN);
    const kept = await store.load();
    if (!kept?.account) throw new Error('no account');
    state = kept;
    key = await crypto.subtle.importKey('jwk', { ...kept.account.key }, { name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
    ]);
  });
  after(() => running.close());

  /** Posts a body; where it is refused, the refusal must be whole. */
  async function post(endpoint: Endpoint, body: string | Uint8Array<ArrayBuffer>): Promise<number> {
    const headers = { 'Content-Type': 'application/jose' };
    const answer = await fetch(`${running.issuer}${devicePath(endpoint)}`, { method: 'POST', body, headers });
    const { status } = answer;
    expect(status, endpoint).to.be.below(500);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
    expect(answer.headers.get('set-cookie')).to.equal(null);
    if (status < 400) {
      await answer.body?.cancel();
      return status;
    }
    expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
    const problem = (await answer.json()) as { type: string; title: string; status: number };
    expect(problem).to.include({ status });
    expect(problem.type).to.match(/^urn:countersign:problem:[a-z_]+$/);
    expect(problem.title).to.be.a('string');
    return status;
  }

  async function sign(endpoint: Endpoint, claims: object): Promise<string> {
    const kid = state.account?.deviceId ?? '';
    return new CompactSign(utf8(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'ES256', typ: MESSAGE_TYPES[endpoint], kid })
      .sign(key);
  }

  /** A message that would be read to its end: one member of it is then made wrong. */
  function goodClaims(endpoint: Endpoint): Record<string, unknown> {
    counter = Math.max(counter + 1, Date.now());
    const { deviceId = '', ratchet = '' } = state.account ?? {};
    const aud = `${running.issuer}${devicePath(endpoint)}`;
    const named = { iss: deviceId, aud, iat: Math.floor(Date.now() / 1000) };
    const counted = { ...named, ctr: counter };
    if (endpoint === 'respond')
      return {
        ...counted,
        txn: id16(),
        nonce: id16(),
        ctx_hash: id32(),
        decision: 'approve',
        uv: 'pin',
        pin_tag: id32(),
        ratchet,
      };
    if (endpoint === 'pin') return { ...counted, ratchet, sec: 'eyJ9..AAAA.AAAA.AAAA' };
    const request = { ...named, jti: id16() };
    if (endpoint === 'enrol/complete') return { ...request, nonce: id16(), platform: 'P', sec: 'eyJ9..AAAA.AAAA.AAAA' };
    if (endpoint === 'open') return { ...request, txn: id16() };
    if (endpoint === 'claim') return { ...request, txn: id16(), i: 3, mac: id16() };
    return endpoint === 'rename' ? { ...request, name: 'Phone' } : request;
  }

  for (const endpoint of ENDPOINTS) {
    it(`${endpoint}: random bytes, random parts, and a good signature over anything`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 9000 }), async (bytes) => {
          expect(await post(endpoint, Uint8Array.from(bytes))).to.be.within(400, 499);
        }),
        RUNS,
      );
      await fc.assert(
        fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
          expect(await post(endpoint, Buffer.from(parts.join('.')).toString('utf8'))).to.be.within(400, 499);
        }),
        RUNS,
      );
      if (endpoint === 'enrol/begin') return;
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (claims) => {
          expect(await post(endpoint, await sign(endpoint, claims))).to.be.within(400, 499);
        }),
        RUNS,
      );
      const names = Object.keys(goodClaims(endpoint)).filter((name) => endpoint !== 'unlink' || name !== 'jti');
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...names), fc.jsonValue(), async (name, value) => {
          // A ratchet of the right form that we never gave would rightly lock the phone.
          fc.pre(name !== 'ratchet' || typeof value !== 'string' || value.length !== 22);
          await post(endpoint, await sign(endpoint, { ...goodClaims(endpoint), [name]: value }));
        }),
        RUNS,
      );
    });
  }

  it('begins for no random key, token or code', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const { x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    const point = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toBase64url(Uint8Array.from(bytes)));
    const jwk = fc.oneof(
      fc.constant({ kty: 'EC', crv: 'P-256', x, y }),
      fc.record({ kty: fc.constant('EC'), crv: fc.constant('P-256'), x: point, y: point }),
    );
    const by = fc.oneof(
      fc.constant({}).map(() => ({ token: id16() })),
      fc.record({ code: fc.string({ maxLength: 70 }), login: fc.string({ unit: 'binary', maxLength: 520 }) }),
    );
    await fc.assert(
      fc.asyncProperty(jwk, by, async (header, claims) => {
        const aud = `${running.issuer}${devicePath('enrol/begin')}`;
        const whole = { ...claims, install_id: id16(), jti: id16(), aud, iat: Math.floor(Date.now() / 1000) };
        const jws = await new CompactSign(utf8(JSON.stringify(whole)))
          .setProtectedHeader({ alg: 'ES256', typ: MESSAGE_TYPES['enrol/begin'], jwk: header as never })
          .sign(pair.privateKey);
        expect(await post('enrol/begin', jws)).to.be.within(400, 499);
      }),
      { numRuns: 150 },
    );
  });

  it('has moved nobody: the phone is active, and no PIN was counted', async () => {
    const device = await running.house.world.records.devices.byId(state.account?.deviceId ?? '');
    expect(device).to.include({ state: 'active', pinFailures: 0 });
  });
});
