// A platform authenticator in software: it makes the bytes of WebAuthn attestations and assertions, right ones and, on request, wrong ones.
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import type { PhoneStore } from '../../src/cli/phone-state.ts';
import {
  type Assertion,
  type Attestation,
  type BiometricOffer,
  biometricChallenge,
} from '../../src/protocol/biometric.ts';
import { fromBase64url, toBase64url } from '../../src/protocol/bytes.ts';
import { contextHash } from '../../src/protocol/context.ts';
import { derivePin, importDeviceKey } from '../../src/protocol/derivations.ts';
import type { PendingTransaction } from '../../src/protocol/messages.ts';

/** What may be wrong with an answer of the authenticator. */
export interface Faults {
  origin?: string;
  rpId?: string;
  type?: string;
  challenge?: string;
  /** The person was present, but nobody verified who it was. */
  unverified?: boolean;
  /** The authenticator's own count; it rises by itself otherwise. */
  counter?: number;
  /** An attestation of a maker, with its certificate. */
  certified?: boolean;
}

/** A maker's key and certificate, as WebAuthn section 8.2.1 wants them; good for a hundred years. */
const MAKER = {
  certificate:
    'MIIB6TCCAY+gAwIBAgIURdmvU4rdVRnzfLqMRgzCjS4zuTIwCgYIKoZIzj0EAwIwWzELMAkGA1UEBhMCREUxDTALBgNVBAoMBFRlc3QxIjAgBgNVBAsMGUF1dGhlbnRpY2F0b3IgQXR0ZXN0YXRpb24xGTAXBgNVBAMMEFRlc3QgYXR0ZXN0YXRpb24wIBcNMjYxMTI0MTIxODUzWhgPMjEyNjEwMzExMjE4NTNaMFsxCzAJBgNVBAYTAkRFMQ0wCwYDVQQKDARUZXN0MSIwIAYDVQQLDBlBdXRoZW50aWNhdG9yIEF0dGVzdGF0aW9uMRkwFwYDVQQDDBBUZXN0IGF0dGVzdGF0aW9uMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEE/Hvc/CNhtVBDq1/GxHwMBML/OWXD1+D+6BJ+yCxkFc5kUvBAqxF8hLc3M6lcBeeFqXjdO99GyNXqXlYTgvOBqMvMC0wDAYDVR0TAQH/BAIwADAdBgNVHQ4EFgQU/CNHosLh4z5SZCvIcRUWMD0Zk9wwCgYIKoZIzj0EAwIDSAAwRQIhAJwh7s9St6AwCXBm86SAeRhZQ+biUep/4hiIrTWLeiRsAiBxVMsVMnN41tIZjCQIWA4B1H1TIk31cyEsOiSaitjDHQ==',
  key: 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq4pr/r4x1+4wzlAUb6WJ9T6DHdllCp/16Z3mH9Ud80ChRANCAAQT8e9z8I2G1UEOrX8bEfAwEwv85ZcPX4P7oEn7ILGQVzmRS8ECrEXyEtzczqVwF54WpeN0730bI1epeVhOC84G',
};

const FLAGS = { present: 0x01, verified: 0x04, attested: 0x40 } as const;

/** CBOR (RFC 8949) of what WebAuthn needs: whole numbers, texts, bytes, lists and maps. */
function cbor(value: number | string | Buffer | unknown[] | Map<unknown, unknown>): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map((one) => cbor(one as never))]);
  const members = [...value].flatMap(([name, member]) => [cbor(name as never), cbor(member as never)]);
  return Buffer.concat([head(5, value.size), ...members]);
}

