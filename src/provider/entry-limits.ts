// Strangers can begin sign-ins and ask for device codes, and each of them is kept for a while: how many, from one address.
import Provider, { type Adapter, type AdapterPayload, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { addressKey } from '../domain/address.ts';
import type { Limits } from '../domain/ports.ts';
import { isNewSession } from './internals.ts';

const WORDS = 'too many from this address for a moment; try again';

/** Told on our own page, never by a redirect: the person can simply try again there. */
class TooMany extends errors.OIDCProviderError {
  override allow_redirect = false;
  override expose = true;
  override error_description = WORDS;
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super(429, 'temporarily_unavailable');
    this.retryAfter = retryAfter;
  }
}

/** Seconds until trying again makes sense, where an error is that too many came. */
export const waitOf = (error: unknown): number | undefined => (error instanceof TooMany ? error.retryAfter : undefined);

/** So many characters of a request are kept for one unit: whoever sends longer ones may send fewer. */
const UNIT = 4096;

/** Models of which a stranger can have one kept. */
const OPEN_TO_STRANGERS = new Set(['Interaction', 'PushedAuthorizationRequest', 'Session']);

/** Whether this is kept for somebody who has not proven anything. */
function isStrangers({ oidc }: KoaContextWithOIDC, model: string, payload: AdapterPayload): boolean {
  // The page for a device's code and the question of the sign-out keep their forms' secrets in a session of nobody.
  if (model === 'Session') return isNewSession(oidc.session) && payload.accountId === undefined;
  // The further steps of a sign-in are not counted: each spends the one before.
  if (model === 'Interaction') return oidc.route === 'authorization';
  // RFC 9126 section 2: a public client pushes without a proof, from the device of its person.
  return model === 'PushedAuthorizationRequest' && oidc.client?.clientAuthMethod === 'none';
}

/**
 * The same adapter, which counts each sign-in that begins before it is kept. What is answered without a page (a session that is enough,
 * `prompt=none`) is not kept and not counted.
 */
export function limitSignIns(model: string, adapter: Adapter, limits: Limits): Adapter {
  if (!OPEN_TO_STRANGERS.has(model)) return adapter;
  const upsert: Adapter['upsert'] = async (id, payload, expiresIn) => {
    const ctx = Provider.ctx;
    if (ctx && isStrangers(ctx, model, payload)) await take(ctx, JSON.stringify(payload).length, limits);
    return adapter.upsert(id, payload, expiresIn);
  };
  return new Proxy(adapter, {
    get: (target, name, receiver) => (name === 'upsert' ? upsert : Reflect.get(target, name, receiver)),
  });
}

async function take(ctx: KoaContextWithOIDC, length: number, limits: Limits): Promise<void> {
  for (let left = length; left > 0; left -= UNIT) {
    const verdict = await limits.take('sign_in_address', addressKey(ctx.ip));
    if (verdict.ok) continue;
    ctx.set('Retry-After', String(verdict.retryAfter));
    throw new TooMany(verdict.retryAfter);
  }
}

/** Counts the device codes that one address asks for, before anything is looked up (RFC 8628 section 3.1 needs no proof of a public client). */
export function limitDeviceCodes(provider: Provider, limits: Limits): void {
  provider.use(async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== '/device/auth') return next();
    const verdict = await limits.take('device_code_address', addressKey(ctx.ip));
    if (verdict.ok) return next();
    ctx.set('Retry-After', String(verdict.retryAfter));
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 429;
    ctx.body = { error: 'temporarily_unavailable', error_description: WORDS };
  });
}
