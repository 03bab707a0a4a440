// What stands for each OP module of the OpenID Foundation's suite: the test that shows it, or the reason why not.
// Names are the suite's own (https://gitlab.com/openid/conformance-suite). FAPI 2.0 is listed for private_key_jwt
// or certificates, DPoP or certificates, and plain requests and answers; FAPI-CIBA without the modules of one country's profile.

/** A test by its file and its whole title, or why there is none. */
export type Shown = { file: string; title: string } | { why: string };

/** Modules by plan. */
export const CHECKLIST: { readonly [plan: string]: { readonly [module: string]: Shown } } = {
  basic: {
    'oidcc-server': {
      file: 'test/conformance/basic.test.ts',
      title: 'signs ID tokens that verify, with nonce, aud, iat and exp',
    },
    'oidcc-response-type-missing': {
      file: 'test/conformance/basic.test.ts',
      title: 'refuses a missing response_type, and one that is not offered, at the service with its state',
    },
    'oidcc-userinfo-get': {
      file: 'test/conformance/basic.test.ts',
      title: 'answers userinfo by GET, by POST with a header and with the token in the body, for the same person',
    },
    'oidcc-userinfo-post-header': {
      file: 'test/conformance/basic.test.ts',
      title: 'answers userinfo by GET, by POST with a header and with the token in the body, for the same person',
    },
    'oidcc-userinfo-post-body': {
      file: 'test/conformance/basic.test.ts',
      title: 'answers userinfo by GET, by POST with a header and with the token in the body, for the same person',
    },
    'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': {
      file: 'test/conformance/basic.test.ts',
      title: 'needs no nonce, nor any order of the scopes',
    },
    'oidcc-scope-profile': {
      file: 'test/conformance/basic.test.ts',
      title: 'answers userinfo by GET, by POST with a header and with the token in the body, for the same person',
    },
    'oidcc-scope-email': {
      file: 'test/conformance/basic.test.ts',
      title: 'answers userinfo by GET, by POST with a header and with the token in the body, for the same person',
    },
    'oidcc-scope-address': { why: 'the scope is not offered: we keep no address' },
    'oidcc-scope-phone': { why: 'the scope is not offered: we keep no phone number' },
    'oidcc-scope-all': { why: 'needs address and phone, which are not offered; profile and email are shown above' },
    'oidcc-ensure-other-scope-order-succeeds': {
      file: 'test/conformance/basic.test.ts',
      title: 'needs no nonce, nor any order of the scopes',
    },
    'oidcc-display-page': {
      file: 'test/conformance/basic.test.ts',
      title: 'login_hint stands in the login page, and ui_locales sets its language',
    },
    'oidcc-display-popup': { why: 'pages are made for every width and take no notice of display' },
    'oidcc-prompt-login': {
      file: 'test/conformance/basic.test.ts',
      title: 'prompt=login asks again on a living session',
    },
    'oidcc-prompt-none-not-logged-in': {
      file: 'test/provider/sign-in.test.ts',
      title: 'answers prompt=none without a session with login_required',
    },
    'oidcc-prompt-none-logged-in': {
      file: 'test/conformance/basic.test.ts',
      title: 'prompt=none answers silently with the session’s person, the same sub and auth_time',
    },
    'oidcc-max-age-1': {
      file: 'test/conformance/basic.test.ts',
      title: 'max_age asks again when it has passed, and not before; auth_time says when',
    },
    'oidcc-max-age-10000': {
      file: 'test/conformance/basic.test.ts',
      title: 'max_age asks again when it has passed, and not before; auth_time says when',
    },
    'oidcc-ensure-request-with-unknown-parameter-succeeds': {
      file: 'test/conformance/basic.test.ts',
      title: 'ignores parameters that nobody knows, and gives state back untouched',
    },
    'oidcc-id-token-hint': {
      file: 'test/conformance/basic.test.ts',
      title: 'id_token_hint goes on silently for its own person, and never answers for another one',
    },
    'oidcc-login-hint': {
      file: 'test/conformance/basic.test.ts',
      title: 'login_hint stands in the login page, and ui_locales sets its language',
    },
    'oidcc-ui-locales': {
      file: 'test/conformance/basic.test.ts',
      title: 'login_hint stands in the login page, and ui_locales sets its language',
    },
    'oidcc-claims-locales': {
      file: 'test/conformance/basic.test.ts',
      title: 'login_hint stands in the login page, and ui_locales sets its language',
    },
    'oidcc-ensure-request-with-acr-values-succeeds': {
      file: 'test/provider/levels.test.ts',
      title: 'ignores voluntary values that nobody knows',
    },
    'oidcc-codereuse': {
      file: 'test/provider/sign-in.test.ts',
      title: 'redeems a code once, and ends everything that it gave when it comes again',
    },
    'oidcc-codereuse-30seconds': {
      file: 'test/provider/sign-in.test.ts',
      title: 'redeems a code once, and ends everything that it gave when it comes again',
    },
    'oidcc-ensure-registered-redirect-uri': {
      file: 'test/attacks/bad-input.test.ts',
      title: 'answers an unknown service and an unregistered address on a page of ours, never by a redirect (A45)',
    },
    'oidcc-ensure-post-request-succeeds': {
      why: 'POST at the authorization endpoint is a switch (post_authorization) for https issuers only: it needs SameSite=None cookies',
    },
    'oidcc-server-client-secret-post': {
      file: 'test/conformance/basic.test.ts',
      title: 'takes client_secret_post, and refuses a wrong secret and a missing one',
    },
    'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': {
      file: 'test/conformance/basic.test.ts',
      title: 'refuses request objects that nobody signed, and request_uri that was not pushed',
    },
    'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': {
      file: 'test/conformance/basic.test.ts',
      title: 'refuses request objects that nobody signed, and request_uri that was not pushed',
    },
    'oidcc-ensure-request-object-with-redirect-uri': {
      file: 'test/provider/profiles.test.ts',
      title: 'reads the level out of a signed request, and no other client’s key signs it',
    },
    'oidcc-claims-essential': {
      file: 'test/conformance/basic.test.ts',
      title: 'gives the claims that the claims parameter asks for, in the place that it names',
    },
    'oidcc-refresh-token': {
      file: 'test/conformance/basic.test.ts',
      title: 'renews with the same sub and auth_time, and ends the family when a spent refresh token comes again',
    },
    'oidcc-ensure-request-with-valid-pkce-succeeds': {
      file: 'test/provider/surface.test.ts',
      title: 'wants PKCE with S256 of everybody (A47)',
    },
    'oidcc-idtoken-unsigned': { why: 'ID tokens are always signed: alg none is not offered' },
  },
  config: {
    'oidcc-discovery-endpoint-verification': {
      file: 'test/provider/surface.test.ts',
      title: 'publishes a discovery document that is complete and true',
    },
  },
  'form-post': {
    'oidcc-server (form_post)': {
      file: 'test/conformance/basic.test.ts',
      title:
        'form_post: a page that posts code and state by its own script, allowed by the CSP, and nothing in the address',
    },
    'oidcc-prompt-none-not-logged-in (form_post)': {
      file: 'test/conformance/basic.test.ts',
      title: 'form_post: errors are posted too, and to a registered address only',
    },
    'every other module (form_post)': {
      why: 'the response mode changes nothing but the last answer, which the two above show',
    },
  },
  'rp-initiated-logout': {
    'oidcc-rp-initiated-logout-discovery-endpoint-verification': {
      file: 'test/provider/surface.test.ts',
      title: 'publishes a discovery document that is complete and true',
    },
    'oidcc-rp-initiated-logout': {
      file: 'test/conformance/logout.test.ts',
      title: 'goes back with the state, or without one, and the session is over',
    },
    'oidcc-rp-initiated-logout-no-state': {
      file: 'test/conformance/logout.test.ts',
      title: 'goes back with the state, or without one, and the session is over',
    },
    'oidcc-rp-initiated-logout-no-params': {
      file: 'test/conformance/logout.test.ts',
      title: 'without an address, with a state alone, and with nothing at all, it ends on a page of ours',
    },
    'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': {
      file: 'test/conformance/logout.test.ts',
      title: 'without an address, with a state alone, and with nothing at all, it ends on a page of ours',
    },
    'oidcc-rp-initiated-logout-only-state': {
      file: 'test/conformance/logout.test.ts',
      title: 'without an address, with a state alone, and with nothing at all, it ends on a page of ours',
    },
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': {
      file: 'test/conformance/logout.test.ts',
      title: 'never goes to an address that is not registered, or not tied to a service',
    },
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': {
      file: 'test/conformance/logout.test.ts',
      title: 'never goes to an address that is not registered, or not tied to a service',
    },
    'oidcc-rp-initiated-logout-modified-id-token-hint': {
      file: 'test/conformance/logout.test.ts',
      title: 'never goes to an address that is not registered, or not tied to a service',
    },
    'oidcc-rp-initiated-logout-bad-id-token-hint': {
      file: 'test/conformance/logout.test.ts',
      title: 'never goes to an address that is not registered, or not tied to a service',
    },
    'oidcc-rp-initiated-logout-no-id-token-hint': {
      file: 'test/conformance/logout.test.ts',
      title: 'never goes to an address that is not registered, or not tied to a service',
    },
  },
  'backchannel-logout': {
    'oidcc-backchannel-logout-discovery-endpoint-verification': {
      file: 'test/provider/surface.test.ts',
      title: 'publishes a discovery document that is complete and true',
    },
    'oidcc-backchannel-rp-initiated-logout': {
      file: 'test/provider/surface.test.ts',
      title: 'works by discovery alone with a standard client, RS256 for the one that asks, and signs out',
    },
  },
  'fapi2-security-profile': {
    'fapi2-security-profile-final-discovery-end-point-verification': {
      file: 'test/provider/surface.test.ts',
      title: 'publishes a discovery document that is complete and true',
    },
    'fapi2-security-profile-final-happy-flow': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives tokens by a pushed request, an assertion, PKCE and a proof, and says iss in the answer',
    },
    'fapi2-security-profile-final-user-rejects-authentication': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'tells the service when the person refuses',
    },
    'fapi2-security-profile-final-ensure-authorization-request-without-state-success': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives the pushed state back, however long, or none, and never one from beside it',
    },
    'fapi2-security-profile-final-access-token-type-header-case-sensitivity': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives tokens by a pushed request, an assertion, PKCE and a proof, and says iss in the answer',
    },
    'fapi2-security-profile-final-ensure-different-state-inside-and-outside-request-object': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives the pushed state back, however long, or none, and never one from beside it',
    },
    'fapi2-security-profile-final-ensure-authorization-request-with-long-state': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives the pushed state back, however long, or none, and never one from beside it',
    },
    'fapi2-security-profile-final-state-only-outside-request-object-not-used': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives the pushed state back, however long, or none, and never one from beside it',
    },
    'fapi2-security-profile-final-ensure-request-object-without-redirect-uri-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-ensure-redirect-uri-in-authorization-request': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-plain-fapi-tolerate-unregistered-redirect-uri': {
      why: 'addresses are registered, in pushed requests too: one that is not is refused at the push, as the row above shows',
    },
    'fapi2-security-profile-final-ensure-unsigned-authorization-request-without-using-par-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'refuses requests that were not pushed',
    },
    'fapi2-security-profile-final-ensure-response-type-code-idtoken-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-ensure-response-type-token-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-ensure-client-id-in-token-endpoint': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'redeems a code for its own client, with the right verifier and a proof, and not otherwise',
    },
    'fapi2-security-profile-final-ensure-holder-of-key-required': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'redeems a code for its own client, with the right verifier and a proof, and not otherwise',
    },
    'fapi2-security-profile-final-ensure-holder-of-key-required (mtls)': {
      file: 'test/provider/mutual-tls.test.ts',
      title: 'gives a FAPI 2.0 client tokens that only its certificate opens, without DPoP',
    },
    'fapi2-security-profile-final-ensure-authorization-code-is-bound-to-client': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'redeems a code for its own client, with the right verifier and a proof, and not otherwise',
    },
    'fapi2-security-profile-final-attempt-reuse-authorization-code-after-one-second': {
      file: 'test/provider/sign-in.test.ts',
      title: 'redeems a code once, and ends everything that it gave when it comes again',
    },
    'fapi2-security-profile-final-ensure-token-endpoint-fails-with-expired-auth-code': {
      file: 'test/provider/profiles.test.ts',
      title: 'keeps codes for a minute, whatever lifetimes.yaml says',
    },
    'fapi2-security-profile-final-refresh-token': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'renews for the client with a proof',
    },
    'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'opens a pushed request again until it has its answer, and never after, for another client, or when it is over',
    },
    'fapi2-security-profile-final-par-attempt-reuse-request_uri': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'opens a pushed request again until it has its answer, and never after, for another client, or when it is over',
    },
    'fapi2-security-profile-final-par-attempt-to-use-expired-request_uri': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'opens a pushed request again until it has its answer, and never after, for another client, or when it is over',
    },
    'fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'opens a pushed request again until it has its answer, and never after, for another client, or when it is over',
    },
    'fapi2-security-profile-final-par-authorization-request-containing-request_uri-form-param': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-par-attempt-invalid-http-method': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes a push by POST only, and only from a client that proves itself',
    },
    'fapi2-security-profile-final-par-ensure-pkce-required': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-par-plain-pkce-rejected': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'refuses at the push what an answer could not safely follow: no address or a foreign one, other response types, no PKCE or plain',
    },
    'fapi2-security-profile-final-ensure-pkce-code-verifier-required': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'redeems a code for its own client, with the right verifier and a proof, and not otherwise',
    },
    'fapi2-security-profile-final-incorrect-pkce-code-verifier-rejected': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'redeems a code for its own client, with the right verifier and a proof, and not otherwise',
    },
    'fapi2-security-profile-final-par-without-duplicate-parameters': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'gives tokens by a pushed request, an assertion, PKCE and a proof, and says iss in the answer',
    },
    'fapi2-security-profile-final-check-dpop-proof-nbf-exp': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'takes proofs of ten seconds before and after, and none that is malformed, old, for something else or used',
    },
    'fapi2-security-profile-final-dpop-negative-tests': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'takes proofs of ten seconds before and after, and none that is malformed, old, for something else or used',
    },
    'fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-after-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'takes proofs of ten seconds before and after, and none that is malformed, old, for something else or used',
    },
    'fapi2-security-profile-final-ensure-dpopproof-with-iat-10seconds-before-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title:
        'takes proofs of ten seconds before and after, and none that is malformed, old, for something else or used',
    },
    'fapi2-security-profile-final-ensure-dpop-auth-code-binding-success': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'binds a code to a key by dpop_jkt or a proof at the push, and takes no other key then',
    },
    'fapi2-security-profile-final-ensure-dpopproof-at-par-endpoint-binding-success': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'binds a code to a key by dpop_jkt or a proof at the push, and takes no other key then',
    },
    'fapi2-security-profile-final-ensure-mismatched-dpop-jkt-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'binds a code to a key by dpop_jkt or a proof at the push, and takes no other key then',
    },
    'fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-jkt': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'binds a code to a key by dpop_jkt or a proof at the push, and takes no other key then',
    },
    'fapi2-security-profile-final-ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'binds a code to a key by dpop_jkt or a proof at the push, and takes no other key then',
    },
  },
  'fapi-ciba': {
    'fapi-ciba-id1-discovery-end-point-verification': {
      file: 'test/provider/backchannel.test.ts',
      title: 'says in discovery what it does',
    },
    'fapi-ciba-id1 (happy flow)': {
      file: 'test/provider/backchannel.test.ts',
      title: 'reaches the level by the number that the service gives, shown and signed with its message',
    },
    'fapi-ciba-id1-user-rejects-authentication': {
      file: 'test/provider/backchannel.test.ts',
      title: 'has one final answer when approving and denying meet',
    },
    'fapi-ciba-id1-multiple-call-to-token-endpoint': {
      file: 'test/provider/backchannel.test.ts',
      title: 'slows a hasty service down',
    },
    'fapi-ciba-id1-auth-req-id-expired': {
      file: 'test/provider/backchannel.test.ts',
      title: 'ends in time: as long as the service says, at most ten minutes',
    },
    'fapi-ciba-id1-ensure-authorization-request-with-binding-message-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-authorization-request-with-potentially-bad-binding-message': {
      file: 'test/provider/backchannel.test.ts',
      title: 'refuses levels that a phone alone cannot reach, and messages that no phone can show',
    },
    'fapi-ciba-id1-ensure-other-scope-order-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-requested-expiry-as-string-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-missing-aud-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-bad-aud-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-missing-iss-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-bad-iss-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-missing-exp-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-expired-exp-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-exp-is-70-minutes-in-future-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-missing-iat-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-missing-nbf-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-nbf-is-10-minutes-in-future-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-nbf-is-70-minutes-in-past-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-missing-jti-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-signature-algorithm-is-none-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-signed-by-other-client-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-signature-algorithm-is-bad-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-request-object-signature-algorithm-is-RS256-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes no RS256 of a FAPI client, in assertions or in request objects, though the key could sign it',
    },
    'fapi-ciba-id1-ensure-authorization-request-with-multiple-hints-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-wrong-auth-req-id-in-token-endpoint-request': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'refuses backchannel requests and polls of who does not prove to be the client',
    },
    'fapi-ciba-id1-ensure-different-client-id-and-issuer-in-backchannel-authorization-request': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-ensure-wrong-client-id-in-token-endpoint-request': {
      file: 'test/provider/mutual-tls.test.ts',
      title: 'takes a certificate of the client’s own that is registered, and no other one',
    },
    'fapi-ciba-id1-ensure-wrong-client-id-in-backchannel-authorization-request': {
      why: 'only with certificates, whose client is proven at this endpoint as at the token endpoint: the row above',
    },
    'fapi-ciba-id1-ensure-without-client-assertion-in-token-endpoint-request': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'refuses backchannel requests and polls of who does not prove to be the client',
    },
    'fapi-ciba-id1-ensure-without-client-assertion-in-backchannel-authorization-request': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'refuses backchannel requests and polls of who does not prove to be the client',
    },
    'fapi-ciba-id1-ensure-client-assertion-signature-algorithm-in-backchannel-authorization-request-is-RS256-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes no RS256 of a FAPI client, in assertions or in request objects, though the key could sign it',
    },
    'fapi-ciba-id1-ensure-client-assertion-signature-algorithm-in-token-endpoint-request-is-RS256-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes no RS256 of a FAPI client, in assertions or in request objects, though the key could sign it',
    },
    'fapi-ciba-id1-ensure-client-assertion-with-iss-aud-to-token-endpoint-succeeds': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes an assertion for the issuer, and none for an endpoint or for several',
    },
    'fapi-ciba-id1-ping-backchannel-notification-endpoint-response-has-body': {
      file: 'test/provider/backchannel.test.ts',
      title: 'pings no more where the service says that the token is not its own, and never where it is sent to',
    },
    'fapi-ciba-id1-ping (notification endpoint answers 401)': {
      file: 'test/provider/backchannel.test.ts',
      title: 'pings no more where the service says that the token is not its own, and never where it is sent to',
    },
    'fapi-ciba-id1-ping (notification endpoint answers 403)': {
      file: 'test/provider/backchannel.test.ts',
      title: 'pings no more where the service says that the token is not its own, and never where it is sent to',
    },
    'fapi-ciba-id1-ping-with-mtls-ciba-notification-endpoint-response-401-and-require-server-does-not-retry': {
      file: 'test/provider/backchannel.test.ts',
      title: 'pings no more where the service says that the token is not its own, and never where it is sent to',
    },
    'fapi-ciba-id1-ping-backchannel-notification-endpoint-return-redirect-request': {
      file: 'test/provider/backchannel.test.ts',
      title: 'pings no more where the service says that the token is not its own, and never where it is sent to',
    },
    'fapi-ciba-id1-ensure-unsigned-backchannel-authorization-request-fails': {
      file: 'test/conformance/fapi2.test.ts',
      title: 'takes signed backchannel requests only, with every claim that bounds them, in any order of the scopes',
    },
    'fapi-ciba-id1-refresh-token': {
      why: 'a refresh token of CIBA is renewed by the code that renews all others: refresh-token of the plan above',
    },
    'fapi-ciba-id1-ensure-mtls-holder-of-key-required': {
      why: 'tokens of every grant are bound by the code that the plan above shows; a service is told of DPoP in place of a certificate',
    },
  },
};
