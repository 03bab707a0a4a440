// The port Limits: figures of `limits.yaml`, counted in the state. What guards a guess fails closed.
import type { LimitRule, Limits, LimitVerdict } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';
import type { Log } from '../platform/log.ts';
import type { LimitSettings } from '../settings/settings.ts';
import { openEmbeddedState } from './state/embedded/state.ts';
import type { Figures, State } from './state/state.ts';

/** Coarse limits by address: without the state they are counted in this process. All other rules refuse with the state's own error. */
const COARSE: ReadonlySet<LimitRule> = new Set([
  'password_address',
  'device_api_address',
  'sign_in_address',
  'device_code_address',
]);

function figuresOf({
  points,
  seconds,
  blockSeconds = 0,
  maxBlockSeconds = blockSeconds,
}: LimitSettings[LimitRule]): Figures {
  return { points, window: seconds * 1000, block: blockSeconds * 1000, maxBlock: maxBlockSeconds * 1000 };
}

/**
 * Limits on a state.
 * @param settings read at each use: a reload replaces it.
 */
export function createLimits(state: State, settings: () => LimitSettings, log: Log): Limits {
  const local = openEmbeddedState({ limit: 20_000 });
  // A hash: keys hold what people typed and where from.
  const keyOf = (rule: LimitRule, key: string) => `limit:${rule}:${fingerprint(key)}`;

  async function ask(rule: LimitRule, key: string, take: boolean): Promise<LimitVerdict> {
    const figures = figuresOf(settings()[rule]);
    const wait = await state.throttle(keyOf(rule, key), figures, take).catch((error: unknown) => {
      if (!COARSE.has(rule)) throw error;
      log.warn({ rule }, 'limit counted in this process: the state does not answer');
      return local.throttle(keyOf(rule, key), figures, take);
    });
    return wait === 0 ? { ok: true } : { ok: false, retryAfter: Math.ceil(wait / 1000) };
  }

  return {
    take: (rule, key) => ask(rule, key, true),
    peek: (rule, key) => ask(rule, key, false),
    async clear(rule, key) {
      await state.delete(keyOf(rule, key));
    },
  };
}
