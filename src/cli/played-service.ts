// A relying service that a command plays, by the client's own file: discovery, the client's proof, PKCE, JAR, DPoP. Nothing is asked of the stores.
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createRemoteJWKSet,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { systemRandom } from '../platform/random.ts';
import type { ClientSettings, Settings } from '../settings/settings.ts';
import { explainError } from './error-page.ts';
import { readServiceKey, type ServiceKey } from './service-key.ts';

/** Parameters of a request, or members of an answer. */
export type Fields = { readonly [name: string]: string };

/** An answer of one of the provider's endpoints: JSON, or a JWT (`text`) where the client asked for signed ones. */
export interface Answer {
  status: number;
  body: { readonly [name: string]: unknown };
  text: string;
}

/** The DPoP key of one run (RFC 9449). It is never kept. */
interface DpopKey {
  privateKey: CryptoKey;
  jwk: object;
  thumbprint: string;
  nonce?: string;
}

/** Keys for the client's own proof and for its signed requests. */
interface SigningKeys {
  proof?: ServiceKey;
  request?: ServiceKey;
}

const SIGNED_REQUESTS = 'signed requests (require_signed_request_object)';
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The client of a file.  @throws Error where there is none of that name. */
export function clientNamed({ clients }: Pick<Settings, 'clients'>, clientId: string): ClientSettings {
  const found = clients.find(({ metadata }) => metadata.client_id === clientId);
  if (found) return found;
  const names = clients.map(({ metadata }) => metadata.client_id).join(', ');
  throw new Error(`there is no client ${clientId} in the configuration; there are: ${names}`);
}

/** One client, ready to speak to the running provider. */
export class PlayedService {
  readonly client: ClientSettings;
  readonly clientId: string;
  /** What discovery told (OpenID Connect Discovery section 3). */
  readonly metadata: { readonly [name: string]: unknown };
  readonly #signing: SigningKeys;
  readonly #dpop: DpopKey | undefined;
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;

  private constructor(
    client: ClientSettings,
    metadata: PlayedService['metadata'],
    signing: SigningKeys,
    dpop: DpopKey | undefined,
  ) {
    this.client = client;
    this.clientId = client.metadata.client_id;
    this.metadata = metadata;
    this.#signing = signing;
    this.#dpop = dpop;
    this.#keys = createRemoteJWKSet(new URL(String(metadata['jwks_uri'])));
  }

  /**
   * Finds the provider and makes ready what the client needs to prove itself.
   * @param keyFile `--key`. @throws Error that says what is missing.
   */
  static async open(settings: Settings, clientId: string, keyFile: string | undefined): Promise<PlayedService> {
    const client = clientNamed(settings, clientId);
    const { issuer } = settings.server;
    const found = await ask(`${issuer}/.well-known/openid-configuration`);
    if (found.body['issuer'] !== issuer)
      throw new Error(
        `what answers at ${issuer} says that it is ${String(found.body['issuer'])}: is it this provider?`,
      );
    const dpop = client.metadata['dpop_bound_access_tokens'] === true ? await dpopKey() : undefined;
    return new PlayedService(client, found.body, await signingKeys(client, keyFile), dpop);
  }

  /** Address of an endpoint by its name in discovery. */
  endpoint(name: string): string {
    return String(this.metadata[name]);
  }

  /** Thumbprint of the DPoP key, for clients whose tokens are bound to one (`dpop_jkt`, RFC 9449 section 10). */
  get thumbprint(): string | undefined {
    return this.#dpop?.thumbprint;
  }

  /** Posts a form with the client's proof; with a DPoP proof where its tokens are bound. */
  async post(endpoint: string, fields: Fields): Promise<Answer> {
    const url = this.endpoint(endpoint);
    const send = async () => {
      const proof = await this.#proof();
      const headers = { ...proof.headers, ...(await this.#dpopHeader('POST', url)) };
      return ask(url, { method: 'POST', headers, body: new URLSearchParams({ ...fields, ...proof.fields }) });
    };
    return this.#withNonce(send);
  }

  /**
   * Asks the token endpoint until there is an end: never quicker than told, and five seconds slower after each `slow_down` (RFC 8628
   * section 3.5, OpenID CIBA Core section 7.3). @param interval seconds.
   */
  async poll(fields: Fields, interval: number): Promise<Answer['body']> {
    for (let pause = interval; ; ) {
      await wait(pause * 1000);
      const { body } = await this.post('token_endpoint', fields);
      if (body['error'] === 'slow_down') pause += 5;
      else if (body['error'] !== 'authorization_pending') return body;
    }
  }

  /** Asks the userinfo endpoint. */
  async userinfo(accessToken: string): Promise<Answer> {
    const url = this.endpoint('userinfo_endpoint');
    const scheme = this.#dpop ? 'DPoP' : 'Bearer';
    return this.#withNonce(async () => {
      const headers = {
        authorization: `${scheme} ${accessToken}`,
        ...(await this.#dpopHeader('GET', url, accessToken)),
      };
      return ask(url, { headers });
    });
  }

  /** The parameters as one signed value (JAR, RFC 9101 section 4). */
  async requestObject(parameters: Fields): Promise<string> {
    const { key, alg, kid } = this.#signing.request ?? needKey(SIGNED_REQUESTS);
    return new SignJWT({ ...parameters, jti: systemRandom.id() })
      .setProtectedHeader({ alg, typ: 'oauth-authz-req+jwt', ...(kid === undefined ? {} : { kid }) })
      .setIssuer(this.clientId)
      .setAudience(this.endpoint('issuer'))
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime('5m')
      .sign(key);
  }

  /** The claims of a JWT of the provider for this client. @throws JOSEError where signature, issuer, audience or time are wrong. */
  async verified(jwt: string, expected: unknown): Promise<JWTPayload> {
    const { payload } = await jwtVerify(jwt, this.#keys, {
      issuer: this.endpoint('issuer'),
      audience: this.clientId,
      algorithms: [typeof expected === 'string' ? expected : 'ES256'],
    });
    return payload;
  }

