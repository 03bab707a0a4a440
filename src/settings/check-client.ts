// One relying service: what must hold beyond the form of its keys.
import { parseUrl, redirectFault, webFault } from './addresses.ts';
import type { Document } from './document.ts';
import { checkClaims } from './sections/claims.ts';
import { CIBA, type ClientFile, DEVICE, needsSecret } from './sections/clients.ts';

const WEB_ADDRESSES = [
  'jwks_uri',
  'sector_identifier_uri',
  'backchannel_logout_uri',
  'backchannel_client_notification_endpoint',
  'initiate_login_uri',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'homepage',
] as const;
/** RFC 8705 section 2. */
const BY_CERTIFICATE: readonly string[] = ['tls_client_auth', 'self_signed_tls_client_auth'];
const CERTIFICATE_NAMES = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

function checkAddresses(document: Document, client: ClientFile): void {
  const native = client.application_type === 'native';
  for (const key of ['redirect_uris', 'post_logout_redirect_uris'] as const) {
    client[key]?.forEach((uri, index) => {
      const rule = redirectFault(uri, native);
      if (rule !== undefined) document.problem([key, index], rule);
      else if (client[key]?.indexOf(uri) !== index) document.problem([key, index], 'is there twice');
    });
  }
  for (const key of WEB_ADDRESSES) {
    const uri = client[key];
    const rule = uri === undefined ? undefined : webFault(uri);
    if (rule !== undefined) document.problem([key], rule);
    else if (key === 'backchannel_logout_uri' && uri?.includes('#'))
      document.problem([key], 'must not have a fragment ("#…")');
  }
}

function checkGrants(document: Document, client: ClientFile): void {
  const grants = new Set(client.grant_types);
  const signsIn = grants.has('authorization_code');
  const answers = client.response_types ?? (signsIn ? ['code'] : []);
  if (signsIn !== answers.includes('code')) {
    document.problem(
      [client.response_types ? 'response_types' : 'grant_types'],
      'grant_types "authorization_code" and response_types "code" go together',
    );
  }
  if (grants.has('refresh_token') && !signsIn && !grants.has(CIBA) && !grants.has(DEVICE))
    document.problem(['grant_types'], `"refresh_token" needs "authorization_code", "${CIBA}" or "${DEVICE}"`);
  if (signsIn && (client.redirect_uris ?? []).length === 0)
    document.problem(['redirect_uris'], 'is required for a client with sign-ins');
  if (!signsIn && (client.redirect_uris ?? []).length > 0)
    document.problem(['redirect_uris'], 'without "authorization_code" in grant_types nothing is ever sent there');
  if (grants.has('client_credentials') && client.token_endpoint_auth_method === 'none') {
    document.problem(['token_endpoint_auth_method'], '"client_credentials" needs a client that proves itself');
  }
  if (!client.require_pkce && client.token_endpoint_auth_method === 'none')
    document.problem(['require_pkce'], 'a client that does not prove itself cannot do without PKCE');
}

/** Requests without a browser (OpenID CIBA Core section 4). */
function checkBackchannel(document: Document, client: ClientFile): void {
  const keys = ['backchannel_token_delivery_mode', 'backchannel_client_notification_endpoint'] as const;
  if (!client.grant_types.includes(CIBA)) {
    for (const key of keys)
      if (client[key] !== undefined) document.problem([key], `is only for clients with "${CIBA}" in grant_types`);
    return;
  }
  if (client.token_endpoint_auth_method === 'none')
    document.problem(['token_endpoint_auth_method'], `"${CIBA}" needs a client that proves itself`);
  if (!client.first_party)
    document.problem(['first_party'], `"${CIBA}" needs first_party: true, because a phone shows no consent page`);
  if (client.subject_type === 'pairwise')
    document.problem(['subject_type'], `pairwise does not go with "${CIBA}", whose hints name people as we do`);
  const ping = client.backchannel_token_delivery_mode === 'ping';
  if (ping !== (client.backchannel_client_notification_endpoint !== undefined))
    document.problem([keys[1]], 'and backchannel_token_delivery_mode "ping" go together');
}

