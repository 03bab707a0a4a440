// What an authorization request says about levels, read from every place that may say it (design, decision 2).
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { type Level, requirement, type Wish } from '../domain/assurance.ts';
import type { LevelFacts } from '../domain/audit.ts';
import type { User } from '../domain/user.ts';
import type { Registry } from './registry.ts';

/** A level that holds whatever the request says. */
export type Minimum = LevelFacts['minimum'][number];

/** What the request requires. `maxAge` in seconds; `anew` where every proof must be made in this very sign-in. */
export interface Need {
  required: Level;
  wish: Wish;
  /** `wish.minimum`, each with whose rule it is. */
  minimum: readonly Minimum[];
  maxAge?: number;
  anew: boolean;
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : typeof value === 'string' ? [value] : [];

/** The acr values of an essential `acr` claim. Read from the parameter: oidc-provider overwrites its own copy with `acr_values`. */
function essentialAcr(claims: unknown): string[] {
  if (typeof claims !== 'string') return [];
  const parsed: unknown = JSON.parse(claims);
  const request = (parsed as { id_token?: { acr?: { essential?: unknown; value?: unknown; values?: unknown } | null } })
    .id_token?.acr;
  if (!request) return [];
  // What is no text is known to nobody, and refused as that: passed over, it would ask for less than was meant.
  const named = [request.value, request.values].flat().filter((value) => value !== undefined && value !== null);
  return request.essential === true
    ? named.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
    : [];
}

/** The acr values of a voluntary `acr` claim: worth as much as `acr_values`. */
function voluntaryAcr(claims: unknown): string[] {
  if (typeof claims !== 'string') return [];
  const parsed: unknown = JSON.parse(claims);
  const request = (parsed as { id_token?: { acr?: { essential?: unknown; value?: unknown; values?: unknown } | null } })
    .id_token?.acr;
  return request && request.essential !== true ? [...strings(request.value), ...strings(request.values)] : [];
}

/** Where a need is read from: the request that runs, or one that was stored. */
export interface RequestedLevels {
  params: { readonly [name: string]: unknown };
  clientId: string;
  scopes: readonly string[];
  resources: readonly string[];
}

/** The request that runs. */
export function requestedNow({ oidc }: KoaContextWithOIDC): RequestedLevels {
  return {
    params: oidc.params ?? {},
    clientId: oidc.client?.clientId ?? '',
    scopes: [...oidc.requestParamScopes],
    resources: Object.keys(oidc.resourceServers ?? {}),
  };
}

/** The levels that hold whatever the request says. */
function minimumLevels(requested: RequestedLevels, registry: Registry, user: User | undefined): Minimum[] {
  const { clientId, scopes, resources } = requested;
  const minimum: Minimum[] = [];
  const add = (from: Minimum['from'], level: string | undefined) =>
    level !== undefined && minimum.push({ from, level });
  add('client', registry.client(clientId)?.minimumLevel);
  for (const identifier of resources) {
    const resource = registry.resource(identifier);
    add('resource', resource?.level);
    for (const scope of scopes) add('scope', resource?.scopes[scope]?.level);
  }
  if (user?.alwaysSecondFactor) add('person', secondFactorLevel(registry)?.name);
  return minimum;
}

/** The lowest offered level that a password alone does not reach. */
export function secondFactorLevel(registry: Registry): Level | undefined {
  return registry.settings.levels.find(
    (level) =>
      registry.offered(level) && level.anyOf.every((methods) => methods.some((method) => method !== 'password')),
  );
}

/** What this request says about levels, before it is known whether that can be reached. */
export function askedOf(
  registry: Registry,
  user: User | undefined,
  from: RequestedLevels,
): { wish: Wish; minimum: readonly Minimum[]; maxAge?: number } {
  const { params } = from;
  const minimum = minimumLevels(from, registry, user);
  const wish: Wish = {
    essential: essentialAcr(params['claims']),
    voluntary: [...strings(params['acr_values']).flatMap((text) => text.split(' ')), ...voluntaryAcr(params['claims'])],
    minimum: minimum.map(({ level }) => level),
  };
  const maxAge = params['max_age'];
  return { wish, minimum, ...(maxAge === undefined ? {} : { maxAge: Number(maxAge) }) };
}

/**
 * What this request requires.
 * @throws UnmetAuthenticationRequirements where no way can reach what the service insists on, with `prompt=none` too.
 */
export function needOf(
  ctx: KoaContextWithOIDC,
  registry: Registry,
  user: User | undefined,
  {
    offered = registry.offered,
    from = requestedNow(ctx),
  }: { offered?: Registry['offered']; from?: RequestedLevels } = {},
): Need {
  const asked = askedOf(registry, user, from);
  const answer = requirement(registry.settings.levels, asked.wish, offered);
  if (!answer.ok) throw new errors.UnmetAuthenticationRequirements(explain(answer.why, registry, offered));
  return { ...asked, required: answer.required, anew: isAnew(ctx) };
}

/**
 * Whether every proof must be made in this very sign-in. The library makes `prompt=login` of `max_age=0`, and of a device's request
 * keeps the parameter with the code but does not read it where the person signs in.
 */
export function isAnew({ oidc }: KoaContextWithOIDC): boolean {
  const { prompt } = (oidc.entities.DeviceCode?.params ?? {}) as { prompt?: unknown };
  return oidc.prompts.has('login') || (typeof prompt === 'string' && prompt.split(' ').includes('login'));
}

function explain(why: 'unknown_acr' | 'unreachable', registry: Registry, offers: Registry['offered']): string {
  const offered = registry.settings.levels.filter(offers).flatMap((level) => level.acr);
  const start =
    why === 'unknown_acr'
      ? 'none of the essential acr values is known here'
      : 'the requested level cannot be reached here';
  return `${start}; this provider offers: ${offered.join(' ')}`;
}
