// State in this process: bounded, swept, gone with the process. One node only.
import { type Clock, systemClock } from '../../../platform/clock.ts';
import { type Change, type Changed, checkedKey, type Figures, type Read, type State } from '../state.ts';
import { applied, holds } from './change.ts';
import { createKept, type Kept } from './kept.ts';
import { createTopics } from './topics.ts';

type Kind = Kept['kind'];

/** Options of {@link openEmbeddedState}. */
export interface EmbeddedOptions {
  clock?: Clock;
  /** Entries beyond which new ones are refused: nothing is ever evicted. */
  limit?: number;
  /** Bytes of what is kept, beyond which new entries are refused. */
  bytes?: number;
  /** Milliseconds between two sweeps of what has expired. */
  sweepEvery?: number;
}

const MEGABYTE = 1024 * 1024;

/** A {@link State} in this process. */
export function openEmbeddedState(options: EmbeddedOptions = {}): State {
  const { clock = systemClock, limit = 250_000, bytes = 256 * MEGABYTE, sweepEvery = 10_000 } = options;
  const now = () => clock.now();
  const kept = createKept({ entries: limit, bytes }, now);
  const topics = createTopics();
  const timer = setInterval(kept.sweep, sweepEvery);
  timer.unref();

  function find<K extends Kind>(key: string, kind: K): Extract<Kept, { kind: K }> | undefined {
    const entry = kept.get(checkedKey(key));
    if (!entry) return undefined;
    if (entry.expiresAt <= now()) {
      kept.forget(key);
      return undefined;
    }
    if (entry.kind !== kind) throw new TypeError(`${key.split(':')[0]}: kept as ${entry.kind}, asked as ${kind}`);
    return entry as Extract<Kept, { kind: K }>;
  }

  const keep = (key: string, entry: Kept): void => kept.set(checkedKey(key), entry);

  const until = (ttl: number) => now() + ttl * 1000;
  const reading = (fields: Map<string, string>, at = now()): Read => ({ fields: Object.fromEntries(fields), now: at });

  function change(key: string, wanted: Change): Changed {
    const record = find(key, 'record');
    if (!record) return { ok: false, now: undefined };
    // One moment for the whole move, as in a script of Redis.
    const at = now();
    if (!holds(record.fields, wanted, at)) return { ok: false, now: reading(record.fields, at) };
    applied(record.fields, wanted, at);
    kept.reweigh(key);
    for (const { topic, field, message } of wanted.tells ?? []) {
      topics.publish(field ? `${topic}${record.fields.get(field) ?? ''}` : topic, message);
    }
    return { ok: true, now: reading(record.fields, at) };
  }

  function throttle(key: string, figures: Figures, take: boolean): number {
    const at = now();
    const entry = find(key, 'throttle') ?? {
      kind: 'throttle',
      count: 0,
      blockedUntil: 0,
      expiresAt: at + figures.window,
    };
    if (entry.blockedUntil > at) return entry.blockedUntil - at;
    if (figures.block === 0 && entry.count >= figures.points) return entry.expiresAt - at;
    if (!take) return 0;
    entry.count += 1;
    if (figures.block > 0) {
      const over = entry.count - figures.points;
      if (over >= 0) entry.blockedUntil = at + Math.min(figures.block * 2 ** Math.min(over, 30), figures.maxBlock);
      if (figures.maxBlock > figures.block) entry.expiresAt = Math.max(at, entry.blockedUntil) + figures.window;
      // A block that does not double ends with the count: the next unit begins a new window.
      else if (over >= 0) entry.expiresAt = entry.blockedUntil;
    }
    keep(key, entry);
    return 0;
  }

  return {
    epoch: () => 0,
    now: async () => now(),
    get: async (key) => find(key, 'value')?.value,
    set: async (key, value, ttl) => keep(key, { kind: 'value', value, expiresAt: until(ttl) }),
    add: async (key, value, ttl) => {
      if (find(key, 'value')) return false;
      keep(key, { kind: 'value', value, expiresAt: until(ttl) });
      return true;
    },
    replace: async (key, value, ttl) => {
      if (!find(key, 'value')) return false;
      keep(key, { kind: 'value', value, expiresAt: until(ttl) });
      return true;
    },
    take: async (key) => {
      const entry = find(key, 'value');
      kept.forget(key);
      return entry?.value;
    },
    delete: async (key) => {
      const entry = kept.get(checkedKey(key));
      return kept.forget(key) && entry !== undefined && entry.expiresAt > now();
    },
    increment: async (key, ttl) => {
      const entry = find(key, 'value');
      const value = String(Number(entry?.value ?? '0') + 1);
      keep(key, { kind: 'value', value, expiresAt: entry?.expiresAt ?? until(ttl) });
      return Number(value);
    },
    write: async (key, fields, ttl, stamps = {}) => {
      // Copied: where the state is full, nothing of it is written.
      const all = new Map(find(key, 'record')?.fields);
      const at = now();
      applied(all, { sets: fields, stamps }, at);
      keep(key, { kind: 'record', fields: all, expiresAt: at + ttl * 1000 });
      return reading(all, at);
    },
    read: async (key) => {
      const record = find(key, 'record');
      return record && reading(record.fields);
    },
    change: async (key, wanted) => change(key, wanted),
    enlist: async (key, member, ttl) => {
      const index = find(key, 'index');
      const at = now();
      const members = new Map([...(index?.members ?? [])].filter(([, end]) => end > at)).set(member, until(ttl));
      keep(key, { kind: 'index', members, expiresAt: Math.max(...members.values()) });
    },
    delist: async (key, member) => {
      find(key, 'index')?.members.delete(member);
      kept.reweigh(key);
    },
    members: async (key) =>
      [...(find(key, 'index')?.members ?? [])].filter(([, end]) => end > now()).map(([name]) => name),
    throttle: async (key, figures, take) => throttle(key, figures, take),
    publish: async (topic, message) => topics.publish(checkedKey(topic), message),
    subscribe: async (topic, listener) => topics.subscribe(checkedKey(topic), listener),
    health: async () => (kept.full() < 1 ? { ok: true } : { ok: false, why: 'full' }),
    fill: kept.full,
    close: async () => {
      clearInterval(timer);
      kept.clear();
    },
  };
}
