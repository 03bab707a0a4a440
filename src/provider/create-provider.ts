// Puts the provider together: configuration, the documented overrides, the undocumented ones, and its events.
import type { AdapterFactory, default as Provider } from 'oidc-provider';
import type { Audit } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';
import type { LogoutNotice } from '../usecases/tell-logout.ts';
import { CLAIMS } from './account.ts';
import { auditProvider } from './audit-events.ts';
import { tellingBusy, tellWhenToRetry } from './availability.ts';
import { type BackchannelWorld, backchannelSettler } from './backchannel.ts';
import { configuration, type ProviderParts } from './configuration.ts';
import { limitUserCodes, pollingPace, tellPollInterval } from './device-flow.ts';
import { limitDeviceCodes, limitSignIns } from './entry-limits.ts';
import {
  carryPhones,
  endSessionsForGood,
  keepLogouts,
  keepOurMembers,
  makeReplaysAtomic,
  nameSuccessors,
  offerClaims,
  paceDevicePolls,
  settleBeforePoll,
} from './internals.ts';
import { tellAliases } from './mutual-tls.ts';
import type { SystemPages } from './pages.ts';
import { phoneBehind } from './phone-behind.ts';
import { type ReadBoth, readTogether } from './read-together.ts';
import type { Registry } from './registry.ts';
import { rememberingSuccessors, successorHere } from './successors.ts';
import { TellingProvider, tellErrors } from './tell-errors.ts';
import { onlyOwnIds } from './token-ids.ts';

/** Builds a provider. Building a second one and swapping it in is how settings are reloaded; all state lives in the adapter. */
export function createProvider(
  parts: ProviderParts & {
    /** True for the first caller of a key within its seconds. */
    firstUse(key: string, seconds: number): Promise<boolean>;
    /** Told of each sign-out before the session is deleted, with its uid and its remaining seconds. */
    sessionEnded(uid: string, seconds: number, userId: string | undefined): Promise<void>;
    /** Keeps the news of a sign-out for a service until it has been told. */
    tellLogout(notice: LogoutNotice): Promise<void>;
    readBoth: ReadBoth;
    audit: Audit;
    log: Log;
  },
): Provider {
  const adapter = parts.adapter as AdapterFactory;
  const together = readTogether(tellingBusy(parts.users), tellingBusy(parts).readBoth);
  const telling = {
    ...parts,
    users: together.users,
    phones: tellingBusy(parts.phones),
    consents: tellingBusy(parts.consents),
    backchannel: tellingBusyAll(parts.backchannel),
    adapter: (model: string) => {
      const kept = limitSignIns(model, tellingBusy(adapter(model)), tellingBusy(parts.backchannel.limits));
      return together.adapter(model, onlyOwnIds(model, rememberingSuccessors(model, kept)));
    },
  };
  const provider = new TellingProvider(parts.registry().settings.server.issuer, configuration(telling));
  // Host, protocol and client address were already replaced by what the issuer and the trusted proxies say (app/koa.ts).
  provider.proxy = true;
  // Around all others: what one of them cannot do is told as well.
  tellWhenToRetry(provider, () => parts.registry().settings.readOnly.on);
  keepOurMembers(provider);
  carryPhones(provider, phoneBehind);
  nameSuccessors(provider, successorHere);
  endSessionsForGood(provider, tellingBusy(parts).sessionEnded);
  keepLogouts(provider, telling.tellLogout);
  makeReplaysAtomic(provider, tellingBusy(parts).firstUse, () => parts.clock.now());
  settleBeforePoll(provider, backchannelSettler(provider, parts.registry, telling.backchannel));
  paceDevicePolls(provider, pollingPace(parts.registry, telling.backchannel.replays));
  limitUserCodes(provider, telling.backchannel.limits, parts.pages);
  limitDeviceCodes(provider, telling.backchannel.limits);
  tellPollInterval(provider, parts.registry);
  tellNoUserCode(provider);
  passOnByOurPage(provider, parts.pages);
  tellAliases(provider, parts.registry().settings.server.mtls?.origin);
  offerOwnClaims(provider, parts.registry);
  tellErrors(provider);
  auditProvider(provider, parts.audit, parts.log);
  return provider;
}

/** What requests without a browser go through, each store of it telling in oidc-provider's words that it does not answer. */
function tellingBusyAll(world: BackchannelWorld): BackchannelWorld {
  const { records, transactions, limits, replays } = world;
  const each = Object.fromEntries(Object.entries(records).map(([name, port]) => [name, tellingBusy(port as object)]));
  return {
    ...world,
    records: each as unknown as BackchannelWorld['records'],
    transactions: tellingBusy(transactions),
    limits: tellingBusy(limits),
    replays: tellingBusy(replays),
    atomically: tellingBusy({ atomically: world.atomically }).atomically,
  };
}

/** Claims of the operator's own come and go with a reload of the clients, and this provider stays. */
function offerOwnClaims(provider: Provider, registry: () => Registry): void {
  let offered: Registry | undefined;
  provider.use((_ctx, next) => {
    const now = registry();
    if (now !== offered) offerClaims(provider, CLAIMS, now.ownClaims);
    offered = now;
    return next();
  });
}

/** The form of the library's page that sends itself (lib/response_modes/form_post.js), without what it says to who runs no script. */
const SENDS_ITSELF = /<title>Submitting Callback<[\s\S]*<form (method="post"[\s\S]*?)<noscript>/;

/**
 * Our own page in place of the library's bare one, which is English and blank where no script runs. It comes at response_mode=form_post,
 * and where somebody signs in while another person's session is open in the browser.
 */
function passOnByOurPage(provider: Provider, pages: SystemPages): void {
  provider.use(async (ctx, next) => {
    await next();
    const [, form] = (ctx.type === 'text/html' && SENDS_ITSELF.exec(String(ctx.body))) || [];
    if (form !== undefined) pages.passOn(ctx, `<form id="op.passOnForm" ${form}</form>`);
  });
}

/** The library says of every provider with CIBA that it takes a `user_code`; ours asks for the PIN on the phone instead. */
function tellNoUserCode(provider: Provider): void {
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'discovery')
      Object.assign(ctx.body as object, { backchannel_user_code_parameter_supported: false });
  });
}
