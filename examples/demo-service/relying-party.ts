// What a relying service does with OpenID Connect: ask, take the answer, ask the API, sign out, hear of a sign-out elsewhere.
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { parseChallenge, type StepUpChallenge } from '../../packages/step-up/src/index.ts';
import type { Asked, SignedIn } from './sessions.ts';
import type { DemoSettings } from './settings.ts';

/** What a page wants to be proven. */
export interface Wanted {
  returnTo: string;
  /** The level must be reached, or the answer is an error (OpenID Connect Core section 5.5.1.1). */
  essentialAcr?: string;
  /** A level and an age that an API's challenge named (RFC 9470 section 4). */
  acrValues?: string;
  maxAge?: number;
}

/** Answer of the API: the payslips, or what it wants first. */
export type ApiAnswer =
  | { ok: true; body: unknown }
  | { ok: false; why: 'challenge'; challenge: StepUpChallenge }
  | { ok: false; why: 'failed'; status: number };

/** `http://schemas.openid.net/event/backchannel-logout` (Back-Channel Logout section 2.4). */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** Our half of the conversation with the provider. */
export class RelyingParty {
  readonly #settings: DemoSettings;
  #provider: oidc.Configuration | undefined;

  constructor(settings: DemoSettings) {
    this.#settings = settings;
  }

  /** Discovery, once; again where it failed, because the provider may start after us. */
  async #discovered(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    // Plain http is for this machine alone.
    const local = ['localhost', '127.0.0.1'].includes(new URL(issuer).hostname);
    const options = local ? { execute: [oidc.allowInsecureRequests] } : {};
    this.#provider ??= await oidc.discovery(
      new URL(issuer),
      clientId,
      clientSecret(),
      oidc.ClientSecretBasic(clientSecret()),
      options,
    );
    return this.#provider;
  }

  get #redirectUri(): string {
    return `${this.#settings.origin}/callback`;
  }

  /** The address to send the browser to, and what must be remembered for the answer. */
  async ask(wanted: Wanted): Promise<{ url: string; state: string; asked: Asked }> {
    const provider = await this.#discovered();
    const [state, nonce, verifier] = [oidc.randomState(), oidc.randomNonce(), oidc.randomPKCECodeVerifier()];
    const acr = wanted.essentialAcr === undefined ? {} : { acr: { essential: true, values: [wanted.essentialAcr] } };
    const url = oidc.buildAuthorizationUrl(provider, {
      redirect_uri: this.#redirectUri,
      scope: 'openid profile payslips',
      resource: this.#settings.api,
      claims: JSON.stringify({ id_token: { name: null, ...acr } }),
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(wanted.acrValues === undefined ? {} : { acr_values: wanted.acrValues }),
      ...(wanted.maxAge === undefined ? {} : { max_age: `${wanted.maxAge}` }),
    });
    const asked: Asked = {
      verifier,
      nonce,
      returnTo: wanted.returnTo,
      ...(wanted.maxAge === undefined ? {} : { maxAge: wanted.maxAge }),
    };
    return { url: url.href, state, asked };
  }

  /**
   * Takes the provider's answer: changes the code for tokens and checks the ID token, its nonce and its age.
   * @throws AuthorizationResponseError where the answer is an error of the provider.
   */
  async answered(query: string, state: string, asked: Asked): Promise<SignedIn> {
    const address = new URL(`${this.#redirectUri}?${query}`);
    const checks = {
      pkceCodeVerifier: asked.verifier,
      expectedState: state,
      expectedNonce: asked.nonce,
      idTokenExpected: true,
    };
    const age = asked.maxAge === undefined ? {} : { maxAge: asked.maxAge };
    const tokens = await oidc.authorizationCodeGrant(
      await this.#discovered(),
      address,
      { ...checks, ...age },
      { resource: this.#settings.api },
    );
    return { claims: { ...tokens.claims() }, idToken: tokens.id_token ?? '', accessToken: tokens.access_token };
  }

  /** Asks the API for the payslips; its 401 is read for what is missing. */
  async payslips(accessToken: string): Promise<ApiAnswer> {
    try {
      const url = new URL(`${this.#settings.api}/payslips`);
      const answer = await oidc.fetchProtectedResource(await this.#discovered(), accessToken, url, 'GET');
      return answer.ok ? { ok: true, body: await answer.json() } : { ok: false, why: 'failed', status: answer.status };
    } catch (error) {
      if (!(error instanceof oidc.WWWAuthenticateChallengeError)) throw error;
      const challenge = parseChallenge(error.response);
      return challenge
        ? { ok: false, why: 'challenge', challenge }
        : { ok: false, why: 'failed', status: error.status };
    }
  }

  /** The address that signs the person out everywhere (RP-Initiated Logout). */
  async signOut(idToken: string): Promise<string> {
    const parameters = { id_token_hint: idToken, post_logout_redirect_uri: `${this.#settings.origin}/` };
    return oidc.buildEndSessionUrl(await this.#discovered(), parameters).href;
  }

  /** Whose sessions a logout token ends (Back-Channel Logout section 2.6). @throws where the token is not good. */
  async loggedOut(logoutToken: string): Promise<{ sid?: string; sub?: string }> {
    const metadata = (await this.#discovered()).serverMetadata();
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''));
    const { payload } = await jwtVerify(logoutToken, keys, {
      issuer: metadata.issuer,
      audience: this.#settings.clientId,
      maxTokenAge: 180,
      clockTolerance: 30,
    });
    const events = payload.events as { [event: string]: unknown } | undefined;
    if (events?.[LOGOUT_EVENT] === undefined || payload.nonce !== undefined) throw new Error('not a logout token');
    return {
      ...(typeof payload.sid === 'string' ? { sid: payload.sid } : {}),
      ...(typeof payload.sub === 'string' ? { sub: payload.sub } : {}),
    };
  }
}
