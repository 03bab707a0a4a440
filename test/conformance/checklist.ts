// What stands for each OP module of the OpenID Foundation's suite: the test that shows it, or the reason why not.
// Names are the suite's own (https://gitlab.com/openid/conformance-suite). The plans of FAPI 2.0 and FAPI-CIBA are not listed yet.

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
};
