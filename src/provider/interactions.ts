// How a page answers the provider: reads the interaction once, writes its result, and sends the browser on.
import type { Context as KoaContext } from 'koa';
import { errors, type KoaContextWithOIDC, type default as Provider } from 'oidc-provider';
import { amrOf, authTimeOf, type Proofs, waysTo } from '../domain/assurance.ts';
import type { ClaimRules, ClaimSources } from '../domain/claims.ts';
import type { OwnClaims } from '../domain/consent.ts';
import type { Consents } from '../domain/ports.ts';
import { type Clock, seconds } from '../platform/clock.ts';
import type { ResourceSettings } from '../settings/settings.ts';
import { consentIn } from './grants.ts';
import { agree, ownClaimsOf } from './own-claims.ts';
import type { InteractionDetails, Interactions, OwnClaim, PromptName } from './pages.ts';
import type { AssuranceDetails } from './policy.ts';
import { askingService, type Registry } from './registry.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Result = NonNullable<Interaction['result']>;

/** What stands behind details that we handed out; keeps a page from loading the interaction twice. */
const loaded = new WeakMap<InteractionDetails, Interaction>();

/** Builds the answers over the provider and registry that are in force at each request. */
export function createInteractions(
  provider: () => Provider,
  registry: () => Registry,
  clock: Clock,
  consents: Pick<Consents, 'add'>,
): Interactions {
  const read = async (ctx: KoaContext): Promise<InteractionDetails | undefined> => {
    try {
      const interaction = await provider().interactionDetails(ctx.req, ctx.res);
      // The cookie's path limits it to this interaction; a browser that sends another one's is told to start again.
      if (interaction.uid !== ctx['params']?.uid) return undefined;
      const details = detailsOf(interaction, registry(), seconds(clock));
      loaded.set(details, interaction);
      return details;
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined;
      throw error;
    }
  };
  const finish = async (details: InteractionDetails, result: Result, merge = true): Promise<string> => {
    const interaction = loaded.get(details);
    if (!interaction) throw new Error('these details did not come from this provider');
    // What oidc-provider's own interactionResult does, without loading interaction and session a second time (notes, section 3.4).
    interaction.result = merge ? { ...interaction.lastSubmission, ...result } : result;
    await interaction.persist();
    return interaction.returnTo;
  };
  const proven = (details: InteractionDetails, userId: string, proofs: Proofs): Result => {
    const last = loaded.get(details)?.lastSubmission as { login?: { accountId: string }; proofs?: Proofs } | undefined;
    // Proofs of an earlier step are another person's when the account was changed in between: never built upon.
    const mine = last?.login?.accountId === userId ? { ...last.proofs, ...proofs } : proofs;
    const login = { accountId: userId, remember: false, ts: authTimeOf(mine), amr: amrOf(mine) };
    // An approval in the middle of `enrol` opens that page; only a phone that was added answers the prompt.
    const answered = details.prompt === 'enrol' ? {} : { [details.prompt]: {} };
    return { ...answered, login, proofs: mine };
  };
  return {
    details: read,
    proveLater: (_ctx, details, userId, proofs) => finish(details, proven(details, userId, proofs)),
    prove: async (ctx, details, userId, proofs) =>
      seeOther(ctx, await finish(details, proven(details, userId, proofs))),
    enrolled: async (ctx, details) => seeOther(ctx, await finish(details, { enrol: {} })),
    grant: async (ctx, details) =>
      seeOther(ctx, await finish(details, await grantConsent(provider(), consents, loaded.get(details), details))),
    refuse: async (ctx, details, error, description) =>
      seeOther(ctx, await finish(details, { error, error_description: description }, false)),
  };
}

/** 303: the next request is a GET whatever this one was (RFC 9700 section 4.12). */
function seeOther(ctx: KoaContext, location: string): void {
  ctx.redirect(location);
  ctx.status = 303;
}

function detailsOf(interaction: Interaction, registry: Registry, now: number): InteractionDetails {
  const { params, prompt } = interaction;
  const last = interaction.lastSubmission as { login?: { accountId: string } } | undefined;
  const userId = interaction.session?.accountId ?? last?.login?.accountId;
  const assurance = prompt.details['assurance'] as AssuranceDetails | undefined;
  const proofs = assurance?.proofs ?? {};
  const level = registry.settings.levels.find((candidate) => candidate.name === assurance?.level);
  const text = (name: string) => (typeof params[name] === 'string' ? (params[name] as string) : undefined);
  const uiLocales = text('ui_locales');
  const loginHint = text('login_hint');
  const maxAge = assurance?.maxAge;
  const consent =
    prompt.name === 'consent'
      ? consentOf(toShow(interaction, registry), registry, String(params['client_id']))
      : undefined;
  const ways = level
    ? waysTo(registry.settings.levels, level, proofs, now, maxAge).filter((way) => registry.offered(way.level))
    : [];
  return {
    uid: interaction.uid,
    prompt: prompt.name as PromptName,
    reasons: prompt.reasons,
    service: askingService(registry, String(params['client_id'])),
    proofs,
    expiresAt: interaction.exp,
    ...(interaction.result ? { answered: interaction.returnTo } : {}),
    ...(uiLocales === undefined ? {} : { uiLocales }),
    ...(loginHint === undefined ? {} : { loginHint }),
    ...(userId === undefined ? {} : { userId }),
    ...(level ? { needs: { level, ways, ...(maxAge === undefined ? {} : { maxAge }) } } : {}),
    ...(consent ? { consent } : {}),
  };
}