function head(kind: number, length: number): Buffer {
  const major = kind << 5;
  if (length < 24) return Buffer.from([major | length]);
  if (length < 256) return Buffer.from([major | 24, length]);
  return Buffer.from([major | 25, length >> 8, length & 255]);
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();

/** One authenticator with one credential at a time. */
export class SoftwareAuthenticator {
  readonly #origin: string;
  #key: KeyObject;
  #publicKey: KeyObject;
  #counter = 0;
  credentialId = '';

  constructor(origin: string) {
    this.#origin = origin;
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
    this.#publicKey = pair.publicKey;
  }

  /** A new credential for this challenge. */
  create(challenge: string, faults: Faults = {}): Attestation {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
    this.#publicKey = pair.publicKey;
    const id = randomBytes(16);
    this.credentialId = id.toString('base64url');
    const { x = '', y = '' } = this.#publicKey.export({ format: 'jwk' });
    const cose = new Map<unknown, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ]);
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, cbor(cose)]);
    const authData = Buffer.concat([this.#authData(faults, FLAGS.attested), attested]);
    const clientData = this.#clientData('webauthn.create', challenge, faults);
    const statement = new Map<string, unknown>();
    if (faults.certified) {
      const key = createPrivateKey({ key: Buffer.from(MAKER.key, 'base64'), format: 'der', type: 'pkcs8' });
      statement.set('alg', -7);
      statement.set('sig', sign('sha256', Buffer.concat([authData, sha256(clientData)]), key));
      statement.set('x5c', [Buffer.from(MAKER.certificate, 'base64')]);
    }
    const attestation = new Map<string, unknown>([
      ['fmt', faults.certified ? 'packed' : 'none'],
      ['attStmt', statement],
      ['authData', authData],
    ]);
    return {
      credential_id: this.credentialId,
      client_data: clientData.toString('base64url'),
      attestation_object: cbor(attestation).toString('base64url'),
    };
  }

  /** A use of the credential for this challenge. */
  use(challenge: string, faults: Faults = {}): Assertion {
    const authData = this.#authData(faults, 0);
    const clientData = this.#clientData('webauthn.get', challenge, faults);
    return {
      credential_id: this.credentialId,
      client_data: clientData.toString('base64url'),
      authenticator_data: authData.toString('base64url'),
      signature: sign('sha256', Buffer.concat([authData, sha256(clientData)]), this.#key).toString('base64url'),
    };
  }

  #authData({ rpId = new URL(this.#origin).hostname, unverified, counter }: Faults, more: number): Buffer {
    this.#counter = counter ?? this.#counter + 1;
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#counter);
    const flags = FLAGS.present | (unverified ? 0 : FLAGS.verified) | more;
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), count]);
  }

  #clientData(type: string, challenge: string, faults: Faults): Buffer {
    const said = { type, challenge, origin: this.#origin, ...faults };
    return Buffer.from(
      JSON.stringify({ type: said.type, challenge: said.challenge, origin: said.origin, crossOrigin: false }),
    );
  }
}

/** A phone without a screen that has an authenticator. */
export class BiometricPhone extends HeadlessPhone {
  readonly authenticator: SoftwareAuthenticator;
  readonly store: PhoneStore;

  constructor(origin: string, store: PhoneStore, network: typeof fetch = fetch) {
    super({ state: store, fetch: network });
    this.store = store;
    this.authenticator = new SoftwareAuthenticator(origin);
  }

  /** Asks for a biometric with the PIN. */
  async offer(pin: string): Promise<BiometricOffer> {
    const account = (await this.store.load())?.account;
    if (!account) throw new Error('no account');
    const secret = await importDeviceKey(fromBase64url(account.secret) ?? new Uint8Array(0));
    const salt = fromBase64url(account.salt) ?? new Uint8Array(0);
    const { pinTag } = await derivePin(secret, pin, salt, account.kdf.iterations);
    return (await this.ratcheted('webauthn/register/options', { pin_tag: toBase64url(pinTag) })) as BiometricOffer;
  }

  /** Brings what the authenticator made. */
  async register(attestation: Attestation): Promise<void> {
    await this.request('webauthn/register', { attestation });
  }

  /** Switches the biometric on. */
  async switchOn(pin: string): Promise<void> {
    const { options } = await this.offer(pin);
    await this.register(this.authenticator.create(options.challenge));
  }

  /** The claims of an approval by biometric. `signed`: claims that the authenticator is made to sign in place of these. */
  async approval(
    request: PendingTransaction,
    { number, faults, signed }: { number?: string; faults?: Faults; signed?: object } = {},
  ): Promise<{ [name: string]: unknown }> {
    const { txn, nonce, ctx } = request;
    const transfer = number === undefined ? {} : { number };
    const said = { txn, nonce, ctx_hash: await contextHash(ctx), decision: 'approve', ...transfer } as const;
    const { deviceId: device } = await this.account();
    const challenge = toBase64url(await biometricChallenge({ ...said, device, ...signed }));
    return { ...said, uv: 'webauthn', assertion: this.authenticator.use(challenge, faults) };
  }

  /** Approves by biometric. */
  async approveByBiometric(
    request: PendingTransaction,
    more: { number?: string; faults?: Faults; signed?: object } = {},
  ) {
    return this.ratcheted('respond', await this.approval(request, more));
  }
}
