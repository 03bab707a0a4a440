// What each parameter of a request and each claim of a token means, for people who connect a service.
import type { JWTPayload } from 'jose';
import type { Level } from '../domain/assurance.ts';
import { CIBA, DEVICE } from '../settings/sections/clients.ts';
import type { ClientSettings } from '../settings/settings.ts';

const SCOPES: { readonly [scope: string]: string } = {
  openid: 'an ID token that says who signed in',
  offline_access: 'a refresh token, where grant_types has refresh_token and prompt is consent',
  profile: 'name, preferred_username and locale',
  email: 'email and email_verified',
  groups: 'groups',
};

/** By the order in which they are sent. The value may say more. */
const PARAMETERS: { readonly [name: string]: (value: string) => string } = {
  client_id: () => 'which client asks: the name of its file in clients/',
  response_type: () => 'a code that only the client can turn into tokens; no token ever stands in an address',
  redirect_uri: () => 'where the answer goes: one of redirect_uris, character by character',
  scope: (value) =>
    value
      .split(' ')
      .map((scope) => `${scope}: ${SCOPES[scope] ?? 'a scope of a resource (config/resources/)'}`)
      .join('; '),
  state: () =>
    'made up anew; comes back with the answer, so that nobody can slip in another one (RFC 6749 section 10.12)',
  nonce: () =>
    'made up anew; comes back in the ID token and ties it to this request (OpenID Connect Core section 3.1.2.1)',
  code_challenge: () =>
    'hash of a secret that is shown at the token endpoint: a stolen code is of no use (PKCE, RFC 7636)',
  code_challenge_method: () => 'how it was hashed: S256 is the only way here',
  acr_values: () =>
    'the level that has to be reached; if it cannot be, the answer is unmet_authentication_requirements',
  max_age: (value) => `no proof may be older than ${value} s; an older one is asked for again`,
  prompt: (value) => PROMPTS[value] ?? 'what the person is shown in any case',
  response_mode: () =>
    'the answer comes as a signed JWT (JARM), because the client has authorization_signed_response_alg',
  dpop_jkt: () => 'hash of the key that tokens are bound to; the code is bound to it too (DPoP, RFC 9449 section 10)',
  request: () => 'all of the above, signed with the client’s key (JAR, RFC 9101): nobody can change it on its way',
  request_uri: () => 'names the request that was pushed; it can be used once (PAR, RFC 9126)',
};

const PROMPTS: { readonly [prompt: string]: string } = {
  none: 'no page may be shown: signed in already with all that is needed, or an error',
  login: 'everything is proven anew, whatever the session has',
  consent: 'the consent page is shown even to who has agreed before',
  enrol: 'the person adds a phone',
};

/**
 * What to say of `acr_values` of which none is known here. They are voluntary then, and passed over (OpenID Connect Core section
 * 3.1.2.1): whoever misspells one gets in with a password alone and never hears of it.
 * @param known `acr_values_supported` of discovery. @returns undefined where one is known, or nothing was asked for.
 */
export function unknownLevelWords(asked: string | undefined, known: readonly string[]): string | undefined {
  if (asked === undefined || asked.split(' ').some((value) => known.includes(value))) return undefined;
  return `none of these is known here, so they are passed over and any level will do; known are ${known.join(', ')}`;
}

/** What a parameter of the request means. */
export function parameterWords(name: string, value: string): string {
  return PARAMETERS[name]?.(value) ?? 'a parameter of your own';
}

/** How the client proves itself at our endpoints (OpenID Connect Core section 9). */
export const PROOFS: { readonly [method: string]: string } = {
  none: 'no proof: the client is public, and PKCE alone ties the code to it',
  client_secret_basic: 'its secret in a Basic header, client_id and secret each form-encoded before',
  client_secret_post: 'its secret in the form',
  client_secret_jwt: 'a JWT signed with its secret (client_assertion), aud is the issuer',
  private_key_jwt: 'a JWT signed with its private key (client_assertion), aud is the issuer',
  tls_client_auth: 'its client_id, and in TLS a certificate that an authority signed (RFC 8705)',
  self_signed_tls_client_auth: 'its client_id, and in TLS the certificate that it registered (RFC 8705)',
};

/** Values of amr, RFC 8176. */
const AMR: { readonly [value: string]: string } = {
  pwd: 'a password',
  pin: 'a PIN',
  swk: 'a key kept by software',
  hwk: 'a key kept by hardware',
  otp: 'a one-time code',
  face: 'face recognition',
  fpt: 'a fingerprint',
  bio: 'a biometric',
  user: 'the person was present',
  mca: 'more than one channel: the phone',
  mfa: 'more than one factor',
};

