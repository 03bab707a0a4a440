// Puts the house together: storage, provider, pages, doors. The one place that knows all of them.
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { AccountDeps } from '../../interactions/account/guard.ts';
import { accountRoutes } from '../../interactions/account/routes.ts';
import { approveRoutes } from '../../interactions/approve/routes.ts';
import { loadAssets } from '../../interactions/assets.ts';
import { enrolRoutes } from '../../interactions/enrol/routes.ts';
import { helpRoutes } from '../../interactions/help/routes.ts';
import { interactionRoutes } from '../../interactions/router.ts';
import { problemPage, systemPages } from '../../interactions/system/routes.ts';
import { deviceApi } from '../api/device/router.ts';
import { noticesNow, readOnlyNow } from '../domain/notices.ts';
import type { World } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';
import { createInteractions } from '../provider/interactions.ts';
import { createRegistry, type Registry } from '../provider/registry.ts';
import type { Settings } from '../settings/settings.ts';
import { createClientCatalog } from '../storage/oidc/client-catalog.ts';
import { ownCookies } from '../web/cookies.ts';
import { refuseWhileReadOnly } from '../web/read-only.ts';
import { compareConfigurations } from './configurations.ts';
import { keysCheck, signingKeyAges } from './jwks.ts';
import { announceKeys } from './key-lists.ts';
import { type Ring, type RingParts, readRing, watchRing } from './key-ring.ts';
import { createApp } from './koa.ts';
import { accountProvider, buildProvider, sendingBy } from './provider-parts.ts';
import { compareSettings, dryRunClients, mergeSettings, type ReloadReport } from './reload.ts';
import { tryStores } from './try-stores.ts';
import type { NodeWatch } from './watch.ts';
import { openWorld, vaultOf } from './world.ts';

/** Everything that runs. */
export interface House {
  /** Answers every request by the settings in force. */
  handler: RequestListener;
  world: World;
  provider(): Provider;
  /** Those in force. */
  settings(): Settings;
  /** Takes new settings over, or throws and changes nothing. */
  reload(fresh: Settings): Promise<ReloadReport>;
  close(): Promise<void>;
}

/** Built files lie beside the compiled server, or in dist/ when it runs from its sources. */
export function builtFolder(): string {
  const here = fileURLToPath(new URL('../../', import.meta.url));
  return here.endsWith('/dist/') ? here : join(here, 'dist');
}

/** The pages: what no route knows is 404, a known path with another method 405. */
function pageRoutes(deps: AccountDeps): Middleware[] {
  const router = interactionRoutes(deps);
  router.get('/', (ctx) => ctx.redirect('/account'));
  const routers = [router, approveRoutes(deps), enrolRoutes(deps), accountRoutes(deps), helpRoutes(deps)];
  // koa-router's types describe a context that it makes itself.
  return [
    ...routers.map((one) => one.routes()),
    ...routers.map((one) => one.allowedMethods()),
  ] as unknown as Middleware[];
}

/** The ring as other keys open it. @throws where one of them cannot be used, or a signing key in force cannot be opened any more. */
function tryKeys(parts: RingParts, settings: Settings): Promise<Ring> {
  return readRing({ ...parts, vault: vaultOf(settings.keys), settings: () => settings });
}

/** Sections that the provider, or the list that every request passes, is built with; everything else is read at each use. */
const BUILT_IN: ReadonlySet<keyof Settings> = new Set(['server', 'keys', 'levels', 'methods', 'devices', 'lifetimes']);

