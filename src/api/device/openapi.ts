// The device API as an OpenAPI 3.1 description, built from the tables that the code itself works by: claims, message types, problems.
import { z } from 'zod';
import { devicePath, type Endpoint, MESSAGE_TYPES, PROBLEM_STATUS, type ProblemCode } from '../../protocol/messages.ts';
import { CLAIMS } from './claims.ts';
import { TITLES } from './problems.ts';

const string = { type: 'string' };
const whole = { type: 'integer', minimum: 0 };
const b64u = (length: number) => ({ type: 'string', pattern: `^[A-Za-z0-9_-]{${Math.ceil((length * 4) / 3)}}$` });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** An object with exactly these members; a name that ends in "?" may be absent. */
function exactly(members: { [name: string]: object }): object {
  const entries = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace('?', ''), schema])),
    required: entries.map(([name]) => name).filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

/** An object with at least these members. */
function open(members: { [name: string]: object }): object {
  const { additionalProperties: _closed, ...schema } = exactly(members) as { additionalProperties: boolean };
  return schema;
}

const point = { kty: { const: 'EC' }, crv: { const: 'P-256' }, x: b64u(32), y: b64u(32) };
const kdf = exactly({ name: { const: 'PBKDF2-SHA256' }, iterations: whole });
const context = { rp: string, browser: string, 'ip?': string, 'country?': string, at: whole, level: string };

