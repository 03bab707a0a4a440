// The load generator: runs one flow many times, so many at once, bounded in count and in time.
import { setTimeout as wait } from 'node:timers/promises';
import type { Usage } from './processes.ts';

/** How much of one flow is run. */
export interface Amount {
  count: number;
  /** In seconds; the run ends at whichever bound comes first. */
  seconds: number;
  atOnce: number;
}

/** What one run showed. */
export interface Result {
  done: number;
  seconds: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU milliseconds per operation: the server's, the database's and Redis's. */
  cpu: { server: number; postgres: number; redis: number };
}

/** Runs a flow under load, after a warm-up that is not counted. */
export async function underLoad(flow: () => Promise<void>, amount: Amount, usage: () => Usage): Promise<Result> {
  await repeat(flow, { ...amount, count: Math.ceil(amount.count / 5), seconds: Math.min(3, amount.seconds) });
  await wait(200);
  const before = usage();
  const start = performance.now();
  const times = await repeat(flow, amount);
  const seconds = (performance.now() - start) / 1000;
  const after = usage();
  const done = times.length;
  const each = (name: keyof Usage) => (after[name] - before[name]) / done;
  times.sort((a, b) => a - b);
  return {
    done,
    seconds,
    perSecond: done / seconds,
    p50: times[Math.floor(done * 0.5)] ?? Number.NaN,
    p99: times[Math.floor(done * 0.99)] ?? Number.NaN,
    cpu: { server: each('server'), postgres: each('postgres'), redis: each('redis') },
  };
}

async function repeat(flow: () => Promise<void>, { count, seconds, atOnce }: Amount): Promise<number[]> {
  const times: number[] = [];
  const deadline = performance.now() + seconds * 1000;
  let started = 0;
  async function worker(): Promise<void> {
    while (started < count && performance.now() < deadline) {
      started += 1;
      const start = performance.now();
      await flow();
      times.push(performance.now() - start);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker));
  return times;
}
