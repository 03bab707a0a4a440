// The prompts, in order: proofs (never shown) → login → assurance → enrol → consent. Order is a security property.
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { meets, type Proofs, reached, waysTo } from '../domain/assurance.ts';
import type { LevelFacts } from '../domain/audit.ts';
import type { OwnClaims } from '../domain/consent.ts';
import type { Devices } from '../domain/ports.ts';
import { type Clock, seconds } from '../platform/clock.ts';
import { personOf } from './account.ts';
import { levelFacts, noteLevels } from './level-facts.ts';
import { type Need, needOf } from './levels-in-requests.ts';
import { notAgreed, ownClaimsOf } from './own-claims.ts';
import type { Registry } from './registry.ts';
import { absorbProofs, claimWhatIsTrue, countingProofs, forgetGonePhone } from './session-proofs.ts';

const { Prompt, Check, base } = interactionPolicy;

/** What policy and pages share about one request; computed once by the first prompt. */
const needs = new WeakMap<KoaContextWithOIDC, Need>();

/** What the assurance page is told; stands in the interaction's `prompt.details`. */
export interface AssuranceDetails {
  level: string;
  maxAge?: number;
  /** Proofs that count already. */
  proofs: Proofs;
  /** For the audit, where the person leaves from the page. */
  facts?: LevelFacts;
}

/** Builds the interaction policy over the registry that is in force at each request. @param phones each proof by phone is of one of these. */
export function createPolicy(registry: () => Registry, clock: Clock, phones: Pick<Devices, 'byId'>) {
  const policy = base();
  const login = policy.get('login');
  const consent = policy.get('consent');
  if (!login || !consent) throw new Error('oidc-provider has no login or consent prompt');
  // Exact comparison, an endless login loop and a bypass by acr_values: ours replaces them (notes, section 2.1).
  for (const name of ['essential_acr', 'essential_acrs', 'max_age', 'no_session']) login.checks.remove(name);
  login.checks.add(passwordCheck(registry, clock), 0);
  // RFC 8252 section 8.6 asks for a consent page of native apps; the operator's own apps are vouched for by the registry.
  consent.checks.remove('native_client_prompt');
  consent.checks.add(nativeConsentCheck(registry));
  consent.checks.add(deviceConsentCheck(registry));
  consent.checks.add(ownClaimsCheck(registry));
  policy.add(proofsPrompt(registry, clock, phones), 0);
  policy.add(assurancePrompt(registry, clock), 2);
  policy.add(enrolPrompt(), 3);
  return policy;
}

/** Never prompts: takes the proofs of the last step over, refuses what cannot be met, and writes what may be claimed. */
function proofsPrompt(registry: () => Registry, clock: Clock, phones: Pick<Devices, 'byId'>) {
  return new Prompt(
    { name: 'proofs', requestable: false },
    new Check('proofs', 'proofs could not be read', async (ctx) => {
      const user = personOf(ctx);
      const now = seconds(clock);
      absorbProofs(ctx, registry(), user, clock.now());
      await forgetGonePhone(ctx, phones);
      let need: Need | undefined;
      try {
        need = needOf(ctx, registry(), user);
        if (ctx.oidc.prompts.has('enrol')) demandForEnrolment(need, registry());
      } finally {
        noteLevels(ctx, { registry: registry(), user, need, now });
      }
      needs.set(ctx, need);
      claimWhatIsTrue(ctx, registry(), need, now);
      return Check.NO_NEED_TO_PROMPT;
    }),
  );
}

/** Adding a factor asks for a fresh proof; which level the person's own page decides, since it knows their factors. */
function demandForEnrolment(need: Need, registry: Registry): void {
  need.maxAge = Math.min(need.maxAge ?? Number.POSITIVE_INFINITY, registry.settings.lifetimes.accountChange);
}

function needFor(ctx: KoaContextWithOIDC): Need {
  const need = needs.get(ctx);
  if (!need) throw new Error('the first prompt was skipped');
  return need;
}

