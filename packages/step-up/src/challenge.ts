// Refusals in the words of RFC 6750 section 3, RFC 9449 section 7.1 and RFC 9470 section 3.
import type { Refusal } from './answer.ts';
import type { Checked, Lack } from './requirement.ts';

/** The ways in which this server takes tokens. */
export type Schemes = readonly ('bearer' | 'dpop')[];

/** What every challenge of a server has in common. */
export interface Realm {
  name: string | undefined;
  schemes: Schemes;
  /** Algorithms of DPoP proofs. */
  algorithms: readonly string[];
}

type Parameters = { [name: string]: string | undefined };

const DESCRIPTIONS = {
  token_missing: 'Send an access token.',
  invalid_request: 'The request is malformed.',
  invalid_token: 'The access token is not good here: it may be expired, or made for another service.',
  invalid_dpop_proof: 'The DPoP proof does not fit this request and this token.',
  insufficient_scope: 'The access token does not allow this.',
  level: 'A stronger sign-in is needed.',
  age: 'A more recent sign-in is needed.',
  temporarily_unavailable: 'The access token cannot be checked just now.',
} as const;

/** `name="value"` as a quoted-string (RFC 9110 section 5.6.4); control characters never reach a header. */
function parameter(name: string, value: string): string {
  const safe = Array.from(value, (letter) => (/[\x20-\x7e]/.test(letter) ? letter : '?')).join('');
  return `${name}="${safe.replace(/[\\"]/g, '\\$&')}"`;
}

/** One challenge a scheme. Only the scheme that was used is told what was wrong (RFC 9449 section 7.1). */
function header(realm: Realm, used: 'bearer' | 'dpop' | undefined, parameters: Parameters): string {
  return realm.schemes
    .map((scheme) => {
      const own = scheme === (used ?? realm.schemes[0]) || realm.schemes.length === 1 ? parameters : {};
      const algs = scheme === 'dpop' ? realm.algorithms.join(' ') : undefined;
      const list = Object.entries({ realm: realm.name, ...own, algs })
        .filter((entry): entry is [string, string] => entry[1] !== undefined)
        .map(([name, value]) => parameter(name, value));
      return `${scheme === 'dpop' ? 'DPoP' : 'Bearer'} ${list.join(', ')}`.trim();
    })
    .join(', ');
}

function refusal(status: Refusal['status'], error: string, description: string, challenge?: string): Refusal {
  return {
    status,
    headers: {
      'cache-control': 'no-store',
      ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    },
    body: { error, error_description: description },
  };
}

/** No token at all: told which schemes there are, and no error (RFC 6750 section 3.1). */
export function tokenMissing(realm: Realm): Refusal {
  return refusal(401, 'token_missing', DESCRIPTIONS.token_missing, header(realm, undefined, {}));
}

/** A token, a proof or a request that is not good. Never says which check it failed: that helps nobody but a forger. */
export function notGood(
  realm: Realm,
  used: 'bearer' | 'dpop',
  error: 'invalid_token' | 'invalid_dpop_proof' | 'invalid_request',
): Refusal {
  const parameters = { error, error_description: DESCRIPTIONS[error] };
  return refusal(
    error === 'invalid_request' ? 400 : 401,
    error,
    parameters.error_description,
    header(realm, used, parameters),
  );
}

/** A good token that lacks something: what to ask for (RFC 6750 section 3.1, RFC 9470 section 3). */
export function lacking(realm: Realm, used: 'bearer' | 'dpop', lack: Lack, required: Checked): Refusal {
  if (lack === 'scope') {
    const error = 'insufficient_scope';
    const parameters = { error, error_description: DESCRIPTIONS[error], scope: required.scopes.join(' ') };
    return refusal(403, error, parameters.error_description, header(realm, used, parameters));
  }
  const error = 'insufficient_user_authentication';
  const parameters = {
    error,
    error_description: DESCRIPTIONS[lack],
    // Both, whichever is missing: whoever came back with one alone would be sent off again for the other.
    acr_values: required.ask.length === 0 ? undefined : required.ask.join(' '),
    max_age: required.maxAge === undefined ? undefined : `${required.maxAge}`,
  };
  return refusal(401, error, parameters.error_description, header(realm, used, parameters));
}

/** The issuer or the replay store does not answer. Not a 401: a new sign-in would not help. */
export function unavailable(): Refusal {
  const answer = refusal(503, 'temporarily_unavailable', DESCRIPTIONS.temporarily_unavailable);
  return { ...answer, headers: { ...answer.headers, 'retry-after': '5' } };
}