  /** A nonce that the provider asks for is told in its answer, and the same is sent once more (RFC 9449 section 8). */
  async #withNonce(send: () => Promise<Answer & { nonce?: string }>): Promise<Answer> {
    const first = await send();
    if (!this.#dpop || first.nonce === undefined) return first;
    this.#dpop.nonce = first.nonce;
    return first.body['error'] === 'use_dpop_nonce' ? send() : first;
  }

  async #dpopHeader(method: string, url: string, accessToken?: string): Promise<{ dpop?: string }> {
    if (!this.#dpop) return {};
    const { privateKey, jwk, nonce } = this.#dpop;
    const claims = {
      htm: method,
      htu: url,
      jti: systemRandom.id(),
      ...(nonce === undefined ? {} : { nonce }),
      ...(accessToken === undefined ? {} : { ath: sha256(accessToken) }),
    };
    const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: jwk as never };
    return { dpop: await new SignJWT(claims).setProtectedHeader(header).setIssuedAt().sign(privateKey) };
  }

  /** How the client proves itself (OpenID Connect Core section 9). */
  async #proof(): Promise<{ headers: Fields; fields: Fields }> {
    const { clientId: client_id } = this;
    const { client_secret: secret, token_endpoint_auth_method: method } = this.client.metadata;
    if (method === 'none') return { headers: {}, fields: { client_id } };
    if (method === 'client_secret_basic') {
      const pair = `${encodeURIComponent(client_id)}:${encodeURIComponent(String(secret))}`;
      return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, fields: {} };
    }
    if (method === 'client_secret_post') return { headers: {}, fields: { client_id, client_secret: String(secret) } };
    const { key, alg, kid } = this.#signing.proof ?? needKey('private_key_jwt');
    const assertion = await new SignJWT({ jti: systemRandom.id() })
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .setIssuer(client_id)
      .setSubject(client_id)
      // The issuer alone: an assertion for one endpoint must not be of use at another provider (FAPI 2.0 section 5.3.2.1).
      .setAudience(this.endpoint('issuer'))
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(key);
    return { headers: {}, fields: { client_id, client_assertion_type: ASSERTION, client_assertion: assertion } };
  }
}

/** Ends a command with what was answered and what the page of errors says. @throws Error always. */
export function refusal({ error, error_description: why }: Answer['body']): never {
  const code = String(error ?? 'server_error');
  const { text, page } = explainError(code);
  throw new Error(`refused with ${code}${typeof why === 'string' ? `: ${why}` : ''}\n${text}\n${page}`);
}

function needKey(what: string): never {
  throw new Error(`this client needs ${what}: hand in its private key with --key FILE (a JSON Web Key or PEM)`);
}

/** What the client's file demands is made ready before anything is sent. */
async function signingKeys(client: ClientSettings, file: string | undefined): Promise<SigningKeys> {
  const { metadata } = client;
  const method = metadata['token_endpoint_auth_method'];
  const read = async (needed: boolean, what: string, alg: unknown) => {
    if (needed && file === undefined) needKey(what);
    return file === undefined ? undefined : readServiceKey(file, client, alg);
  };
  const signs = metadata['require_signed_request_object'] === true;
  const request = await read(signs, SIGNED_REQUESTS, metadata['request_object_signing_alg']);
  const secret = new TextEncoder().encode(String(metadata['client_secret']));
  const proof =
    method === 'client_secret_jwt'
      ? { key: secret, alg: 'HS256' }
      : await read(method === 'private_key_jwt', 'private_key_jwt', metadata['token_endpoint_auth_signing_alg']);
  return { ...(request ? { request } : {}), ...(proof ? { proof } : {}) };
}

async function dpopKey(): Promise<DpopKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

/** SHA-256 in base64url: `ath` of a proof, `code_challenge` of a verifier. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Answer with the nonce for the next proof, where the provider gave one. */
async function ask(url: string, init: RequestInit = {}): Promise<Answer & { nonce?: string }> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'error' });
  } catch (error) {
    throw new Error(`cannot reach ${new URL(url).origin}: is the server running?`, { cause: error });
  }
  const text = await response.text();
  const nonce = response.headers.get('dpop-nonce');
  return { status: response.status, body: asObject(text), text, ...(nonce === null ? {} : { nonce }) };
}

function asObject(text: string): Answer['body'] {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Answer['body']) : {};
  } catch {
    return {};
  }
}