/** Ways to what is required, each with what is missing. */
function openWays(ctx: KoaContextWithOIDC, registry: Registry, clock: Clock) {
  const need = needFor(ctx);
  const now = seconds(clock);
  return waysTo(registry.settings.levels, need.required, countingProofs(ctx, need), now, need.maxAge).filter((way) =>
    registry.offered(way.level),
  );
}

/** The login page is for the password: nobody is signed in, or no way to the level is left without a fresh one. */
function passwordCheck(registry: () => Registry, clock: Clock) {
  return new Check('no_session', 'End-User authentication is required', 'login_required', (ctx) => {
    if (!ctx.oidc.session?.accountId || !personOf(ctx)) return Check.REQUEST_PROMPT;
    const ways = openWays(ctx, registry(), clock);
    return ways.every((way) => way.missing.includes('password')) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });
}

/** Fresh MFA and step-up alike (design, decision 3). */
function assurancePrompt(registry: () => Registry, clock: Clock) {
  return new Prompt(
    { name: 'assurance', requestable: false },
    new Check(
      'level_unmet',
      'the level that is required has not been reached',
      'unmet_authentication_requirements',
      (ctx) => {
        const { levels } = registry().settings;
        const need = needFor(ctx);
        const got = reached(levels, countingProofs(ctx, need), seconds(clock), need.maxAge);
        return meets(levels, got?.level, need.required) ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT;
      },
      (ctx): { assurance: AssuranceDetails } => {
        const need = needFor(ctx);
        const { maxAge } = need;
        const proofs = countingProofs(ctx, need);
        const facts = levelFacts(ctx);
        const level = need.required.name;
        return {
          assurance: { level, proofs, ...(maxAge === undefined ? {} : { maxAge }), ...(facts ? { facts } : {}) },
        };
      },
    ),
  );
}

/** `prompt=enrol`: the service asks that the person adds a phone. */
function enrolPrompt() {
  return new Prompt({ name: 'enrol', requestable: true }, (ctx): { assurance: AssuranceDetails } => {
    const need = needFor(ctx);
    return { assurance: { level: need.required.name, proofs: countingProofs(ctx, need) } };
  });
}

function nativeConsentCheck(registry: () => Registry) {
  return new Check(
    'native_client_prompt',
    'native clients require End-User interaction',
    'interaction_required',
    (ctx) => {
      const { client, params, result } = ctx.oidc;
      const native = client?.applicationType === 'native' && params?.['response_type'] !== 'none';
      const vouched = registry().client(client?.clientId ?? '')?.firstParty ?? false;
      return native && !vouched && !result?.['consent'] ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
    },
  );
}

/**
 * At each sign-in of a device that is not the operator's own, whatever was allowed before: anybody can ask for a code in the name of a
 * client that keeps no secret, and lure the person into typing it. What the device will get stands before them then (RFC 8628 section
 * 5.4, RFC 6749 section 10.2).
 */
function deviceConsentCheck(registry: () => Registry) {
  return new Check('device_client_prompt', 'a device requires End-User interaction', 'interaction_required', (ctx) => {
    const { client, result, route } = ctx.oidc;
    const device = route === 'code_verification' || route === 'device_resume';
    const vouched = registry().client(client?.clientId ?? '')?.firstParty ?? false;
    return device && !vouched && !result?.['consent'] ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT;
  });
}

/**
 * The claims of the operator's own: the library knows what a request asks for, not what the operator makes of a scope or a resource
 * today. Never for a first-party service, which the operator vouches for.
 */
function ownClaimsCheck(registry: () => Registry) {
  const missing = ({ oidc }: KoaContextWithOIDC): OwnClaims | undefined => {
    const { clientId = '' } = oidc.client ?? {};
    if (registry().client(clientId)?.firstParty) return undefined;
    const asked = {
      clientId,
      scopes: oidc.requestParamOIDCScopes,
      claims: oidc.requestParamClaims,
      resources: Object.keys(oidc.resourceServers ?? {}),
    };
    return notAgreed(ownClaimsOf(registry(), asked), oidc.entities.Grant);
  };
  return new Check(
    'own_claims_missing',
    'claims of a scope or a resource not granted',
    'consent_required',
    (ctx) => (missing(ctx) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT),
    (ctx) => ({ missingOwnClaims: missing(ctx) }),
  );
}
