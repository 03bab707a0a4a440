// clients/*.yaml: one relying service a file. Names of OpenID Connect keep their spelling; minimum_level, first_party, require_pkce, profile, claims and homepage are ours.
import { z } from 'zod';
import type { Secret } from '../secret.ts';
import type { ClientSettings } from '../settings.ts';
import { claimsSchema, resolveClaims } from './claims.ts';
import { present, secretKeys, text, whole } from './pieces.ts';

const SIGNING = ['ES256', 'RS256', 'PS256'] as const;

/** What our own keys sign. */
const ANSWERS = ['ES256', 'RS256'] as const;

/** OpenID CIBA Core section 4. */
export const CIBA = 'urn:openid:params:grant-type:ciba';

/** RFC 8628 section 3.4. */
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

export const clientSchema = z
  .strictObject({
    client_id: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, ".", "_" or "-", at most 64')
      .describe('The name that the service sends; the file is called <client_id>.yaml.'),
    client_name: z
      .string()
      .min(1)
      .max(80)
      .optional()
      .describe('The name that people read; client_id where it is missing.'),
    ...secretKeys('client_secret', 'The secret of a confidential client, at least 32 random characters.'),
    profile: z
      .enum(['classic', 'spa', 'fapi2'])
      .prefault('classic')
      .describe(
        'What the client holds itself to: "spa" (an app in the browser, without a secret) or "fapi2" (FAPI 2.0 Security Profile: pushed requests, private_key_jwt or a certificate, tokens bound by DPoP or to the certificate, codes of 60 seconds). A key that contradicts it is refused.',
      ),
    application_type: z
      .enum(['web', 'native'])
      .prefault('web')
      .describe('"web" (https addresses) or "native" (an app: loopback or private-use schemes).'),
    redirect_uris: z.array(text()).optional().describe('Where answers may be sent; compared letter by letter.'),
    post_logout_redirect_uris: z.array(text()).optional().describe('Where a person may be sent after signing out.'),
    grant_types: z
      .array(z.enum(['authorization_code', 'refresh_token', 'client_credentials', CIBA, DEVICE]))
      .prefault(['authorization_code'])
      .describe('How the client gets tokens.'),
    response_types: z
      .array(z.enum(['code']))
      .optional()
      .describe('Only "code"; empty for a client without sign-ins. Found out from grant_types where it is missing.'),
    scope: z
      .string()
      .regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'must be scopes with one space between them')
      .optional()
      .describe(
        'The scopes of OpenID Connect that the client may ask for, with spaces between; all where it is missing.',
      ),
    token_endpoint_auth_method: z
      .enum([
        'client_secret_basic',
        'client_secret_post',
        'client_secret_jwt',
        'private_key_jwt',
        'tls_client_auth',
        'self_signed_tls_client_auth',
        'none',
      ])
      .prefault('client_secret_basic')
      .describe(
        'How the client proves itself at our endpoints; "none" for an app that cannot keep a secret. The two with "tls" are certificates (RFC 8705): of an authority, by one of the tls_client_auth_ names, or their own, as x5c in its jwks.',
      ),
    token_endpoint_auth_signing_alg: z
      .enum([...SIGNING, 'HS256'])
      .optional()
      .describe('The only algorithm accepted for its assertions.'),
    jwks: z
      .looseObject({ keys: z.array(z.looseObject({})).min(1).describe('The keys, each as a JSON Web Key.') })
      .optional()
      .describe('The public keys of the client as a JSON Web Key Set; never private ones.'),
    jwks_uri: text().optional().describe('Where its public keys are read from, https.'),
    tls_client_auth_subject_dn: text()
      .optional()
      .describe('The subject of its certificate, as RFC 4514 writes it: "CN=bank,O=Bank,C=DE".'),
    tls_client_auth_san_dns: text().optional().describe('Or a DNS name that its certificate carries.'),
    tls_client_auth_san_uri: text().optional().describe('Or a URI.'),
    tls_client_auth_san_ip: text().optional().describe('Or an IP address.'),
    tls_client_auth_san_email: text().optional().describe('Or a mail address.'),
    tls_client_certificate_bound_access_tokens: z
      .boolean()
      .optional()
      .describe('Only tokens bound to a certificate (RFC 8705 section 3) are given out.'),
    id_token_signed_response_alg: z
      .enum(SIGNING)
      .optional()
      .describe('How its ID tokens are signed; ES256 where it is missing.'),
    userinfo_signed_response_alg: z
      .enum(SIGNING)
      .optional()
      .describe('Sign the answers of the userinfo endpoint with this; plain JSON where it is missing.'),
    subject_type: z
      .enum(['public', 'pairwise'])
      .prefault('public')
      .describe(
        '"pairwise" gives this client a sub of its own for each person, made from the oldest pepper: never remove that one.',
      ),
    sector_identifier_uri: text()
      .optional()
      .describe('What pairwise clients of one operator share (OpenID Connect Core section 8.1).'),
    default_max_age: whole(0, 31_536_000)
      .optional()
      .describe('How old a sign-in may be where the request does not say it, in seconds.'),
    require_auth_time: z.boolean().optional().describe('Always put auth_time into ID tokens (we do it anyway).'),
    default_acr_values: z
      .array(text())
      .min(1)
      .optional()
      .describe('The acr values that count where the request names none.'),
    require_pushed_authorization_requests: z
      .boolean()
      .optional()
      .describe('Only pushed requests (RFC 9126) are accepted.'),
    require_pkce: z
      .boolean()
      .prefault(true)
      .describe(
        'False for a library that does not know PKCE (RFC 7636): a request without it must carry a nonce. Only for clients that prove themselves.',
      ),
    request_object_signing_alg: z
      .enum(SIGNING)
      .optional()
      .describe('The only algorithm accepted for its signed requests (JAR, RFC 9101).'),
    require_signed_request_object: z.boolean().optional().describe('Only signed requests (JAR) are accepted.'),
    authorization_signed_response_alg: z
      .enum(ANSWERS)
      .optional()
      .describe(
        'How answers are signed that it asks for as a JWT (JARM, response_mode=jwt); ES256 where it is missing.',
      ),
    introspection_signed_response_alg: z
      .enum(ANSWERS)
      .optional()
      .describe(
        'How answers of introspection are signed that it asks for as a JWT (RFC 9701); ES256 where it is missing.',
      ),
    dpop_bound_access_tokens: z.boolean().optional().describe('Only tokens bound by DPoP (RFC 9449) are given out.'),
    backchannel_logout_uri: text().optional().describe('Where we tell the service that a session has ended.'),
    backchannel_logout_session_required: z.boolean().optional().describe('Put the session id into that message.'),
    backchannel_token_delivery_mode: z
      .enum(['poll', 'ping'])
      .optional()
      .describe('How a service that asks without a browser (CIBA) learns of the answer; "poll" where it is missing.'),
    backchannel_client_notification_endpoint: text()
      .optional()
      .describe('Where a service is told ("ping") that a person has answered, https.'),
    initiate_login_uri: text().optional().describe('Where a sign-in can be started by us, https.'),
    client_uri: text().optional().describe('The home page of the service.'),
    logo_uri: text().optional().describe('Its logo.'),
    policy_uri: text().optional().describe('Its privacy policy.'),
    tos_uri: text().optional().describe('Its terms.'),
    contacts: z.array(text()).optional().describe('Mail addresses of the people who are responsible.'),
    minimum_level: text()
      .optional()
      .describe('The level (a name of levels.yaml) that every sign-in to this service needs, whatever it asks for.'),
    first_party: z.boolean().prefault(false).describe('True for a service of your own: no consent page.'),
    claims: claimsSchema('in the ID tokens (by the claims parameter) and userinfo of this client'),
    homepage: text().optional().describe('Where a person can go back to when a sign-in cannot go on.'),
  })
  .describe('A relying service.');

