// What the in-process state keeps, within two bounds: so many entries, and so many bytes of what they hold.
import { StateUnavailable } from '../state.ts';

/** One entry. `expiresAt` in milliseconds. */
export type Kept = { expiresAt: number } & (
  | { kind: 'value'; value: string }
  | { kind: 'record'; fields: Map<string, string> }
  | { kind: 'index'; members: Map<string, number> }
  | { kind: 'throttle'; count: number; blockedUntil: number }
);

/** How much may be kept. */
export interface Bounds {
  entries: number;
  bytes: number;
}

/** What an entry, and each member of it, costs beside its texts: maps, objects, numbers. Measured (Node 20), and rounded up. */
const OVERHEAD = 300;
const EACH = 100;

/** Bytes of a text in memory: one letter beyond Latin-1 makes all of them twice as wide. */
const sizeOf = (text: string): number => (/[\u0100-\uffff]/.test(text) ? 2 * text.length : text.length);

/** Bytes of an entry, near enough. */
function weigh(key: string, entry: Kept): number {
  let held = OVERHEAD + sizeOf(key);
  if (entry.kind === 'value') held += sizeOf(entry.value);
  if (entry.kind === 'record') for (const [name, value] of entry.fields) held += EACH + name.length + sizeOf(value);
  if (entry.kind === 'index') for (const member of entry.members.keys()) held += EACH + sizeOf(member);
  return held;
}

/** Entries by their keys. Nothing is ever evicted but what has expired. @param now milliseconds. */
export function createKept(bounds: Bounds, now: () => number) {
  const entries = new Map<string, { entry: Kept; bytes: number }>();
  let bytes = 0;

  function forget(key: string): boolean {
    bytes -= entries.get(key)?.bytes ?? 0;
    return entries.delete(key);
  }

  function sweep(): void {
    const at = now();
    for (const [key, { entry }] of entries) if (entry.expiresAt <= at) forget(key);
  }

  const fits = (more: number, one: number) => bytes + more <= bounds.bytes && entries.size + one <= bounds.entries;

  return {
    get: (key: string): Kept | undefined => entries.get(key)?.entry,
    /**
     * Puts it in the place of what was there.
     * @throws StateUnavailable where it would grow beyond a bound. What takes no more room than before always fits.
     */
    set(key: string, entry: Kept): void {
      const before = entries.get(key);
      const weight = weigh(key, entry);
      const more = weight - (before?.bytes ?? 0);
      const one = before ? 0 : 1;
      if ((more > 0 || one > 0) && !fits(more, one)) {
        sweep();
        // Like Redis under `noeviction`: forgetting a used challenge would let it be used again.
        if (!fits(more, one)) throw new StateUnavailable('the in-process state is full');
      }
      entries.set(key, { entry, bytes: weight });
      bytes += more;
    },
    /** Weighs again what was changed in its place. */
    reweigh(key: string): void {
      const held = entries.get(key);
      if (!held) return;
      const weight = weigh(key, held.entry);
      bytes += weight - held.bytes;
      held.bytes = weight;
    },
    /** Whether it was there. */
    forget,
    sweep,
    /** How full it is: 1 where nothing new is taken. */
    full: (): number => Math.max(entries.size / bounds.entries, bytes / bounds.bytes),
    clear(): void {
      entries.clear();
      bytes = 0;
    },
  };
}
