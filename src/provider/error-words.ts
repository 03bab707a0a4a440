// What `error_description` says: the library tells what is wrong, we tell what to change. docs/relying-services/errors.md lists each.

/** A rule: for this error code and this finding of the library, these words. `$1` is the finding's first group. */
type Rule = readonly [code: string, finding: RegExp, words: string];

/** What the library or we throw, as far as it matters here. */
export interface ToldError {
  /** The error code. */
  message?: string | undefined;
  /** The library's class, which stays what it is where an endpoint sends another code (see {@link REMAPPED}). */
  name?: string | undefined;
  error_description?: string | undefined;
  /** What the library keeps to itself where its description is the same for all. */
  error_detail?: string | undefined;
}

const PROOF = 'compare client_id, client_secret and token_endpoint_auth_method with the file of the client';
const HINT = 'send exactly one of login_hint and id_token_hint';

/**
 * The first that fits counts. An unknown client and a wrong secret read the same. That a client proves itself in another way than it is
 * registered for may be told: the authorization endpoint tells anybody which clients there are.
 */
export const ERROR_WORDS: readonly Rule[] = [
  ['server_error', /./, 'something failed here: give the operator the id of the request (X-Request-Id)'],

  // The request as such.
  ['invalid_request', /^missing required parameters? (.+)$/, 'the request lacks $1'],
  ['invalid_request', /^(.+) parameters? must not be provided twice$/, '$1 stands there twice: send it once'],
  ['invalid_request', /^only (.+) content-type bodies/, 'send the parameters as $1, in the body of a POST'],
  ['invalid_request', /entity too large$/, 'the body is too long: 56 KB at most, so send fewer or shorter parameters'],
  [
    'invalid_request',
    /^origin .* not allowed for client/,
    'the origin of this app is none of its redirect_uris: scripts of other origins may not ask',
  ],

  // The proof of the client.
  [
    'invalid_request',
    /^client_id mismatch$/,
    'client_id of the form and of the proof of the client differ: send the same',
  ],
  [
    'invalid_request',
    /^client authentication must only be provided using one/,
    'the client proves itself in two ways at once: send an Authorization header, or client_secret, or client_assertion',
  ],
  [
    'invalid_request',
    /^client_id and client_secret in the authorization header are not/,
    'form-encode client_id and client_secret each, join them by a colon, then encode that as base64 (RFC 6749 section 2.3.1)',
  ],
  [
    'invalid_request',
    /^client_secret must be provided in the Authorization header$/,
    'the Basic header has no secret behind the colon',
  ],
  [
    'invalid_request',
    /^no client authentication mechanism provided$/,
    'nothing says which client asks: send client_id, with the proof that its token_endpoint_auth_method names',
  ],
  ['invalid_request', /^invalid client_assertion format$/, 'client_assertion is not a JWT'],
  [
    'invalid_request',
    /^client_assertion_type must/,
    'client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  ],
  [
    'invalid_client',
    /^client is invalid$/,
    'client_id is not known here: it is the name of a file in clients/, without .yaml',
  ],
  ['invalid_client', /^unrecognized id_token_hint audience$/, 'id_token_hint was made for no client of today'],
  [
    'invalid_client',
    /^client not found$|^invalid secret provided$/,
    `the client is unknown or its secret is another: ${PROOF}; in a Basic header both are form-encoded`,
  ],
  [
    'invalid_client',
    /^the provided authentication mechanism/,
    'the client proves itself in another way than its token_endpoint_auth_method says: use that one',
  ],
  [
    'invalid_client',
    /^sub \(JWT subject\)|^iss \(JWT issuer\)/,
    'iss and sub of client_assertion must both be the client_id',
  ],
  [
    'invalid_client',
    /^alg mismatch$/,
    'client_assertion is signed with another algorithm than the client is registered for',
  ],
  ['invalid_client', /^expiration must be specified/, 'client_assertion needs exp, a moment from now'],
  ['invalid_client', /^expiration too far/, 'exp of client_assertion is too far away: a day at most'],
  ['invalid_client', /^unique jti/, 'client_assertion needs jti, a new one each time'],
  ['invalid_client', /\(aud\)|\baud \(/, 'aud of client_assertion must be the issuer'],
  [
    'invalid_client',
    /^client assertion tokens must only be used once$/,
    'this client_assertion was used already: make one with a new jti for each request',
  ],
  [
    'invalid_client',
    /^client authentication failed$/,
    'client_assertion is not valid: sign it with a key of the jwks of the client (or its secret), with exp, iat and a clock that is right',
  ],

  // The authorization request.
  [
    'invalid_redirect_uri',
    /./,
    'redirect_uri is none of redirect_uris of the client: they are compared character by character, with port, path and slash',
  ],
  [
    'invalid_request',
    /^code_challenge_method must be provided$/,
    'send code_challenge_method=S256 with code_challenge (PKCE, RFC 7636)',
  ],
  [
    'invalid_request',
    /^not supported value of code_challenge_method$/,
    'code_challenge_method must be S256: plain protects nothing',
  ],
  [
    'invalid_request',
    /^code_challenge must be provided/,
    'code_challenge_method came alone: send code_challenge, the S256 hash of a code_verifier',
  ],
  [
    'invalid_request',
    /requires PKCE to be used/,
    'PKCE is required: send code_challenge, the S256 hash of a code_verifier, and code_challenge_method=S256',
  ],
  [
    'invalid_request',
    /^(code_challenge|code_verifier) (?:must be a string|contains invalid)/,
    '$1 must have 43 to 128 characters: A-Z a-z 0-9 - . _ ~',
  ],
  ['invalid_request', /^unsupported prompt value requested$/, 'prompt can be none, login, consent or enrol'],
  ['invalid_request', /^prompt none must only be used alone$/, 'prompt=none goes with no other prompt'],
  ['invalid_request', /^invalid max_age parameter value$/, 'max_age must be whole seconds, 0 or more'],
  [
    'invalid_request',
    /^(\S+) is not allowed for this client$/,
    'the client may not use $1: add it to grant_types of its file',
  ],
  [
    'invalid_request',
    /^requested grant type is not allowed for this client$/,
    'the client may not use this grant_type: add it to grant_types of its file',
  ],
  [
    'invalid_request',
    /^requested response_type is not allowed for this client$/,
    'the client signs nobody in by a browser: its grant_types lack authorization_code',
  ],
  [
    'invalid_request',
    /^Pushed Authorization Request must be used$/,
    'the client must push its requests (PAR): POST the parameters to the pushed_authorization_request_endpoint, then send client_id and request_uri only',
  ],
  [
    'invalid_request',
    /^Request Object must be used by this client$/,
    'the client must sign its requests (JAR): send them as one JWT in request',
  ],
  [
    'invalid_request',
    /^request and request_uri parameters MUST NOT/,
    'request and request_uri do not go together: push the request object and send the request_uri',
  ],
  [
    'invalid_request',
    /^DPoP proof key thumbprint does not match dpop_jkt$/,
    'dpop_jkt is not the thumbprint of the key of this DPoP proof',
  ],
  ['invalid_request', /^openid scope must be requested/, 'scope must have openid: without it there is no ID token'],
  [
    'invalid_request',
    /claims parameter JSON|^claims|claims\.(?:id_token|userinfo)/,
    'claims must be a JSON object with id_token or userinfo, each an object whose members are null or objects (OpenID Connect Core section 5.5)',
  ],
  [
    'invalid_request',
    /^could not (?:validate|decode) id_token_hint$/,
    'id_token_hint must be an ID token that this provider gave to this client',
  ],
  [
    'unsupported_response_mode',
    /./,
    'response_mode can be query, fragment, form_post, jwt, query.jwt, fragment.jwt or form_post.jwt',
  ],
  ['unsupported_response_type', /./, 'response_type must be code: implicit and hybrid flows put tokens into addresses'],
  [
    'invalid_scope',
    /^refresh token missing requested/,
    'a refresh can drop scopes, never add any: ask for authorization again',
  ],
  [
    'invalid_scope',
    /^scope is none of the resource/,
    'a token of the client itself has scopes of one resource only: send resource=identifier, and of the scopes in its file those that you need',
  ],
  [
    'invalid_scope',
    /^scope needs a level/,
    'this scope needs a level, which only a person reaches: send somebody to the authorization endpoint, or ask for another scope',
  ],
  ['invalid_scope', /invalid characters/, 'scope must be names with one space between them'],
  [
    'invalid_scope',
    /./,
    'the client may not ask for this scope: scope of its file names those of OpenID Connect; those of a resource need resource=identifier',
  ],
  [
    'request_uri_not_supported',
    /./,
    'only a request_uri of the pushed_authorization_request_endpoint is taken, never one that would be fetched',
  ],
  [
    'invalid_request_uri',
    /./,
    'this request_uri is unknown, expired or used already: push a new request for each sign-in',
  ],
  ['invalid_request_object', /parse|decrypt/, 'request is not a JWT'],
  [
    'invalid_request_object',
    /client_id/,
    'client_id inside the request object and outside must be the same, the one that asks',
  ],
  ['invalid_request_object', /response_type/, 'response_type inside the request object and outside must be the same'],
  [
    'invalid_request_object',
    /\balg\b/,
    'the request object is signed with an algorithm that the client is not registered for (request_object_signing_alg)',
  ],
  ['invalid_request_object', /must not contain request/, 'a request object holds no request or request_uri of its own'],
  ['invalid_request_object', /missing the '(\w+)' claim/, 'the request object lacks the claim $1'],
  ['invalid_request_object', /'exp' claim too far/, 'exp of the request object must be at most an hour after nbf'],
  [
    'invalid_request_object',
    /./,
    'the request object is not valid: sign it with a key of the jwks of the client, iss the client_id, aud the issuer, exp not past',
  ],
  ['invalid_target', /fragment|absolute/, 'resource must be an absolute address without a fragment'],
  ['invalid_target', /only a single/, 'a token is for one resource: send one resource to the token endpoint'],
  [
    'invalid_target',
    /^resource needs a level/,
    'this resource needs a level, which only a person reaches: send somebody to the authorization endpoint',
  ],
  [
    'invalid_target',
    /^resource indicator is missing, or unknown$/,
    'resource is none that was granted: name it in the authorization request too',
  ],
  [
    'login_required',
    /^id_token_hint and|^requested subject/,
    'id_token_hint or the sub of claims names another person than the one who is signed in: send them without prompt=none',
  ],
  [
    'login_required',
    /^End-User authentication/,
    'nobody is signed in here, or the password is older than max_age: send the person without prompt=none',
  ],
  ['consent_required', /./, 'the person has not allowed all of this yet: send them without prompt=none'],
  ['interaction_required', /./, 'a page must be shown: send the person without prompt=none'],
  [
    'unmet_authentication_requirements',
    /^the level that is required has not been reached$/,
    'the session has not reached the level that is required: send the person without prompt=none',
  ],

  // Tokens.
  ['unsupported_grant_type', /./, 'grant_type is misspelt or not offered: discovery lists grant_types_supported'],
  [
    'invalid_grant',
    /^the phone that this sign-in rests on no longer/,
    'the phone that this sign-in rests on was removed or locked since: ask for authorization again',
  ],
  [
    'invalid_grant',
    /^the sign-in did not reach the level "(.+)" that/,
    'the sign-in did not reach the level $1 that is required here: ask for authorization again',
  ],
  [
    'invalid_grant',
    /^authorization code already consumed$|^AuthorizationCode already used$/,
    'the code was used already, and all that it gave has ended: redeem each code once, and ask for authorization again',
  ],
  ['invalid_grant', /redirect_uri mismatch$/, 'redirect_uri must be the same as in the authorization request'],
  [
    'invalid_grant',
    /^code_verifier must be provided$/,
    'the code was asked for with code_challenge: send its code_verifier',
  ],
  [
    'invalid_grant',
    /^code_verifier does not match/,
    'code_verifier is not the one whose S256 hash was code_challenge: keep one for each request',
  ],
  [
    'invalid_grant',
    /^missing DPoP proof JWT$|^DPoP proof JWT not provided$/,
    'tokens of this client are bound to a key: send a DPoP header',
  ],
  ['invalid_grant', /dpop_jkt$|jkt verification$/, 'the DPoP proof is of another key than the one that was bound'],
  [
    'invalid_grant',
    /^DPoP proof JWT Replay/,
    'this DPoP proof was used already: make one with a new jti for each request',
  ],
  [
    'invalid_grant',
    /^refresh token already used$|^RefreshToken already used$|^refresh token already consumed$/,
    'the refresh token was used already, and its family has ended: keep the newest one, and ask for authorization again',
  ],
  [
    'invalid_grant',
    /^refresh token|account not found/,
    'the refresh token is unknown, expired, ended, or of another client: ask for authorization again',
  ],
  [
    'invalid_grant',
    /^device code|^DeviceCode/,
    'the device_code is unknown, used already, or of another client: ask for a new one',
  ],
  [
    'invalid_grant',
    /^backchannel auth|^BackchannelAuth/,
    'the auth_req_id is unknown, used already, or of another client: ask anew',
  ],
  [
    'invalid_grant',
    /./,
    'the code or token is unknown, expired, ended, or of another client: ask for authorization again',
  ],
  ['authorization_pending', /./, 'the person has not answered yet: ask again after interval seconds'],
  ['slow_down', /./, 'too quick: from now on wait five seconds longer between two polls'],
  ['expired_token', /./, 'the person did not answer in time: begin anew'],

  // DPoP.
  [
    'invalid_dpop_proof',
    /^sign the DPoP proof/,
    'sign the DPoP proof with ES256, PS256 or EdDSA: the client has the profile fapi2',
  ],
  ['invalid_dpop_proof', /htm/, 'htm of the DPoP proof must be the method of this request'],
  ['invalid_dpop_proof', /htu/, 'htu of the DPoP proof must be the address of this endpoint, without query'],
  [
    'invalid_dpop_proof',
    /iat/,
    'iat of the DPoP proof must be now: set the clock right, or make the proof when it is sent',
  ],
  ['invalid_dpop_proof', /jti/, 'the DPoP proof needs jti, a new one each time'],
  ['invalid_dpop_proof', /ath/, 'ath of the DPoP proof must be the SHA-256 of the access token, base64url'],
  ['invalid_dpop_proof', /nonce/, 'leave nonce out of the DPoP proof: this provider gives none'],
  ['invalid_dpop_proof', /./, 'the DPoP header must be one JWT, typ dpop+jwt, signed with the public key in its jwk'],

  // Access tokens.
  [
    'invalid_request',
    /^access token must only be provided using one/,
    'send the access token once, in the Authorization header',
  ],
  [
    'invalid_request',
    /^access tokens must not be provided via query/,
    'send the access token in the Authorization header, never in an address',
  ],
  [
    'invalid_request',
    /scheme must be `?DPoP/,
    'a token that is bound to a key goes with the scheme DPoP: Authorization: DPoP, a space, the token',
  ],
  ['invalid_request', /DPoP` header not provided/, 'the scheme DPoP needs a DPoP header with a proof'],
  ['invalid_request', /scheme must be `?Bearer/, 'the Authorization header must be Bearer, a space, the access token'],
  ['invalid_request', /^`DPoP` tokens must be/, 'a token that is bound to a key goes in the Authorization header'],
  [
    'invalid_request',
    /^invalid authorization header value format$/,
    'the Authorization header must be the scheme, a space, and one value without spaces',
  ],
  [
    'invalid_token',
    /jkt verification/,
    'this access token is bound to a key: send it with the scheme DPoP and a proof of that key',
  ],
  [
    'invalid_token',
    /^DPoP proof JWT Replay/,
    'this DPoP proof was used already: make one with a new jti for each request',
  ],
  [
    'invalid_token',
    /^no access token provided$/,
    'no access token came: send it in the Authorization header, as Bearer, a space, the token',
  ],
  ['invalid_token', /not sender-constrained/, 'this access token is bound to no key: send it with the scheme Bearer'],
  [
    'invalid_token',
    /./,
    'the access token is unknown, expired or ended, or a JWT for a resource: renew it, or ask for authorization again',
  ],
  [
    'insufficient_scope',
    /missing openid/,
    'the access token has no scope openid, or is for a resource: userinfo takes one that was asked for with openid and without resource',
  ],
  ['insufficient_scope', /./, 'the access token lacks a scope that is asked for here'],
  [
    'unsupported_token_type',
    /./,
    'JWT access tokens are not stored, so they can be neither introspected nor revoked: verify them with the keys of jwks_uri',
  ],

  // Without a browser.
  ['invalid_request', /^missing one of required parameters login_hint_token/, `nothing says who is asked: ${HINT}`],
  ['invalid_request', /^only one of required parameters login_hint_token/, `two hints at once: ${HINT}`],
  [
    'invalid_request',
    /^client_notification_token/,
    'ping needs client_notification_token: up to 1024 characters of a Bearer token, with at least 128 random bits',
  ],
  ['invalid_request', /^invalid requested_expiry/, 'requested_expiry must be whole seconds, 1 or more'],
  [
    'unknown_user_id',
    /./,
    'the hint names nobody who can sign in, or an address that several people share: send the sign-in name',
  ],

  // Signing out.
  [
    'invalid_request',
    /^client_id does not match the provided id_token_hint$/,
    'client_id is not the client that id_token_hint was made for',
  ],
  [
    'invalid_request',
    /^post_logout_redirect_uri not registered$/,
    'post_logout_redirect_uri is none of those of the client: they are compared character by character; send client_id or id_token_hint with it',
  ],
];

/**
 * The pushed request endpoint says `invalid_request` of a wrong redirect_uri (RFC 9126 section 2.3), the back-channel one of a wrong
 * request object (OpenID CIBA Core section 13). What has to be changed is the same.
 */
const REMAPPED: { readonly [name: string]: string } = {
  InvalidRedirectUri: 'invalid_redirect_uri',
  InvalidRequestObject: 'invalid_request_object',
};

/** RFC 6749 section 5.2: `error_description` has none of these. */
function plain(text: string): string {
  return text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
}

/** What a service is told of an error; undefined where nobody described it. */
export function errorWords({ message, name, error_description, error_detail }: ToldError): string | undefined {
  const findings = [error_description, error_detail].filter((one) => one !== undefined);
  const about = (message === 'invalid_request' && REMAPPED[name ?? '']) || message;
  for (const [code, finding, words] of ERROR_WORDS) {
    if (code !== about) continue;
    for (const text of findings.length > 0 ? findings : [' ']) {
      const found = finding.exec(text);
      if (found) return plain(words.replace('$1', () => (found[1] ?? '').replaceAll("'", '')));
    }
  }
  return error_description === undefined ? undefined : plain(error_description);
}