export type ClientFile = z.output<typeof clientSchema>;

/** Whether the client's way to prove itself needs a shared secret. */
export function needsSecret(client: Pick<ClientFile, 'token_endpoint_auth_method'>): boolean {
  return client.token_endpoint_auth_method.startsWith('client_secret_');
}

/** As oidc-provider reads it. The secret is revealed here: this object goes to the provider only and is never printed as it is. */
export function resolveClient(client: ClientFile, secret: Secret | undefined, file: string): ClientSettings {
  const {
    client_secret: _inline,
    client_secret_file: _file,
    minimum_level,
    first_party,
    require_pkce,
    profile,
    homepage,
    claims,
    ...metadata
  } = client;
  const notified = client.backchannel_client_notification_endpoint;
  const signsIn = client.grant_types.includes('authorization_code');
  return {
    metadata: {
      ...present(metadata),
      ...(profile === 'fapi2'
        ? {
            require_pushed_authorization_requests: true,
            ...(client.tls_client_certificate_bound_access_tokens ? {} : { dpop_bound_access_tokens: true }),
          }
        : {}),
      client_name: client.client_name ?? client.client_id,
      ...(client.grant_types.includes(CIBA)
        ? { backchannel_token_delivery_mode: client.backchannel_token_delivery_mode ?? 'poll' }
        : {}),
      // oidc-provider takes https only, and we send the pings ourselves: on loopback http is as good.
      ...(notified === undefined
        ? {}
        : { backchannel_client_notification_endpoint: notified.replace(/^http:/, 'https:') }),
      response_types: client.response_types ?? (signsIn ? ['code'] : []),
      redirect_uris: client.redirect_uris ?? [],
      ...(secret && needsSecret(client) ? { client_secret: secret.reveal() } : {}),
    },
    firstParty: first_party,
    requirePkce: require_pkce,
    profile,
    claims: resolveClaims(claims),
    file,
    ...present({ minimumLevel: minimum_level, homepage: homepage ?? client.client_uri, notified }),
  };
}
