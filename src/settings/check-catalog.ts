// Clients and resources together, and against levels and the outbound list.
import type { Level } from '../domain/assurance.ts';
import { isHostAndPort, isLoopback, parseUrl } from './addresses.ts';
import { levelFault } from './check-levels.ts';
import type { Document } from './document.ts';
import type { Read } from './explain.ts';
import type { Path } from './problems.ts';
import { checkClaims } from './sections/claims.ts';
import type { ClientFile } from './sections/clients.ts';
import type { NoticesFile } from './sections/notices.ts';
import type { OutboundFile } from './sections/outbound.ts';
import type { ResourceFile } from './sections/resources.ts';
import type { ServerFile } from './sections/server.ts';
import type { MethodSettings } from './settings.ts';

/** The levels and methods that names are looked up in; undefined where their files are not sound. */
export interface Offer {
  levels: readonly Level[];
  methods: MethodSettings;
}

/** Scopes with a meaning of their own (OpenID Connect Core section 5.4, 11). */
const RESERVED_SCOPES = ['openid', 'offline_access', 'profile', 'email', 'groups', 'address', 'phone'];

function checkLevel(document: Document, path: Path, name: string | undefined, offer: Offer | undefined): void {
  const rule = name === undefined || !offer ? undefined : levelFault(offer.levels, offer.methods, name);
  if (rule !== undefined) document.problem(path, rule);
}

/** Addresses of a client that we call. */
const CALLED = ['backchannel_logout_uri', 'backchannel_client_notification_endpoint', 'jwks_uri'] as const;

/** An address that we call ourselves and that stands on loopback has to be allowed, or the call is refused at run time. */
function checkOutbound(
  document: Document,
  key: (typeof CALLED)[number],
  client: ClientFile,
  allow: readonly string[],
): void {
  const url = parseUrl(client[key] ?? '');
  if (!url || !isLoopback(url.hostname)) return;
  const place = `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
  if (!allow.some((entry) => entry.toLowerCase() === place))
    document.note([key], `will be refused: add ${place} to allow in outbound.yaml`);
}

/** Certificates of clients come by a header that server.yaml names, and those of authorities need the authorities. */
function checkMutualTls(document: Document, client: ClientFile, { mtls }: ServerFile): void {
  const method = client.token_endpoint_auth_method;
  const proves = method === 'tls_client_auth' || method === 'self_signed_tls_client_auth';
  const bound = client.tls_client_certificate_bound_access_tokens === true;
  const key = proves ? 'token_endpoint_auth_method' : 'tls_client_certificate_bound_access_tokens';
  if ((proves || bound) && !mtls) document.problem([key], 'needs mtls in server.yaml: how certificates reach us');
  else if (method === 'tls_client_auth' && mtls && mtls.client_ca_file === undefined)
    document.problem([key], 'tls_client_auth needs mtls.client_ca_file in server.yaml: which authorities are trusted');
}

/** Each client_id once; levels and default acr values that exist. */
export function checkClients(
  clients: readonly Read<ClientFile>[],
  offer: Offer | undefined,
  outbound: OutboundFile | undefined,
  server: ServerFile | undefined,
): void {
  const owners = new Map<string, string>();
  const values = offer?.levels.flatMap((level) => level.acr);
  for (const { document, value: client } of clients) {
    if (!client) continue;
    const owner = owners.get(client.client_id);
    if (owner !== undefined) document.problem(['client_id'], `is already the client of ${owner}`);
    else owners.set(client.client_id, document.file);
    checkLevel(document, ['minimum_level'], client.minimum_level, offer);
    client.default_acr_values?.forEach((acr, index) => {
      if (values && !values.includes(acr))
        document.problem(['default_acr_values', index], 'must be an acr value of levels.yaml');
    });
    if (server) checkMutualTls(document, client, server);
    for (const key of CALLED) checkOutbound(document, key, client, outbound?.allow ?? []);
  }
}

function identifierFault(identifier: string): string | undefined {
  if (!parseUrl(identifier)) return 'must be an absolute URI, such as "https://api.example.org"';
  return identifier.includes('#') ? 'must not have a fragment (RFC 8707 section 2)' : undefined;
}

/** Each identifier once; levels that exist; introspection by clients that exist; no scope with a meaning of its own. */
export function checkResources(
  resources: readonly Read<ResourceFile>[],
  offer: Offer | undefined,
  clientIds: ReadonlySet<string> | undefined,
): void {
  const owners = new Map<string, string>();
  for (const { document, value: resource } of resources) {
    if (!resource) continue;
    const rule = identifierFault(resource.identifier);
    const owner = owners.get(resource.identifier);
    if (rule !== undefined) document.problem(['identifier'], rule);
    else if (owner !== undefined) document.problem(['identifier'], `is already the resource of ${owner}`);
    else owners.set(resource.identifier, document.file);
    checkLevel(document, ['level'], resource.level, offer);
    checkClaims(document, resource.claims);
    for (const [scope, { level }] of Object.entries(resource.scopes)) {
      if (RESERVED_SCOPES.includes(scope))
        document.problem(['scopes', scope], 'is a scope of OpenID Connect: choose another name');
      checkLevel(document, ['scopes', scope, 'level'], level, offer);
    }
    resource.introspection_clients.forEach((client, index) => {
      if (clientIds && !clientIds.has(client))
        document.problem(['introspection_clients', index], 'must be a client of clients/');
    });
  }
}

/** Each notice has its English text, ends after it begins, and names services that there are. */
export function checkNotices({ document, value }: Read<NoticesFile>, clientIds: ReadonlySet<string> | undefined): void {
  const needsEnglish = (text: { readonly [language: string]: string }, key: (string | number)[]) => {
    if (!Object.hasOwn(text, 'en'))
      document.problem(key, 'must have "en": who reads another language that is missing sees it');
  };
  if (value?.read_only.text) needsEnglish(value.read_only.text, ['read_only', 'text']);
  value?.notices.forEach(({ text, from, until, services }, index) => {
    needsEnglish(text, ['notices', index, 'text']);
    if (Date.parse(until) <= Date.parse(from)) document.problem(['notices', index, 'until'], 'must be later than from');
    services.forEach((client, place) => {
      if (clientIds && !clientIds.has(client))
        document.problem(['notices', index, 'services', place], 'must be a client of clients/');
    });
  });
}

/** Entries of the outbound list are host:port. */
export function checkOutboundList(document: Document, file: OutboundFile): void {
  file.allow.forEach((entry, index) => {
    if (!isHostAndPort(entry)) document.problem(['allow', index], 'must be host:port, such as "localhost:3001"');
  });
}
