// OpenID CIBA Core 1.0: a service asks by itself, the person answers on the phone, the service polls or is pinged.
import { type Configuration, errors, type KoaContextWithOIDC, type default as Provider } from 'oidc-provider';
import { acrFor, amrOf, authTimeOf, type Reached } from '../domain/assurance.ts';
import type { AuditEvent, LevelFacts } from '../domain/audit.ts';
import { BACKCHANNEL_LONGEST, bindingFault, reachedByPhone } from '../domain/backchannel.ts';
import type { World } from '../domain/ports.ts';
import { canonicalLogin, type User } from '../domain/user.ts';
import { askByBackchannel, type BackchannelAsked, backchannelTransaction } from '../usecases/ask-by-backchannel.ts';
import { settleBackchannel } from '../usecases/settle-backchannel.ts';
import { fact } from '../web/request.ts';
import { personOf } from './account.ts';
import type { BackchannelRequest } from './internals.ts';
import { factsOf } from './level-facts.ts';
import { askedOf, type Need, needOf, type RequestedLevels, requestedNow } from './levels-in-requests.ts';
import { phoneAmong } from './phone-behind.ts';
import { askingService, type Registry } from './registry.ts';

/** What the back-channel needs of the world. */
export type BackchannelWorld = Pick<
  World,
  'records' | 'atomically' | 'transactions' | 'limits' | 'push' | 'random' | 'vault' | 'rules' | 'clock' | 'replays'
>;

type Ciba = NonNullable<NonNullable<Configuration['features']>['ciba']>;

/** Seconds that a request is remembered to have been told as over: longer than it can still be polled. */
const ENDED = BACKCHANNEL_LONGEST + 900;

const BUSY = 'a request to this person is open, or too many were made; ask again later';

/** Why nobody is asked, as the service hears it. */
const REFUSALS: { readonly [why in Extract<BackchannelAsked, { ok: false }>['why']]: () => Error } = {
  unknown_user: () => new errors.UnknownUserId('could not identify end-user'),
  no_phone: () => denied('this person has no phone that can be asked'),
  no_number: () =>
    new errors.InvalidBindingMessage(
      'the level that is asked for needs a binding_message with one group of digits (number_digits of the device metadata), which you show to the person and which the person types into the phone',
    ),
  number_closed: () => denied('too many numbers were typed wrong; the person has to sign in with a browser first'),
  paused: () =>
    denied('the person has reported a request that was not theirs, and has to sign in with a browser first'),
  busy: () => denied(BUSY),
};

/** The error of OpenID CIBA Core section 13 for a request that is refused without asking: 403. */
function denied(description: string): Error {
  return Object.assign(new errors.AccessDenied(description), { status: 403, statusCode: 403 });
}

/** The level that a request needs, of those that a phone alone can reach. @throws UnmetAuthenticationRequirements for a higher one. */
function needByPhone(
  ctx: KoaContextWithOIDC,
  registry: Registry,
  user: User | undefined,
  from?: RequestedLevels,
): Need {
  const need = needOf(ctx, registry, user, {
    offered: (level) => registry.offered(level) && reachedByPhone(level),
    ...(from ? { from } : {}),
  });
  if (!reachedByPhone(need.required))
    throw new errors.UnmetAuthenticationRequirements('the level that is required cannot be reached by a phone alone');
  return need;
}

/** What a request needed, for the audit; without a level where none of today's is enough. */
function neededBy(ctx: KoaContextWithOIDC, registry: Registry, user: User | undefined, from: RequestedLevels) {
  try {
    return needOf(ctx, registry, user, { from });
  } catch {
    return { ...askedOf(registry, user, from), required: undefined };
  }
}

