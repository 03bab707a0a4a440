// Mutual TLS (RFC 8705): clients that prove themselves by a certificate, and tokens that are bound to one.
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Configuration, KoaContextWithOIDC, default as Provider } from 'oidc-provider';
import { type CertificateName, certificateOf, certificatesOf, isNamed, signedBy } from '../platform/certificates.ts';
import type { Clock } from '../platform/clock.ts';
import type { Settings } from '../settings/settings.ts';

type Feature = NonNullable<NonNullable<Configuration['features']>['mTLS']>;

/**
 * The feature over `mtls` of server.yaml; off where that is missing. The header can be believed here: it was thrown away before,
 * unless a trusted proxy sent it (web/client-certificate.ts). That the client holds the key, the proxy's TLS has seen.
 */
export function mutualTlsFeature(settings: Settings, clock: Clock): Feature {
  const { mtls } = settings.server;
  if (!mtls) return { enabled: false };
  const name = mtls.header.toLowerCase();
  const authorities = mtls.authorities === undefined ? undefined : certificatesOf(mtls.authorities);
  const known = new WeakMap<IncomingMessage, X509Certificate | undefined>();
  const shown = ({ req }: Pick<KoaContextWithOIDC, 'req'>) => {
    if (!known.has(req)) {
      const header = req.headers[name];
      known.set(req, typeof header === 'string' ? certificateOf(header) : undefined);
    }
    return known.get(req);
  };
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: authorities !== undefined,
    getCertificate: (ctx) => shown(ctx),
    certificateAuthorized: (ctx) => {
      const certificate = shown(ctx);
      return certificate !== undefined && signedBy(authorities ?? [], certificate, clock.now());
    },
    certificateSubjectMatches: (ctx, property, expected) => {
      const certificate = shown(ctx);
      return certificate !== undefined && isNamed(certificate, property as CertificateName, expected);
    },
  };
}

/** How clients can prove themselves by a certificate here. */
export function certificateMethods({
  server: { mtls },
}: Settings): ('self_signed_tls_client_auth' | 'tls_client_auth')[] {
  if (!mtls) return [];
  return mtls.authorities === undefined
    ? ['self_signed_tls_client_auth']
    : ['self_signed_tls_client_auth', 'tls_client_auth'];
}

/** Endpoints that a client with a certificate calls (RFC 8705 section 5), by the names that discovery has for them. */
const ALIASED = [
  'token_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'userinfo_endpoint',
  'pushed_authorization_request_endpoint',
  'device_authorization_endpoint',
  'backchannel_authentication_endpoint',
];

/** The same endpoints at the origin where certificates are asked for, said in discovery. */
export function tellAliases(provider: Provider, origin: string | undefined): void {
  if (origin === undefined) return;
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'discovery') return;
    const body = ctx.body as { [name: string]: unknown };
    const aliases = ALIASED.flatMap((name) => {
      const { [name]: address } = body;
      return typeof address === 'string' ? [[name, `${origin}${new URL(address).pathname}`]] : [];
    });
    body['mtls_endpoint_aliases'] = Object.fromEntries(aliases);
  });
}