/** What claims are said in words with. @param now whole seconds. */
export interface ClaimContext {
  levels: readonly Level[];
  now: number;
  client: ClientSettings;
}

const when = (value: unknown) => new Date(Number(value) * 1000).toISOString().replace('.000', '');

/** Seconds in words, the largest two units. */
export function duration(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  let rest = Math.abs(Math.round(seconds));
  const parts = units.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count} ${unit}`] : [];
  });
  return parts.slice(0, 2).join(' ') || '0 s';
}

const CLAIMS: { readonly [claim: string]: (value: unknown, context: ClaimContext) => string } = {
  iss: () => 'who says all this: must be the issuer that you are set up for',
  sub: (_value, { client }) =>
    client.metadata['subject_type'] === 'pairwise'
      ? 'who signed in: always the same for this client, another for every other (pairwise). Keep this, not a name'
      : 'who signed in: never changes, and never given to anybody else. Keep this, not a name or an address',
  aud: () => 'whom it is meant for: must be your client_id',
  exp: (value, { now }) => `valid until ${when(value)}, ${duration(Number(value) - now)} from now`,
  iat: (value) => `made at ${when(value)}`,
  nbf: (value) => `not valid before ${when(value)}`,
  auth_time: (value, { now }) =>
    `the oldest proof that counts is from ${when(value)}, ${duration(now - Number(value))} ago: compare it with your max_age`,
  acr: (value, { levels }) => acrWords(String(value), levels),
  amr: (value) =>
    [value]
      .flat()
      .map((one) => `${String(one)}: ${AMR[String(one)] ?? 'no value of RFC 8176 that is known here'}`)
      .join('; '),
  nonce: () => 'the one of the request: must be the same',
  sid: () => 'the session: a logout token names it when it ends',
  at_hash: () => 'ties the access token to this ID token',
  c_hash: () => 'ties the code to this ID token',
  s_hash: () => 'ties the state to this ID token',
  azp: () => 'which client it was made for',
  jti: () => 'the name of this very token',
  name: () => 'the name to show; may change',
  preferred_username: () => 'the sign-in name; may change, and is no key to anything',
  locale: () => 'the language to speak with the person',
  email: () => 'a mail address; may change, and may be another person’s some day',
  groups: () => 'the groups that the operator put the person in; may change',
  email_verified: () => 'whether we know that the address is the person’s',
};

function acrWords(value: string, levels: readonly Level[]): string {
  const level = levels.find(({ acr }) => acr.includes(value));
  if (!level) return 'no level of the configuration that was read here';
  const ways = level.anyOf.map((methods) => methods.join(' and ')).join(', or ');
  const above = levels.indexOf(level) > 0 ? ` and meets every lower level` : '';
  return `level ${level.name} was reached (${ways})${above}: refuse what needs more`;
}

/** What a claim means, with its value in words. */
export function claimWords(name: string, value: unknown, context: ClaimContext): string {
  const own = Object.hasOwn(context.client.claims, name)
    ? 'a claim of the operator’s own (claims in the client’s file)'
    : undefined;
  return own ?? CLAIMS[name]?.(value, context) ?? 'a claim of its own';
}

/** How the level that was asked for compares with the one that was reached; undefined where none was asked for. */
export function comparison(
  asked: string | undefined,
  claims: JWTPayload,
  levels: readonly Level[],
): string | undefined {
  if (asked === undefined) return undefined;
  const got = levels.findIndex(({ acr }) => acr.includes(String(claims['acr'])));
  const wanted = Math.max(...asked.split(' ').map((value) => levels.findIndex(({ acr }) => acr.includes(value))));
  if (wanted < 0)
    return 'None of the values that were asked for is a level here: values that nobody knows are ignored.';
  return got >= wanted
    ? 'The level that was asked for was reached.'
    : 'The level is below the best that was asked for: not every one of them is offered here.';
}

/** Why a client cannot be tried with a browser; undefined where it can. */
export function otherWay({ metadata }: ClientSettings): string | undefined {
  const grants = (metadata['grant_types'] ?? []) as string[];
  if (grants.includes('authorization_code')) return undefined;
  const id = metadata.client_id;
  if (grants.includes(CIBA)) return `asks without a browser: try countersign ciba ${id} SIGN-IN-NAME`;
  if (grants.includes(DEVICE)) return `uses the device flow: try countersign device ${id}`;
  return 'signs nobody in: its grant_types have no authorization_code';
}