/** `features.ciba` of oidc-provider. */
export function backchannelFeature(registry: () => Registry, world: BackchannelWorld): Ciba {
  return {
    enabled: true,
    deliveryModes: ['poll', 'ping'],
    processLoginHint: async (_ctx, hint) => personByHint(world, hint ?? ''),
    processLoginHintToken: async () => {
      throw new errors.InvalidRequest('login_hint_token is not supported; use login_hint or id_token_hint');
    },
    validateBindingMessage: async (_ctx, message) => {
      const fault = bindingFault(message ?? '');
      if (fault !== undefined) throw new errors.InvalidBindingMessage(fault);
    },
    // Nothing is made of it: what the person sees comes from our own registry and from binding_message.
    validateRequestContext: async () => undefined,
    verifyUserCode: async (_ctx, _account, code) => {
      if (code !== undefined) throw new errors.InvalidRequest('user_code is not supported; the phone asks for its PIN');
    },
    triggerAuthenticationDevice: async (ctx, request, account, client) => {
      const audit = {
        requestId: fact(ctx, 'id'),
        levels: factsOf(askedOf(registry(), personOf(ctx), requestedNow(ctx))),
      };
      try {
        const need = needByPhone(ctx, registry(), personOf(ctx));
        const { levels, lifetimes } = registry().settings;
        audit.levels = { ...audit.levels, required: need.required.name };
        const token =
          client.backchannelTokenDeliveryMode === 'ping' ? request.params?.['client_notification_token'] : undefined;
        const asked = await askByBackchannel(world, {
          authReqId: request.jti,
          userId: account.accountId,
          service: askingService(registry(), client.clientId),
          level: need.required.name,
          aboveLowest: need.required !== levels[0],
          message: String(request.params?.['binding_message'] ?? ''),
          life: request.expiration,
          ...(typeof token === 'string' ? { notificationToken: token } : {}),
          audit,
        });
        if (!asked.ok) throw REFUSALS[asked.why]();
        ctx.body = { ...(ctx.body as object), interval: lifetimes.pollInterval };
      } catch (error) {
        // It is stored already, and must not stay: nobody was asked.
        await request.destroy();
        await world.records.audit.record({
          event: 'authn_level_refused',
          outcome: 'failure',
          reason: (error as { error?: string }).error ?? 'server_error',
          sub: account.accountId,
          clientId: client.clientId,
          ip: ctx.ip,
          ...audit,
          detail: { kind: 'ciba', why: (error as { error_description?: string }).error_description ?? '' },
        });
        throw error;
      }
    },
  };
}

/** A sign-in name, or an address that one person alone has. */
async function personByHint({ records }: Pick<World, 'records'>, hint: string): Promise<string | undefined> {
  const login = canonicalLogin(hint);
  const byLogin = login === undefined ? undefined : await records.users.byLogin(login);
  if (byLogin) return byLogin.state === 'active' ? byLogin.id : undefined;
  const [only, another] = login?.includes('@') ? await records.users.byEmail(login) : [];
  return only && !another && only.state === 'active' ? only.id : undefined;
}

/** Seconds that a request lives: as long as the service asks, within our bound. */
export function backchannelLife(registry: () => Registry) {
  return (ctx: KoaContextWithOIDC): number => {
    const asked = Number(ctx?.oidc?.params?.['requested_expiry']);
    const { backchannelRequest } = registry().settings.lifetimes;
    return Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, BACKCHANNEL_LONGEST) : backchannelRequest;
  };
}

/**
 * What happens before the token endpoint looks at a request that its own client asks about: too quick is `slow_down`, and an
 * approval is spent, by one caller, for the grant that the tokens come from.
 */