/** What a certificate is known by (RFC 8705 section 2). */
function checkCertificate(document: Document, client: ClientFile): void {
  const method = client.token_endpoint_auth_method;
  const named = CERTIFICATE_NAMES.filter((key) => client[key] !== undefined);
  const [first, second] = named;
  if (method === 'tls_client_auth' && first === undefined)
    document.problem(
      ['tls_client_auth_subject_dn'],
      `tls_client_auth needs it, or one of ${CERTIFICATE_NAMES.slice(1).join(', ')}`,
    );
  if (method !== 'tls_client_auth' && first !== undefined) document.problem([first], 'is only for tls_client_auth');
  else if (second !== undefined) document.problem([second], `is one name too many: ${first} is written already`);
  if (/[",\s]/.test(client.tls_client_auth_san_uri ?? ''))
    document.problem(['tls_client_auth_san_uri'], 'must be a URI, without quotes, commas and spaces');
  if (method !== 'self_signed_tls_client_auth') return;
  if (!client.jwks && !client.jwks_uri)
    document.problem(['jwks'], 'self_signed_tls_client_auth needs jwks or jwks_uri, with the certificate as x5c', {
      shown: false,
    });
  client.jwks?.keys.forEach((jwk, index) => {
    if (!Array.isArray(jwk['x5c']) || jwk['x5c'].length === 0)
      document.problem(['jwks', 'keys', index], 'has no x5c: self_signed_tls_client_auth compares the certificate', {
        shown: false,
      });
  });
}

function checkProof(document: Document, client: ClientFile): void {
  const written = client.client_secret !== undefined || client.client_secret_file !== undefined;
  const method = client.token_endpoint_auth_method;
  if (needsSecret(client) && !written)
    document.problem(['client_secret'], `is required for ${method} (or client_secret_file)`, { shown: false });
  if (!needsSecret(client) && written) {
    document.problem(
      [client.client_secret_file === undefined ? 'client_secret' : 'client_secret_file'],
      `is of no use with ${method}: remove it`,
      { shown: false },
    );
  }
  if (method === 'private_key_jwt' && !client.jwks && !client.jwks_uri)
    document.problem(['jwks'], 'private_key_jwt needs jwks or jwks_uri', { shown: false });
  checkCertificate(document, client);
  if (client.jwks && client.jwks_uri) document.problem(['jwks_uri'], 'jwks and jwks_uri are both written: keep one');
  client.jwks?.keys.forEach((jwk, index) => {
    if (PRIVATE_MEMBERS.some((member) => member in jwk))
      document.problem(['jwks', 'keys', index], 'is a private key: only its public part belongs here', {
        shown: false,
      });
  });
  const alg = client.token_endpoint_auth_signing_alg;
  if (alg !== undefined && method !== 'private_key_jwt' && method !== 'client_secret_jwt') {
    document.problem(['token_endpoint_auth_signing_alg'], 'is only for private_key_jwt and client_secret_jwt');
  } else if (alg !== undefined && (alg === 'HS256') !== (method === 'client_secret_jwt')) {
    document.problem(['token_endpoint_auth_signing_alg'], `does not go with ${method}`);
  }
}

/** A rule of a profile that a client contradicts, told at the key. */
function checkProfile(document: Document, client: ClientFile): void {
  const against = (key: keyof ClientFile, wrong: boolean, rule: string) => {
    if (wrong) document.problem([key], `contradicts profile "${client.profile}": ${rule}`);
  };
  const method = client.token_endpoint_auth_method;
  if (client.profile === 'spa') {
    against(
      'token_endpoint_auth_method',
      method !== 'none',
      'an app in a browser keeps no secret, so "none" (RFC 9700)',
    );
    against('application_type', client.application_type !== 'web', '"web"');
    const grants = client.grant_types.filter((grant) => grant !== 'authorization_code' && grant !== 'refresh_token');
    against('grant_types', grants.length > 0, 'only authorization_code and refresh_token');
  }
  if (client.profile !== 'fapi2') return;
  const weak = (alg: string | undefined) => alg === 'RS256' || alg === 'HS256';
  const signing = 'ES256 or PS256, never RS256 (FAPI 2.0 section 5.4)';
  against(
    'token_endpoint_auth_method',
    method !== 'private_key_jwt' && !BY_CERTIFICATE.includes(method),
    'private_key_jwt, tls_client_auth or self_signed_tls_client_auth (section 5.3.2.1)',
  );
  against('token_endpoint_auth_signing_alg', weak(client.token_endpoint_auth_signing_alg), signing);
  against('request_object_signing_alg', weak(client.request_object_signing_alg), signing);
  against('id_token_signed_response_alg', weak(client.id_token_signed_response_alg), signing);
  against('userinfo_signed_response_alg', weak(client.userinfo_signed_response_alg), signing);
  against('authorization_signed_response_alg', weak(client.authorization_signed_response_alg), signing);
  against('introspection_signed_response_alg', weak(client.introspection_signed_response_alg), signing);
  against('grant_types', client.grant_types.includes(DEVICE), 'no device flow, which cannot be bound to a browser');
  against('require_pkce', !client.require_pkce, 'PKCE with S256 (section 5.3.2.2)');
  const pushed = client.require_pushed_authorization_requests;
  against('require_pushed_authorization_requests', pushed === false, 'pushed requests (section 5.3.2.2)');
  const unsigned = client.grant_types.includes(CIBA) && client.require_signed_request_object !== true;
  against(
    'require_signed_request_object',
    unsigned,
    'true with CIBA, whose requests are signed (FAPI-CIBA section 5.2.2)',
  );
  const bound = client.dpop_bound_access_tokens !== false || client.tls_client_certificate_bound_access_tokens === true;
  against('dpop_bound_access_tokens', !bound, 'tokens bound by DPoP or to a certificate (section 5.3.2.1)');
}

/** What names the sector of a pairwise client (OpenID Connect Core section 8.1, OpenID CIBA Core section 4, which the library takes for devices too). */
function checkPairwise(document: Document, client: ClientFile): void {
  if (client.subject_type !== 'pairwise') return;
  const hosts = new Set((client.redirect_uris ?? []).map((uri) => parseUrl(uri)?.host));
  const signsIn = client.grant_types.includes('authorization_code');
  const sector = client.sector_identifier_uri !== undefined;
  if (!sector && hosts.size > 1)
    document.problem(
      ['sector_identifier_uri'],
      'is required: a pairwise client has redirect_uris on more than one host',
    );
  if (!client.grant_types.includes(DEVICE)) {
    if (!signsIn && !client.grant_types.includes(CIBA))
      document.problem(['subject_type'], 'pairwise is for clients with sign-ins: leave it out');
    return;
  }
  const method = client.token_endpoint_auth_method;
  if (method !== 'private_key_jwt' && method !== 'self_signed_tls_client_auth')
    document.problem(
      ['token_endpoint_auth_method'],
      `pairwise with "${DEVICE}" needs private_key_jwt or self_signed_tls_client_auth: the keys of jwks_uri name the sector; or leave subject_type out`,
    );
  if (client.jwks_uri === undefined)
    document.problem(
      ['jwks_uri'],
      `is required: its host is the sector of a pairwise client with "${DEVICE}"; or leave subject_type out`,
    );
  if (signsIn && !sector && hosts.size < 2)
    document.problem(
      ['sector_identifier_uri'],
      `is required: a pairwise client has both sign-ins and "${DEVICE}"; its list names the redirect_uris and the jwks_uri`,
    );
}

/** The scopes that `scope` of a client can name; those of resources are granted by the resource. */
const SCOPES = ['openid', 'offline_access', 'profile', 'email', 'groups'];

/**
 * Everything about one client that needs no other file but its own name.
 * @param refused keys that were refused already: what depends on them is not told.
 */
export function checkClient(document: Document, client: ClientFile, refused: ReadonlySet<string>): void {
  const expected = `clients/${client.client_id}.yaml`;
  if (document.file !== expected) document.problem(['client_id'], `the file must be called ${expected}`);
  if (client.client_id === 'account')
    document.problem(['client_id'], '"account" is our own account page: choose another name');
  checkAddresses(document, client);
  const stands = (...keys: (keyof ClientFile)[]) => !keys.some((key) => refused.has(key));
  if (stands('grant_types', 'response_types', 'token_endpoint_auth_method')) checkGrants(document, client);
  if (stands('grant_types', 'token_endpoint_auth_method', 'first_party', 'backchannel_token_delivery_mode'))
    checkBackchannel(document, client);
  if (!refused.has('claims')) checkClaims(document, client.claims);
  if (!refused.has('profile')) checkProfile(document, client);
  if (stands('token_endpoint_auth_method', 'jwks')) checkProof(document, client);
  if (stands('subject_type', 'grant_types', 'token_endpoint_auth_method')) checkPairwise(document, client);
  const unknown = client.scope?.split(' ').filter((scope) => !SCOPES.includes(scope)) ?? [];
  if (unknown.length > 0)
    document.problem(['scope'], `can name ${SCOPES.join(', ')}; scopes of resources do not stand here`);
}