/** Opens the storage, builds everything on it, and checks each client as its first use would. @param watch told of what is done. */
export async function assemble(settings: Settings, log: Log, watch?: NodeWatch): Promise<House> {
  let registry: Registry = createRegistry(settings);
  const current = () => registry;
  const opened = await openWorld(() => registry.settings, log, watch);
  try {
    const { world } = opened;
    const built = builtFolder();
    const clients = createClientCatalog(registry.clients);
    const assets = loadAssets(join(built, 'assets'));
    const cookies = ownCookies(settings.server.issuer);
    const shown = {
      settings: () => registry.settings,
      assets,
      cookies,
      notices: (service?: string) => noticesNow(registry.settings.notices, world.clock.now(), service),
      readOnly: () => readOnlyNow(registry.settings.readOnly, world.clock.now()),
    };
    const pages = systemPages(shown);
    const ringParts = { knex: opened.database.knex, vault: world.vault, settings: () => registry.settings };
    let ring = await readRing(ringParts);
    const build = (by: () => Registry = current) => buildProvider(opened, by, clients, pages, ring.jwks);
    let provider = build();
    await dryRunClients(provider, settings.clients);
    opened.courier.start(sendingBy(opened, () => provider, current));
    const deps: AccountDeps = {
      ...shown,
      world,
      interactions: createInteractions(() => provider, current, world.clock, world.records.consents),
      account: accountProvider(
        () => provider,
        current,
        () => ring.jwks,
      ),
    };
    const parts = {
      world,
      provider: () => provider,
      problemPage: problemPage(shown),
      folders: { assets: join(built, 'assets'), phone: join(built, 'phone') },
      device: deviceApi(world),
      pages: [refuseWhileReadOnly(() => registry.settings.readOnly.on), ...pageRoutes(deps)],
      ...(watch ? { watch } : {}),
    };
    const answerBy = (by: Settings) => createApp({ ...parts, settings: by }).callback();
    let answer = answerBy(settings);
    watch?.check('signing_keys', async () => keysCheck(ring));
    watch?.metrics.gauge('signing_key_age_seconds', () => signingKeyAges(ring, world.clock));
    const configurations = compareConfigurations(opened.state, () => registry.settings, log);
    watch?.metrics.gauge('countersign_configurations', () => configurations.inForce().length);
    // Told, and no reason to be taken out: during a rolling restart it is so for a while.
    watch?.tell('configurations', () => {
      const inForce = configurations.inForce();
      return { ok: inForce.length === 1, ours: inForce[0], others: inForce.slice(1) };
    });
    const announced = announceKeys({ ...ringParts, state: opened.state, log });
    // Told, and no reason to be taken out: everything else goes on.
    watch?.tell('stored_secrets', () => {
      const lost = announced.lost();
      return lost.length === 0 ? { ok: true } : { ok: false, why: lost.join('; ') };
    });
    const stopRing = watchRing(ringParts, ring, log, (fresh) => {
      // Requests in flight end on the provider that they began on.
      ring = fresh;
      provider = build();
    });
    return {
      handler: (request, response) => void answer(request, response),
      world,
      provider: () => provider,
      settings: () => registry.settings,
      reload: async (fresh) => {
        const compared = await compareSettings(registry.settings, fresh);
        const { settings: wanted, report } = mergeSettings(registry.settings, fresh, compared);
        const upcoming = createRegistry(wanted);
        await tryStores(registry.settings.storage, wanted.storage);
        const anew = compared.sections.some((section) => BUILT_IN.has(section));
        // Clients that did not change were tried when they came, unless the rules for them are other ones.
        const judge = anew ? build(() => upcoming) : provider;
        await dryRunClients(judge, anew ? wanted.clients : [...compared.added, ...compared.changed]);
        const nextAnswer = anew ? answerBy(wanted) : answer;
        const otherKeys = compared.sections.includes('keys') ? await tryKeys(ringParts, wanted) : undefined;
        // From here on nothing is waited for and nothing can fail: all of it holds at once.
        registry = upcoming;
        clients.replace(registry.clients);
        ring = otherKeys ?? ring;
        // Requests in flight end on the provider that they began on.
        if (anew) provider = build();
        answer = nextAnswer;
        if (otherKeys) announced.changed();
        return report;
      },
      close: async () => {
        stopRing();
        configurations.stop();
        await announced.stop();
        await opened.close();
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}
