// What a node knows of itself: started, draining, which configuration is in force, and whether its stores answer.
import type { Check, Readiness, Watched } from '../api/watch.ts';
import type { Clock } from '../platform/clock.ts';
import { createMetrics, type Metrics } from '../platform/metrics.ts';
import type { Tracing } from '../platform/tracing.ts';

/** How long one look at the stores counts, in milliseconds (security page, 5.1). */
const COUNTS = 1000;
/** A reason is for people: so much of it is shown. */
const LONGEST_WHY = 2000;

/** The node's own state, written by whoever starts, reloads and stops it. */
export interface NodeWatch extends Watched {
  metrics: Metrics;
  tracing?: Tracing;
  /** Adds a check that readiness asks for. */
  check(name: string, look: () => Promise<Check>): void;
  /** Adds a check that is shown and makes no node unready. */
  tell(name: string, look: () => Check): void;
  nowStarted(): void;
  /** Readiness says no from now on, so that no new request is sent here. */
  nowDraining(): void;
  /** A configuration is in force. */
  configurationLoaded(): void;
  /** A configuration was refused; the old one stays in force. */
  configurationRefused(why: string): void;
}

/** A node that has not started yet. */
export function createNodeWatch(clock: Clock, tracing?: Tracing): NodeWatch {
  const metrics = createMetrics();
  const looks = new Map<string, () => Promise<Check>>();
  const told = new Map<string, () => Check>();
  let started = false;
  let draining = false;
  let refused: { at: string; why: string } | undefined;
  let last: { at: number; answer: Promise<Readiness> } | undefined;

  async function look(): Promise<Readiness> {
    const asked = await Promise.all(
      [...looks].map(async ([name, one]) => {
        const check = await one().catch((error: unknown): Check => ({ ok: false, why: String(error) }));
        return [name, check] as const;
      }),
    );
    return { ready: started && asked.every(([, { ok }]) => ok), checks: Object.fromEntries(asked) };
  }

  async function ready(): Promise<Readiness> {
    const now = clock.now();
    if (!last || now - last.at >= COUNTS) last = { at: now, answer: look() };
    const stores = await last.answer;
    const checks = {
      started: { ok: started },
      ...stores.checks,
      // The old configuration is in force, so requests are answered: told, and no reason to be taken out.
      ...Object.fromEntries([...told].map(([name, one]) => [name, one()])),
      configuration: refused ? { ok: false, ...refused } : { ok: true },
      draining: { ok: !draining },
    };
    return { ready: stores.ready && !draining, checks };
  }

  metrics.gauge('countersign_ready', async () => ((await ready()).ready ? 1 : 0));
  metrics.gauge('countersign_configuration_refused', () => (refused ? 1 : 0));
  return {
    metrics,
    ...(tracing ? { tracing } : {}),
    started: () => started,
    ready,
    check: (name, one) => void looks.set(name, one),
    tell: (name, one) => void told.set(name, one),
    nowStarted: () => {
      started = true;
      last = undefined;
    },
    nowDraining: () => {
      draining = true;
    },
    configurationLoaded: () => {
      refused = undefined;
      metrics.configuration('loaded', clock.now());
    },
    configurationRefused: (why) => {
      const now = clock.now();
      refused = { at: new Date(now).toISOString(), why: why.slice(0, LONGEST_WHY) };
      metrics.configuration('refused', now);
    },
  };
}