interface MissingConsent {
  missingOIDCScope?: string[];
  missingOIDCClaims?: string[];
  missingResourceScopes?: { [identifier: string]: string[] };
  missingOwnClaims?: OwnClaims;
}

/**
 * What is asked newly; everything where nothing is new, since `prompt=consent` asks the person once more for what was allowed
 * before (OpenID Connect Core section 3.1.2.1). For a device everything too: whose it is, the person alone can know (RFC 8628 section 5.4).
 */
function toShow(interaction: Interaction, registry: Registry): MissingConsent {
  const { params } = interaction;
  const missing: MissingConsent = interaction.prompt.details;
  const device = (interaction as { deviceCode?: string }).deviceCode !== undefined;
  if (!device && Object.values(missing).some((one) => one !== undefined)) return missing;
  const asked = String(params['scope'] ?? '').split(' ');
  const missingResourceScopes: { [identifier: string]: string[] } = {};
  for (const identifier of [params['resource'] ?? []].flat().map(String)) {
    const scopes = asked.filter((scope) => Object.hasOwn(registry.resource(identifier)?.scopes ?? {}, scope));
    if (scopes.length > 0) missingResourceScopes[identifier] = scopes;
  }
  const elsewhere = new Set(Object.values(missingResourceScopes).flat());
  const { id_token = {}, userinfo = {} } = typeof params['claims'] === 'string' ? JSON.parse(params['claims']) : {};
  const scopes = asked.filter((scope) => scope !== '' && !elsewhere.has(scope));
  const claims = [...new Set([...Object.keys(id_token ?? {}), ...Object.keys(userinfo ?? {})])];
  const { client, resources } = ownClaimsOf(registry, {
    clientId: String(params['client_id']),
    scopes: new Set(scopes),
    claims: new Set(claims),
    resources: Object.keys(missingResourceScopes),
  });
  // A resource that is asked for without a scope of its own can have claims all the same.
  const missingOwnClaims = { client, resources: { ...missing.missingOwnClaims?.resources, ...resources } };
  return { missingOIDCScope: scopes, missingOIDCClaims: claims, missingResourceScopes, missingOwnClaims };
}

function consentOf(
  details: MissingConsent,
  registry: Registry,
  clientId: string,
): NonNullable<InteractionDetails['consent']> {
  const { missingOIDCScope: scopes = [], missingOIDCClaims: claims = [], missingResourceScopes = {} } = details;
  const { client = {}, resources = {} } = details.missingOwnClaims ?? {};
  const rules = registry.client(clientId)?.claims ?? {};
  return {
    scopes,
    claims: claims.filter((claim) => !Object.hasOwn(rules, claim)),
    own: ownClaims(rules, client),
    // A resource can have new claims where none of its scopes is new.
    resources: Object.keys({ ...missingResourceScopes, ...resources }).map((identifier) => {
      const resource = registry.resource(identifier);
      return {
        name: resource?.name ?? identifier,
        scopes: (missingResourceScopes[identifier] ?? []).map((name) => ({
          name,
          ...described(resource?.scopes, name),
        })),
        claims: ownClaims(resource?.claims ?? {}, resources[identifier] ?? {}),
      };
    }),
  };
}

/** Those that are asked for, in the words of the file of today. */
function ownClaims(rules: ClaimRules, asked: ClaimSources): OwnClaim[] {
  return Object.entries(rules)
    .filter(([name]) => Object.hasOwn(asked, name))
    .map(([name, { from, description }]) => ({
      name,
      groups: from === 'groups',
      ...(description === undefined ? {} : { description }),
    }));
}

/** What the operator says that a scope allows. */
function described(scopes: ResourceSettings['scopes'] | undefined, name: string): { description?: string } {
  const description = scopes && Object.hasOwn(scopes, name) ? scopes[name]?.description : undefined;
  return description === undefined ? {} : { description };
}

/** Adds what the page showed, and nothing else, to the grant. */
async function grantConsent(
  provider: Provider,
  consents: Pick<Consents, 'add'>,
  interaction: Interaction | undefined,
  details: InteractionDetails,
): Promise<Result> {
  if (!interaction || details.prompt !== 'consent' || !details.userId)
    throw new Error('there is nothing to consent to');
  const found = interaction.grantId ? await provider.Grant.find(interaction.grantId) : undefined;
  const grant = found ?? new provider.Grant({ accountId: details.userId, clientId: details.service.clientId });
  const missing = interaction.prompt.details as MissingConsent;
  if (missing.missingOIDCScope) grant.addOIDCScope(missing.missingOIDCScope.join(' '));
  if (missing.missingOIDCClaims) grant.addOIDCClaims(missing.missingOIDCClaims);
  for (const [identifier, scopes] of Object.entries(missing.missingResourceScopes ?? {})) {
    grant.addResourceScope(identifier, scopes.join(' '));
  }
  // A first-party service is vouched for, and has no record: should it stop being one, its grants are as old ones.
  if (!details.service.firstParty) agree(grant, missing.missingOwnClaims ?? { client: {}, resources: {} });
  const grantId = await grant.save();
  if (!details.service.firstParty) await consents.add(details.userId, details.service.clientId, consentIn(grant));
  return { consent: { grantId } };
}

/** The interaction that oidc-provider's own context is in, for pages that it renders itself. */
export function clientOf(ctx: KoaContextWithOIDC): string | undefined {
  return ctx.oidc?.client?.clientId ?? (ctx.oidc?.params?.['client_id'] as string | undefined);
}
