// The check of a request from its headers to a verdict; frameworks only carry it in and out.
import type { JWTPayload } from 'jose';
import { type AccessToken, accessToken } from './access-token.ts';
import type { IncomingRequest, Refusal } from './answer.ts';
import { certificateThumbprint } from './certificate.ts';
import { lacking, notGood, type Realm, tokenMissing, unavailable } from './challenge.ts';
import { boundTo, checkProof } from './dpop.ts';
import { InvalidProof, InvalidToken } from './failures.ts';
import { introspect } from './introspection.ts';
import { addressOf, discovery, issuerKeys } from './issuer.ts';
import { verifyJwt } from './jwt-access-token.ts';
import { type ResourceServerOptions, type Settings, settingsOf } from './options.ts';
import { checkRequirement, lackOf, type Requirement } from './requirement.ts';

/** What a check answers. */
export type Verdict = { ok: true; token: AccessToken } | { ok: false; refusal: Refusal };

/** A requirement made ready: asks of a request whether it may pass. */
export type Guard = (request: IncomingRequest) => Promise<Verdict>;

/** The scheme is not case-sensitive (RFC 9110 section 11.1); the token is one token68. */
const CREDENTIALS = /^(bearer|dpop) +([\w.~+/-]+=*)$/i;
const OURS = /^(bearer|dpop)( |$)/i;

/** An API as its issuer knows it. Make one a process, and a guard for each kind of route. */
export class ResourceServer {
  readonly #settings: Settings;
  readonly #realm: Realm;
  readonly #claims: (token: string, now: number) => Promise<JWTPayload>;

  /** @throws TypeError for options that are not safe, or would never work. */
  constructor(options: ResourceServerOptions) {
    const settings = settingsOf(options);
    const { proofs } = settings;
    this.#settings = settings;
    this.#realm = {
      name: options.realm,
      schemes: proofs === undefined ? ['bearer'] : proofs.required ? ['dpop'] : ['bearer', 'dpop'],
      algorithms: proofs?.algorithms ?? [],
    };
    this.#claims = claimsReader(settings);
  }

  /** @throws TypeError for a requirement that nothing could meet, or that names an unknown level. */
  guard(requirement: Requirement = {}): Guard {
    const { levels, tolerance, onRefusal } = this.#settings;
    const required = checkRequirement(requirement, levels);
    return async (request) => {
      let cause: unknown;
      const refused = (refusal: Refusal): Verdict => {
        onRefusal?.({ status: refusal.status, error: refusal.body.error, cause });
        return { ok: false, refusal };
      };
      const credentials = this.#credentials(request);
      if ('refusal' in credentials) return refused(credentials.refusal);
      const { scheme, token: value } = credentials;
      try {
        const now = Math.floor(Date.now() / 1000);
        const claims = await this.#claims(value, now);
        await this.#checkBinding(request, scheme, value, claims, now);
        const token = accessToken(claims, scheme);
        const lack = lackOf(token, required, now, tolerance);
        return lack === undefined ? { ok: true, token } : refused(lacking(this.#realm, scheme, lack, required));
      } catch (error) {
        cause = error;
        if (error instanceof InvalidToken) return refused(notGood(this.#realm, scheme, 'invalid_token'));
        if (error instanceof InvalidProof) return refused(notGood(this.#realm, scheme, 'invalid_dpop_proof'));
        // Whatever else went wrong: nobody is let in by it.
        return refused(unavailable());
      }
    };
  }

  #credentials(request: IncomingRequest): { scheme: 'bearer' | 'dpop'; token: string } | { refusal: Refusal } {
    const header = request.header('authorization') ?? '';
    if (!OURS.test(header)) return { refusal: tokenMissing(this.#realm) };
    const [, name = '', token] = CREDENTIALS.exec(header) ?? [];
    const scheme = /^dpop/i.test(header) ? 'dpop' : 'bearer';
    if (name === '' || token === undefined) return { refusal: notGood(this.#realm, scheme, 'invalid_request') };
    return { scheme, token };
  }

  /**
   * A token that is bound to a certificate needs that certificate (RFC 8705 section 3), one that is bound to a key needs its proof, and a
   * proof needs a token that is bound (RFC 9449 section 7.2).
   */
  async #checkBinding(
    request: IncomingRequest,
    scheme: 'bearer' | 'dpop',
    token: string,
    claims: JWTPayload,
    now: number,
  ): Promise<void> {
    const { method, url, header } = request;
    const { proofs, base, tolerance, certificateOf } = this.#settings;
    const { key: thumbprint, certificate } = boundTo(claims);
    if (certificate !== undefined) {
      const shown = certificateOf?.(request);
      if (shown === undefined || certificateThumbprint(shown) !== certificate)
        throw new InvalidToken('bound to a certificate that was not shown');
    }
    if (thumbprint === undefined && scheme === 'bearer' && proofs?.required !== true) return;
    if (thumbprint === undefined || scheme === 'bearer' || proofs === undefined)
      throw new InvalidToken('token and scheme do not fit together');
    const { algorithms, window, replays: store } = proofs;
    const path = url.startsWith('/') ? url : new URL(url).pathname;
    // Joined as text: a path of `//other.example` must stay a path.
    const address = new URL(`${base}${path.replace(/[?#].*$/s, '')}`);
    const expected = { method, url: address, token, thumbprint, algorithms, window, tolerance, store };
    await checkProof(header('dpop') ?? '', expected, now);
  }
}

/** How claims are read from a token: from itself, or from the issuer. */
function claimsReader(settings: Settings): (token: string, now: number) => Promise<JWTPayload> {
  const { introspection, keys, jwksUri, issuer } = settings;
  const metadata = discovery(issuer);
  if (introspection !== undefined) {
    const endpoint = addressOf(introspection.endpoint, async () => (await metadata()).introspection_endpoint);
    return async (token, now) => introspect(token, await endpoint(), introspection, settings, now);
  }
  const keySet = keys ?? issuerKeys(addressOf(jwksUri, async () => (await metadata()).jwks_uri));
  return (token, now) => verifyJwt(token, keySet, settings, now);
}
