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
import { type ProofOptions, readServiceCertificate, type ServiceCertificate } from './service-certificate.ts';
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

/** What the client proves itself with. */
interface Proofs {
  /** Keys for its own proof and for its signed requests. */
  proof?: ServiceKey;
  request?: ServiceKey;
  /** Shown in TLS. */
  certificate?: ServiceCertificate;
  /** Tokens are bound to it. */
  dpop?: DpopKey;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

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
  readonly #proofs: Proofs;
  readonly #fetch: Fetch;
  readonly #keys: ReturnType<typeof createRemoteJWKSet>;

  private constructor(client: ClientSettings, metadata: PlayedService['metadata'], proofs: Proofs, fetch: Fetch) {
    this.client = client;
    this.clientId = client.metadata.client_id;
    this.metadata = metadata;
    this.#proofs = proofs;
    this.#fetch = fetch;
    this.#keys = createRemoteJWKSet(new URL(String(metadata['jwks_uri'])));
  }

  /**
   * Finds the provider and makes ready what the client needs to prove itself.
   * @param options the files that hold its key and certificate. @throws Error that says what is missing.
   */
  static async open(settings: Settings, clientId: string, options: ProofOptions): Promise<PlayedService> {
    const client = clientNamed(settings, clientId);
    const certificate = readServiceCertificate(options, client, settings.server.mtls);
    const { issuer } = settings.server;
    const found = await ask(fetch, `${issuer}/.well-known/openid-configuration`);
    if (found.status >= 500) throw new Error(`what answers at ${issuer} is not ready: it says ${found.status}`);
    if (found.body['issuer'] !== issuer)
      throw new Error(
        `what answers at ${issuer} says that it is ${String(found.body['issuer'])}: is it this provider?`,
      );
    const proofs = {
      ...(await signingKeys(client, options.key)),
      ...(client.metadata['dpop_bound_access_tokens'] === true ? { dpop: await dpopKey() } : {}),
      ...(certificate ? { certificate } : {}),
    };
    if (certificate) needMutualTls(client, found.body);
    return new PlayedService(client, found.body, proofs, certificate ? await showing(certificate) : fetch);
  }

  /** Address of an endpoint by its name in discovery; for who shows a certificate the one where it is asked for (RFC 8705 section 5). */
  endpoint(name: string): string {
    const aliases = (this.#proofs.certificate && this.metadata['mtls_endpoint_aliases']) as Fields | undefined;
    return aliases?.[name] ?? String(this.metadata[name]);
  }

  /** Thumbprint of the DPoP key, for clients whose tokens are bound to one (`dpop_jkt`, RFC 9449 section 10). */
  get thumbprint(): string | undefined {
    return this.#proofs.dpop?.thumbprint;
  }

  /** Posts a form with the client's proof; with a DPoP proof where its tokens are bound. */
  async post(endpoint: string, fields: Fields): Promise<Answer> {
    const url = this.endpoint(endpoint);
    const send = async () => {
      const proof = await this.#proof();
      const headers = { ...proof.headers, ...(await this.#dpopHeader('POST', url)) };
      return ask(this.#fetch, url, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ ...fields, ...proof.fields }),
      });
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
    const scheme = this.#proofs.dpop ? 'DPoP' : 'Bearer';
    return this.#withNonce(async () => {
      const headers = {
        authorization: `${scheme} ${accessToken}`,
        ...(await this.#dpopHeader('GET', url, accessToken)),
      };
      return ask(this.#fetch, url, { headers });
    });
  }

  /** The parameters as one signed value (JAR, RFC 9101 section 4). */
  async requestObject(parameters: Fields): Promise<string> {
    const { key, alg, kid } = this.#proofs.request ?? needKey(SIGNED_REQUESTS);
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
    if (!this.#proofs.dpop || first.nonce === undefined) return first;
    this.#proofs.dpop.nonce = first.nonce;
    return first.body['error'] === 'use_dpop_nonce' ? send() : first;
  }

  async #dpopHeader(method: string, url: string, accessToken?: string): Promise<{ dpop?: string }> {
    if (!this.#proofs.dpop) return {};
    const { privateKey, jwk, nonce } = this.#proofs.dpop;
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
    // The certificate is shown in TLS; the form says whose it is (RFC 8705 section 2).
    if (method === 'none' || String(method).includes('tls_client_auth')) return { headers: {}, fields: { client_id } };
    if (method === 'client_secret_basic') {
      const pair = `${encodeURIComponent(client_id)}:${encodeURIComponent(String(secret))}`;
      return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, fields: {} };
    }
    if (method === 'client_secret_post') return { headers: {}, fields: { client_id, client_secret: String(secret) } };
    const { key, alg, kid } = this.#proofs.proof ?? needKey('private_key_jwt');
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
async function signingKeys(client: ClientSettings, file: string | undefined): Promise<Proofs> {
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

/** The server that runs may be older than the files that were read. @throws Error where it would not look at a certificate. */
function needMutualTls(
  { metadata: { token_endpoint_auth_method } }: ClientSettings,
  told: PlayedService['metadata'],
): void {
  const method = String(token_endpoint_auth_method);
  const methods = told['token_endpoint_auth_methods_supported'] as string[];
  const offered = method.includes('tls_client_auth')
    ? methods.includes(method)
    : told['tls_client_certificate_bound_access_tokens'] === true;
  if (!offered)
    throw new Error(
      `the server that runs at ${String(told['issuer'])} takes no certificates of clients (discovery offers ${methods.join(', ')}): ` +
        'is mtls in its server.yaml, and was it started since?',
    );
  const { token_endpoint: address } = (told['mtls_endpoint_aliases'] ?? told) as { token_endpoint: string };
  if (!address.startsWith('https:'))
    throw new Error(`a certificate can be shown by TLS only, and the token endpoint is ${address}: set mtls.origin`);
}

/** A fetch that shows a certificate to whoever asks for one. */
async function showing(certificate: ServiceCertificate): Promise<Fetch> {
  // Loaded here: most services show none.
  const { Agent, fetch: fetchBy } = await import('undici');
  const dispatcher = new Agent({ connect: { ...certificate } });
  return (url, init) => fetchBy(url, { ...init, dispatcher } as never) as unknown as Promise<Response>;
}

/** The innermost reason of a request that failed: `fetch failed` alone helps nobody. */
function innermost(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? innermost(cause) : message;
}

/** Answer with the nonce for the next proof, where the provider gave one. */
async function ask(by: Fetch, url: string, init: RequestInit = {}): Promise<Answer & { nonce?: string }> {
  let response: Response;
  try {
    response = await by(url, { ...init, redirect: 'error' });
  } catch (error) {
    const why = `cannot reach ${new URL(url).origin}: is the server running? (${innermost(error)})`;
    throw new Error(why, { cause: error });
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