export function backchannelSettler(provider: Provider, registry: () => Registry, world: BackchannelWorld) {
  /** A sign-in that came to nothing is told once, by the first poll that hears of it, as one in a browser is. */
  const ended = async (ctx: KoaContextWithOIDC, request: BackchannelRequest, reason: string): Promise<void> => {
    if (!(await world.replays.first(`ciba-end:${request.jti}`, ENDED))) return;
    const user = await world.records.users.byId(request.accountId);
    const from = { params: request.params, ...requestedOf(request) };
    const { required, ...facts } = neededBy(ctx, registry(), user, from);
    await world.records.audit.record({
      event: 'authn_level_refused',
      outcome: 'failure',
      reason,
      sub: request.accountId,
      clientId: request.clientId,
      ip: ctx.ip,
      requestId: fact(ctx, 'id'),
      levels: { ...factsOf(facts), ...(required ? { required: required.name } : {}) },
      detail: { kind: 'ciba', transaction: backchannelTransaction(request.jti).id },
    });
  };
  return async (ctx: KoaContextWithOIDC, request: BackchannelRequest): Promise<void> => {
    // The library would take back what the first poll was given.
    if (request.consumed) throw new errors.InvalidGrant('backchannel authentication request already used');
    if (request.grantId) return;
    if (request.isExpired) return ended(ctx, request, 'expired_token');
    const { settings } = registry();
    // A second of grace: networks do not keep time.
    const pause = Math.max(1, settings.lifetimes.pollInterval - 1);
    if (!(await world.replays.first(`ciba-poll:${request.jti}`, pause))) throw new errors.SlowDown();
    const user = await world.records.users.byId(request.accountId);
    const from = { params: request.params, ...requestedOf(request) };
    const need = needByPhone(ctx, registry(), user, from);
    const signIn = (got: Reached) => ({
      acr: acrFor(settings.levels, need.wish, need.required, got.level),
      amr: amrOf(got.proofs),
    });
    const settled = await settleBackchannel(world, {
      authReqId: request.jti,
      userId: request.accountId,
      service: askingService(registry(), request.clientId),
      level: need.required.name,
      levels: settings.levels,
      event: (got): AuditEvent => ({
        event: 'authn_level_reached',
        outcome: 'success',
        sub: request.accountId,
        clientId: request.clientId,
        ip: ctx.ip,
        requestId: fact(ctx, 'id'),
        ...signIn(got),
        levels: {
          ...factsOf(need),
          required: need.required.name,
          reached: got.level.name,
          made: ['phone'],
        } satisfies LevelFacts,
      }),
    });
    if (!settled.ok) {
      if (settled.why === 'pending') return;
      if (settled.why === 'denied') {
        await ended(ctx, request, 'access_denied');
        throw new errors.AccessDenied('the person did not allow it');
      }
      if (settled.why === 'expired') {
        await ended(ctx, request, 'expired_token');
        throw new errors.ExpiredToken('the request was not answered in time');
      }
      throw new errors.InvalidGrant('backchannel authentication request already used');
    }
    const { got } = settled;
    request.grantId = await grantAll(provider, registry(), request);
    Object.assign(request, signIn(got));
    request.authTime = authTimeOf(got.proofs);
    const phone = phoneAmong(got.proofs);
    if (phone !== undefined) request.phone = phone;
    // Saved with its grant, so that a second use can revoke what the first has given.
    await request.save();
  };
}

function requestedOf({ scope, resource, clientId, accountId }: BackchannelRequest) {
  return {
    clientId,
    accountId,
    scopes: scope?.split(' ') ?? [],
    resources: resource === undefined ? [] : [resource].flat(),
  };
}

/** Services that may ask by themselves are first-party (settings): what they ask for is vouched for. */
async function grantAll(provider: Provider, registry: Registry, request: BackchannelRequest): Promise<string> {
  const { scopes, resources, clientId, accountId } = requestedOf(request);
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scopes.join(' '));
  const claims = Object.values(request.claims ?? {}).flatMap((one) => Object.keys(one ?? {}));
  if (claims.length > 0) grant.addOIDCClaims([...new Set(claims)]);
  for (const identifier of resources) {
    const known = Object.keys(registry.resource(identifier)?.scopes ?? {});
    const asked = scopes.filter((scope) => known.includes(scope));
    if (asked.length > 0) grant.addResourceScope(identifier, asked.join(' '));
  }
  return grant.save();
}
