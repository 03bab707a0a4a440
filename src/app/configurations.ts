// Nodes that run on different configurations are noticed: each says by a hash which one it has in force.
import { createHash } from 'node:crypto';
import type { Log } from '../platform/log.ts';
import { Secret } from '../settings/secret.ts';
import type { Settings } from '../settings/settings.ts';
import type { State } from '../storage/state/state.ts';

/** Milliseconds between two words of a node, and seconds that one counts. */
const BEAT = 5_000;
const COUNTS = 15;
const KEY = 'configurations';

/** What may differ from node to node: where it listens, and where its files lie. */
const OWN = new Set([
  'logoFile',
  'folder',
  'file',
  'host',
  'port',
  'watch',
  'dataFolder',
  'tls',
  'logLevel',
  'reloadOnChange',
  'storage',
]);

/**
 * A hash of what a configuration makes every node do. Secrets are left out: a hash of them, seen in Redis, could be guessed at.
 */
export function configurationHash(settings: Settings): string {
  const known = hashes.get(settings);
  if (known !== undefined) return known;
  const text = JSON.stringify(settings, function (this: { [name: string]: unknown }, name, value: unknown) {
    if (OWN.has(name)) return undefined;
    if (name === 'client_secret' || this[name] instanceof Secret) return '[secret]';
    return value;
  });
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 16);
  hashes.set(settings, hash);
  return hash;
}

// With ten thousand clients it takes a tenth of a second, and it is asked for every few.
const hashes = new WeakMap<Settings, string>();

/** What is known of all nodes. */
export interface Configurations {
  /** Hashes in force, ours first. */
  inForce(): string[];
  stop(): void;
}

/** Says which configuration is in force here, again and again, and listens to the others. */
export function compareConfigurations(
  state: Pick<State, 'enlist' | 'delist' | 'members'>,
  settings: () => Settings,
  log: Log,
): Configurations {
  let mine = configurationHash(settings());
  let others: string[] = [];
  const beat = async () => {
    const now = configurationHash(settings());
    // The others with the old one say so themselves.
    if (now !== mine) await state.delist(KEY, mine);
    mine = now;
    await state.enlist(KEY, now, COUNTS);
    const found = (await state.members(KEY)).filter((hash) => hash !== now).sort();
    if (found.join() !== others.join()) {
      if (found.length > 0) log.warn({ ours: now, others: found }, 'nodes run on different configurations');
      else log.info({ ours: now }, 'all nodes run on one configuration again');
    }
    others = found;
  };
  const quietly = () =>
    beat().catch((error: unknown) => log.debug({ err: String(error) }, 'configurations not compared; trying again'));
  void quietly();
  const timer = setInterval(quietly, BEAT);
  timer.unref();
  return { inForce: () => [mine, ...others], stop: () => clearInterval(timer) };
}
