// Chooses the parts of the provider, and what the account page asks of it.
import Keygrip from 'keygrip';
import type { JWKS, default as Provider } from 'oidc-provider';
import type { AccountProvider } from '../../interactions/account/relying-service.ts';
import { LANGUAGES } from '../../interactions/words.ts';
import type { Send } from '../notify/courier.ts';
import { createSending } from '../notify/send-delivery.ts';
import { fingerprint } from '../platform/hashes.ts';
import { ReadOnly } from '../platform/unavailable.ts';
import { createProvider } from '../provider/create-provider.ts';
import { sendLogout } from '../provider/internals.ts';
import type { SystemPages } from '../provider/pages.ts';
import type { Registry } from '../provider/registry.ts';
import { createAdapter } from '../storage/oidc/adapter.ts';
import type { ClientCatalog } from '../storage/oidc/client-catalog.ts';
import { personWithGrant } from '../storage/oidc/person-with-grant.ts';
import { markSessionEnded } from '../storage/oidc/state-artefacts.ts';
import { auditStrangers } from '../usecases/audit-strangers.ts';
import { tellLogout } from '../usecases/tell-logout.ts';
import { publicJwks } from './jwks.ts';
import type { Opened } from './world.ts';

/** Builds the provider over the open storage. */
export function buildProvider(
  opened: Opened,
  registry: () => Registry,
  clients: ClientCatalog,
  pages: SystemPages,
  jwks: JWKS,
): Provider {
  const { world, database, state, auditBatches, fetch } = opened;
  const { keys } = registry().settings;
  return createProvider({
    registry,
    pages,
    languages: LANGUAGES,
    users: world.records.users,
    phones: world.records.devices,
    consents: world.records.consents,
    clock: world.clock,
    adapter: createAdapter({
      knex: database.knex,
      state,
      clients,
      repeats: { grace: () => registry().settings.lifetimes.refreshGrace, random: world.random },
    }),
    jwks,
    cookieKeys: new Keygrip(
      keys.cookies.map(({ secret }) => secret.reveal()),
      'sha256',
      'base64',
    ),
    fetch,
    firstUse: (key, seconds) => world.replays.first(key, seconds),
    readBoth: (userId, grantId) => personWithGrant(database.knex, userId, grantId),
    sessionEnded: async (uid, seconds, userId) => {
      // The database first: a Redis that takes over may have the session and lack the mark.
      if (userId !== undefined)
        await world.records.users.sessionEnded(userId, fingerprint(uid), seconds).catch((error: unknown) => {
          // In read-only mode Redis alone has it, rather than nobody.
          if (!(error instanceof ReadOnly)) throw error;
        });
      await markSessionEnded(state, uid, seconds);
    },
    backchannel: world,
    tellLogout: (notice) => tellLogout(world, notice),
    audit: auditStrangers(world, auditBatches),
    log: world.log,
  });
}

/** How messages of the outbox are sent. */
export function sendingBy({ fetch }: Pick<Opened, 'fetch'>, provider: () => Provider, registry: () => Registry): Send {
  return createSending({
    client: (clientId) => registry().client(clientId),
    fetch,
    logout: (clientId, sub, sid) => sendLogout(provider(), clientId, sub, sid),
  });
}

/** The provider as the account page sees it. */
export function accountProvider(provider: () => Provider, registry: () => Registry, jwks: () => JWKS): AccountProvider {
  const { issuer } = registry().settings.server;
  return {
    issuer,
    callback: () => provider().callback(),
    jwks: () => publicJwks(jwks()) as ReturnType<AccountProvider['jwks']>,
    sessionOf: async (accessToken) => (await provider().AccessToken.find(accessToken))?.sessionUid,
    sessionAlive: async (uid, userId) => (await provider().Session.findByUid(uid))?.accountId === userId,
  };
}
