// What we know of each service and resource beyond oidc-provider's metadata; replaced whole at a reload, never edited.
import type { Level } from '../domain/assurance.ts';
import { type ClaimScope, scopeOf } from '../domain/claims.ts';
import { type ClientSettings, type ResourceSettings, reachable, type Settings } from '../settings/settings.ts';
import type { AskingService } from './pages.ts';

/** The account page's own client id; no file may use it. */
export const ACCOUNT_CLIENT = 'account';

/** Lookups over one state of the settings. */
export interface Registry {
  settings: Settings;
  /** All services, the account page among them. */
  clients: readonly ClientSettings[];
  client(clientId: string): ClientSettings | undefined;
  resource(identifier: string): ResourceSettings | undefined;
  /** Names of the claims of all services that are of the operator's own, by the scope that lets them out. */
  ownClaims: { readonly [scope in ClaimScope]: ReadonlySet<string> };
  /** Whether the configuration has a way to reach a level. */
  offered(level: Level): boolean;
}

/** Builds the lookups of one state of the settings, with the account page's client added. */
export function createRegistry(settings: Settings): Registry {
  const all = [accountClient(settings), ...settings.clients];
  const clients = new Map(all.map((client) => [client.metadata.client_id, client]));
  const resources = new Map(settings.resources.map((resource) => [resource.identifier, resource]));
  const offered = new Set(settings.levels.filter((level) => reachable(settings, level)));
  return {
    settings,
    clients: all,
    client: (clientId) => clients.get(clientId),
    resource: (identifier) => resources.get(identifier),
    ownClaims: ownClaims(all),
    offered: (level) => offered.has(level),
  };
}

function ownClaims(clients: readonly ClientSettings[]): Registry['ownClaims'] {
  const names = { groups: new Set<string>(), profile: new Set<string>(), email: new Set<string>() };
  for (const { claims } of clients) for (const [name, rule] of Object.entries(claims)) names[scopeOf(rule)].add(name);
  return names;
}

/** The account page signs in like any other service (design, decision 11): a public client with PKCE, first-party. */
export function accountClient(settings: Settings): ClientSettings {
  const { issuer } = settings.server;
  return {
    file: 'built in',
    firstParty: true,
    profile: 'classic',
    requirePkce: true,
    claims: {},
    homepage: `${issuer}/account`,
    metadata: {
      client_id: ACCOUNT_CLIENT,
      client_name: settings.branding.name,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [`${issuer}/account/callback`],
      post_logout_redirect_uris: [`${issuer}/account`],
    },
  };
}

/** A service as people are told of it. */
export function askingService(registry: Registry, clientId: string): AskingService {
  const client = registry.client(clientId);
  const text = (name: string) => {
    const value = client?.metadata[name];
    return typeof value === 'string' ? value : undefined;
  };
  const logoUri = text('logo_uri');
  const homepage = client?.homepage ?? text('client_uri');
  const policyUri = text('policy_uri');
  const tosUri = text('tos_uri');
  return {
    clientId,
    name: text('client_name') ?? clientId,
    firstParty: client?.firstParty ?? false,
    ...(logoUri === undefined ? {} : { logoUri }),
    ...(homepage === undefined ? {} : { homepage }),
    ...(policyUri === undefined ? {} : { policyUri }),
    ...(tosUri === undefined ? {} : { tosUri }),
  };
}
