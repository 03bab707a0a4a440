// RFC 8628: a device without a keyboard shows a code, the person types it here and signs in here, the device polls.
import { type Configuration, errors, type KoaContextWithOIDC, type default as Provider } from 'oidc-provider';
import { addressKey } from '../domain/address.ts';
import type { Audit, Limits, Replays } from '../domain/ports.ts';
import type { DeviceRequest } from './internals.ts';
import type { CodeFault, SystemPages } from './pages.ts';
import { askingService, type Registry } from './registry.ts';

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

/** Seconds that a user code can be typed; section 5.1 weighs its length against its life and the tries that are left. */
const CODE_SECONDS = 600;

/** What is wrong with a code that was typed, by the name of the library's error. */
const FAULTS: { readonly [name: string]: CodeFault } = {
  NoCodeError: 'again',
  NotFoundError: 'wrong',
  ExpiredError: 'ended',
  AlreadyUsedError: 'ended',
  AbortedError: 'stopped',
};

/** `features.deviceFlow` of oidc-provider. */
export function deviceFlowFeature(registry: () => Registry, pages: SystemPages, audit: Audit): DeviceFlow {
  return {
    enabled: true,
    charset: 'base-20',
    mask: '****-****',
    userCodeInputSource: async (ctx, form, out, error) => {
      const fault = error && (FAULTS[error.name] ?? staleForm(ctx, error));
      // What was typed is not told: but for one letter it may be another person's code. `limitUserCodes` bounds how many there are.
      if (fault === 'wrong') await audit.record({ event: 'user_code_wrong', outcome: 'failure', ip: ctx.ip });
      if (!error || fault) return pages.deviceCode(ctx, xsrfOf(form), fault);
      const status = (error as { statusCode?: number }).statusCode ?? 500;
      return pages.error(ctx, {
        status,
        code: out?.error ?? 'server_error',
        ...(out?.error_description === undefined || status >= 500 ? {} : { description: out.error_description }),
      });
    },
    userCodeConfirmSource: async (ctx, form, client, _deviceInfo, userCode) =>
      pages.deviceConfirm(ctx, form, askingService(registry(), client.clientId), userCode),
    successSource: async (ctx) => pages.deviceDone(ctx, askingService(registry(), ctx.oidc.client?.clientId ?? '')),
  };
}

/** Seconds that a device code lives. */
export const deviceCodeLife = (): number => CODE_SECONDS;

/** A form of an earlier visit: nothing was looked up, and typing the code once more helps. */
function staleForm(ctx: KoaContextWithOIDC, error: Error): CodeFault | undefined {
  const early = ctx.oidc.route === 'code_verification' && !ctx.oidc.entities.DeviceCode;
  return early && error instanceof errors.InvalidRequest ? 'again' : undefined;
}

/** The library's form is a field without a label; ours needs only the value against cross-site requests. */
function xsrfOf(form: string): string {
  const found = /name="xsrf" value="([0-9a-f]+)"/.exec(form)?.[1];
  if (found === undefined) throw new Error('the form of the device flow has no xsrf value');
  return found;
}

/**
 * Counts what is typed from one address, before it is looked up (section 5.1). Right codes count too: whoever guesses could put
 * codes of their own in between.
 */
export function limitUserCodes(provider: Provider, limits: Limits, pages: SystemPages): void {
  provider.use(async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== '/device') return next();
    const verdict = await limits.take('user_code_address', addressKey(ctx.ip));
    if (verdict.ok) return next();
    ctx.set('Retry-After', String(verdict.retryAfter));
    await pages.error(ctx, { status: 429, code: 'too_many_requests', retryAfter: verdict.retryAfter });
  });
}

/** Tells the interval that we hold devices to (section 3.2). */
export function tellPollInterval(provider: Provider, registry: () => Registry): void {
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200)
      Object.assign(ctx.body as object, { interval: registry().settings.lifetimes.pollInterval });
  });
}

/** A poll that comes too quickly while nobody has answered is `slow_down` (section 3.5). */
export function pollingPace(registry: () => Registry, replays: Pick<Replays, 'first'>) {
  return async (request: DeviceRequest): Promise<void> => {
    if (request.isExpired || request.accountId !== undefined || request.error !== undefined) return;
    // A second of grace: networks do not keep time.
    const pause = Math.max(1, registry().settings.lifetimes.pollInterval - 1);
    if (!(await replays.first(`device-poll:${request.jti}`, pause))) throw new errors.SlowDown();
  };
}