const SCHEMAS = {
  Metadata: exactly({
    issuer: string,
    app_origin: string,
    protocol: { const: 1 },
    enc_jwk: exactly({ ...point, kid: string, use: { const: 'enc' } }),
    pin: exactly({ setup: { enum: ['browser', 'phone'] }, min: whole, max: whole }),
    kdf,
    ocra_suite: string,
    number_digits: whole,
    accounts_per_device: whole,
    offline: { type: 'boolean' },
    'vapid_public_key?': string,
    server_time: whole,
  }),
  EnrolmentOffer: exactly({
    enrolment_id: string,
    device_id: string,
    nonce: b64u(16),
    device_name: string,
    account: string,
    salt: b64u(16),
    kdf,
    expires_in: whole,
  }),
  EnrolmentResult: {
    oneOf: [
      exactly({ device_id: string, state: { const: 'active' }, ratchet: b64u(16) }),
      exactly({
        device_id: string,
        state: { const: 'confirm' },
        check: { type: 'string', pattern: '^[0-9]{6}$' },
        ratchet: b64u(16),
      }),
    ],
  },
  Request: exactly({
    txn: b64u(16),
    kind: { enum: ['signin', 'stepup', 'ciba', 'transaction'] },
    nonce: b64u(16),
    ctx: exactly({ ...context, 'binding?': string }),
    number_required: { type: 'boolean' },
    exp: whole,
    'details?': string,
  }),
  RequestList: exactly({
    transactions: { type: 'array', items: ref('Request') },
    'notices?': { type: 'array', items: ref('Notice'), maxItems: 20 },
    'read_only?': ref('ReadOnly'),
    server_time: whole,
  }),
  ReadOnly: exactly({
    'until?': whole,
    'text?': { type: 'object', additionalProperties: string, required: ['en'] },
  }),
  // One event of the stream, as its lines say it (OpenAPI 3.2 has `itemSchema` for this; 3.1 has no place). Events of other names are skipped.
  StreamEvent: exactly({
    event: { const: 'pending' },
    data: { type: 'string', contentMediaType: 'application/json', contentSchema: ref('RequestList') },
  }),
  Notice: exactly({
    text: { type: 'object', additionalProperties: string, required: ['en'] },
    shown: whole,
    from: whole,
    until: whole,
  }),
  Answered: exactly({ state: { enum: ['approved', 'denied'] }, 'ratchet?': b64u(16) }),
  BiometricOffer: exactly({
    options: exactly({
      rp: exactly({ id: string, name: string }),
      user: exactly({ id: b64u(16), name: string, displayName: string }),
      challenge: b64u(32),
      pubKeyCredParams: {
        type: 'array',
        items: exactly({ type: { const: 'public-key' }, alg: { type: 'integer' } }),
      },
      timeout: whole,
      attestation: { const: 'none' },
      authenticatorSelection: exactly({
        authenticatorAttachment: { const: 'platform' },
        residentKey: { const: 'discouraged' },
        requireResidentKey: { const: false },
        userVerification: { const: 'required' },
      }),
    }),
    ratchet: b64u(16),
  }),
  BiometricRequest: exactly({ rp_id: string, credential_id: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' } }),
  Ratchet: exactly({ ratchet: b64u(16) }),
  Name: exactly({ name: string }),
  Self: exactly({
    state: { enum: ['active', 'locked'] },
    name: string,
    account: string,
    added: whole,
    'last_used?': whole,
    push: { type: 'boolean' },
    biometric: { type: 'boolean' },
  }),
} as const;

/** What one endpoint is for, what it answers, and how it can refuse besides what every message can be refused for. */
interface Described {
  summary: string;
  status: 200 | 201 | 204;
  body?: keyof typeof SCHEMAS;
  problems: readonly ProblemCode[];
}

const EVERYWHERE = [
  'wrong_origin',
  'method_not_allowed',
  'too_many_requests',
  'unavailable',
  'read_only',
  'internal',
] as const;
const MESSAGE = [
  'too_large',
  'unsupported_media_type',
  'malformed',
  'bad_signature',
  'wrong_typ',
  'wrong_aud',
  'clock_skew',
  'replayed',
] as const;
const LOCKED = ['device_locked', 'device_cloned'] as const;
const OVER = ['unknown_transaction', 'expired', 'approved', 'denied', 'failed'] as const;
const PIN = [...LOCKED, 'pin_backoff', 'wrong_pin'] as const;
const BIOMETRIC = ['no_biometric', 'wrong_biometric'] as const;
const ENROLMENT = ['enrolment_claimed', 'enrolment_expired', 'enrolment_cancelled'] as const;

/** Each endpoint that takes a signed message. */
export const ENDPOINTS: { readonly [endpoint in Endpoint]: Described } = {
  'enrol/begin': {
    summary: 'A new key claims an enrolment.',
    status: 200,
    body: 'EnrolmentOffer',
    problems: [...ENROLMENT, 'device_has_account'],
  },
  'enrol/complete': {
    summary: 'The key becomes a device.',
    status: 201,
    body: 'EnrolmentResult',
    problems: [...ENROLMENT, 'nonce', 'unknown_key', 'wrong_pin'],
  },
  respond: {
    summary: 'Approves, denies or reports a request.',
    status: 200,
    body: 'Answered',
    problems: [
      'device_removed',
      ...PIN,
      ...OVER,
      'nonce',
      'context_mismatch',
      'not_transferred',
      'wrong_number',
      ...BIOMETRIC,
    ],
  },
  pin: {
    summary: 'Changes the PIN.',
    status: 200,
    body: 'Ratchet',
    problems: ['device_removed', ...PIN, 'unknown_key'],
  },
  'webauthn/register/options': {
    summary: 'Asks for a biometric, with the PIN.',
    status: 200,
    body: 'BiometricOffer',
    problems: ['device_removed', ...PIN],
  },
  'webauthn/register': {
    summary: 'Brings the credential that was made for the last offer.',
    status: 204,
    problems: ['device_removed', ...LOCKED, 'wrong_biometric'],
  },
  'webauthn/remove': {
    summary: 'Takes the biometric off.',
    status: 204,
    problems: ['device_removed', ...LOCKED],
  },
  'webauthn/options': {
    summary: 'What to ask the authenticator for, for one request.',
    status: 200,
    body: 'BiometricRequest',
    problems: ['device_removed', ...LOCKED, ...OVER, 'no_biometric'],
  },
  pending: {
    summary: 'The requests that wait for this device.',
    status: 200,
    body: 'RequestList',
    problems: ['device_removed'],
  },
  stream: {
    summary: 'The same list as server-sent events named "pending".',
    status: 200,
    problems: ['device_removed', ...LOCKED],
  },
  open: {
    summary: 'Takes a request from a link.',
    status: 200,
    body: 'Request',
    problems: ['device_removed', ...LOCKED, ...OVER, 'claimed'],
  },
  claim: {
    summary: 'Takes a request from a code that the camera read.',
    status: 200,
    body: 'Request',
    problems: ['device_removed', ...LOCKED, ...OVER, 'qr_stale', 'qr_forged', 'claimed'],
  },
  self: { summary: 'This device.', status: 200, body: 'Self', problems: ['device_removed'] },
  rename: {
    summary: 'Gives this device a name.',
    status: 200,
    body: 'Name',
    problems: ['device_removed', ...LOCKED],
  },
  push: {
    summary: 'Where this device can be woken; null ends it.',
    status: 204,
    problems: ['device_removed', ...LOCKED],
  },
  unlink: { summary: 'Removes this device.', status: 204, problems: ['device_removed'] },
};

/** Every code that a path may be refused with. */
export function problemsOf(path: Endpoint | 'metadata'): readonly ProblemCode[] {
  return path === 'metadata' ? EVERYWHERE : [...EVERYWHERE, ...MESSAGE, ...ENDPOINTS[path].problems];
}

/** One response for each status that the codes have, naming its codes. */
function refusals(codes: readonly ProblemCode[]): { [status: string]: object } {
  const responses: { [status: string]: object } = {};
  for (const status of new Set(codes.map((code) => PROBLEM_STATUS[code]))) {
    const types = codes
      .filter((code) => PROBLEM_STATUS[code] === status)
      .map((code) => `urn:countersign:problem:${code}`);
    const schema = { allOf: [ref('Problem'), { properties: { status: { const: status } } }] };
    responses[status] = {
      description: types.map((type) => type.split(':').at(-1)).join(', '),
      content: { 'application/problem+json': { schema, 'x-types': types } },
    };
  }
  return {
    ...responses,
    default: {
      description: 'A refusal that came after this description. Go by its status.',
      content: { 'application/problem+json': { schema: ref('Problem') } },
    },
  };
}

function success(endpoint: Endpoint): object {
  const { status, body, summary } = ENDPOINTS[endpoint];
  if (endpoint === 'stream') {
    return {
      200: {
        description: summary,
        content: { 'text/event-stream': { schema: string, 'x-itemSchema': ref('StreamEvent') } },
      },
    };
  }
  return {
    [status]: { description: summary, ...(body && { content: { 'application/json': { schema: ref(body) } } }) },
  };
}

function operation(endpoint: Endpoint): object {
  return {
    post: {
      operationId: endpoint,
      summary: ENDPOINTS[endpoint].summary,
      requestBody: {
        required: true,
        description: `A compact JWS (ES256) of type ${MESSAGE_TYPES[endpoint]}; its payload is x-claims.`,
        content: {
          'application/jose': {
            schema: { type: 'string', contentMediaType: 'application/jose' },
            'x-typ': MESSAGE_TYPES[endpoint],
            'x-claims': z.toJSONSchema(CLAIMS[endpoint]),
          },
        },
      },
      responses: { ...success(endpoint), ...refusals(problemsOf(endpoint)) },
    },
  };
}

/** The description, as it is served. `x-claims` is the JSON Schema of a message's payload. */
export function describeApi(appOrigin: string) {
  const endpoints = Object.keys(ENDPOINTS) as Endpoint[];
  // `weak_pin` is told by the account page (protocol section 4, E1), never by this API.
  const codes = (Object.keys(TITLES) as ProblemCode[]).filter((code) => code !== 'weak_pin');
  const metadata = {
    get: {
      operationId: 'metadata',
      summary: 'The public facts of this server.',
      responses: {
        200: { description: 'The facts.', content: { 'application/json': { schema: ref('Metadata') } } },
        ...refusals(problemsOf('metadata')),
      },
    },
  };
  const document = {
    get: {
      operationId: 'openapi',
      summary: 'This description.',
      responses: {
        200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
        ...refusals(EVERYWHERE),
      },
    },
  };
  return {
    openapi: '3.1.0',
    info: { title: 'Countersign device API', version: '1', description: 'docs/device-protocol.md is the contract.' },
    servers: [{ url: appOrigin }],
    paths: {
      [devicePath('metadata')]: metadata,
      [devicePath('openapi.json')]: document,
      ...Object.fromEntries(endpoints.map((endpoint) => [devicePath(endpoint), operation(endpoint)])),
    },
    components: {
      schemas: {
        ...SCHEMAS,
        // Open: a later version may have codes and members of its own, and a phone of today must take them (docs/device-protocol.md).
        Problem: open({
          type: {
            type: 'string',
            description: 'One of x-known, or one that came later: then go by the status.',
            pattern: '^urn:countersign:problem:[a-z0-9_]+$',
            'x-known': Object.fromEntries(codes.map((code) => [`urn:countersign:problem:${code}`, TITLES[code]])),
          },
          title: string,
          status: { type: 'integer', minimum: 400, maximum: 599 },
          'remaining?': whole,
          'retry_after?': whole,
          'server_time?': whole,
          'ratchet?': b64u(16),
        }),
      },
    },
  };
}
