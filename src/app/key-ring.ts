// The signing keys in force on this node: those of keys.yaml and those that rotation made, the same on every node.
import type { Knex } from 'knex';
import type { JWKS } from 'oidc-provider';
import { dueAlgorithms, type KeyUse, keyUses, type RingKey } from '../domain/key-ring.ts';
import type { Vault } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';
import { newSigningKey } from '../settings/demo-secrets.ts';
import type { Settings } from '../settings/settings.ts';
import { addSigningKeys, type PrivateJwk, type StoredKey, storedKeys } from '../storage/postgres/signing-keys.ts';
import { readJwks } from './jwks.ts';

/** How often a node looks, in milliseconds: a retired key is gone everywhere by then. */
const LOOK = 10_000;

/** What the ring is made of. */
export interface RingParts {
  knex: Knex;
  vault: Vault;
  settings: () => Settings;
}

/** One key as it stands. `signsFrom` in milliseconds, 0 for keys of keys.yaml. */
export interface RingEntry {
  kid: string;
  alg: string;
  from: RingKey['from'];
  use: KeyUse;
  signsFrom: number;
  /** When it was made, seconds, where that is known. */
  iat?: number;
}

/** Every key, and the private set in the order in which oidc-provider chooses: the first of each algorithm signs. */
export interface Ring {
  entries: RingEntry[];
  jwks: JWKS;
}

/** How long a key stays published after it signed, in milliseconds: as long as any token, and any session whose ID token is a hint. */
export function keepOf({ lifetimes }: Settings): number {
  return Math.max(lifetimes.idToken, lifetimes.accessToken, lifetimes.session.absolute, 86_400) * 1000;
}

const ORDER: readonly KeyUse[] = ['signs', 'next', 'published'];

function ringKeys(
  settings: Settings,
  stored: readonly StoredKey[],
): { keys: RingKey[]; jwks: Map<string, PrivateJwk> } {
  const file = readJwks(settings.keys.signing).keys as unknown as PrivateJwk[];
  const retired = new Set(stored.filter((key) => key.retired).map(({ kid }) => kid));
  const made = stored.flatMap(({ kid, signsFrom, jwk }) => (jwk ? [{ kid, signsFrom, jwk }] : []));
  const keys: RingKey[] = [
    ...made.map(({ kid, signsFrom, jwk }) => ({ kid, alg: jwk.alg, from: 'rotation' as const, signsFrom })),
    ...file.map(({ kid, alg }) => ({ kid, alg, from: 'file' as const, signsFrom: 0, retired: retired.has(kid) })),
  ];
  const jwks = new Map([...file, ...made.map(({ jwk }) => jwk)].map((jwk) => [jwk.kid, jwk]));
  return { keys, jwks };
}

/** The ring out of what is stored. */
export function ringOf(settings: Settings, { keys: stored, now }: { keys: readonly StoredKey[]; now: number }): Ring {
  const { keys, jwks } = ringKeys(settings, stored);
  const uses = keyUses(keys, now, keepOf(settings));
  const entries = keys.map(({ kid, alg, from, signsFrom }): RingEntry => {
    const iat = jwks.get(kid)?.['iat'];
    return { kid, alg, from, signsFrom, use: uses.get(kid) ?? 'over', ...(typeof iat === 'number' ? { iat } : {}) };
  });
  const published = ORDER.flatMap((use) => entries.filter((entry) => entry.use === use));
  return { entries, jwks: { keys: published.map(({ kid }) => jwks.get(kid)) } as unknown as JWKS };
}

/** The ring as the database has it now. */
export async function readRing({ knex, vault, settings }: RingParts): Promise<Ring> {
  return ringOf(settings(), await storedKeys(knex, vault));
}

/**
 * Adds a successor for each algorithm that `wanted` names of the ring, and that has none waiting yet.
 * @param after milliseconds until they sign. @returns their kids.
 */
export async function rotate(
  { knex, vault, settings }: RingParts,
  after: number,
  actor: 'cli' | 'system',
  wanted: (ring: { keys: RingKey[]; jwks: Map<string, PrivateJwk>; now: number }) => readonly string[],
): Promise<string[]> {
  const choose = (stored: { keys: StoredKey[]; now: number }) =>
    wanted({ ...ringKeys(settings(), stored.keys), now: stored.now });
  const ready = new Map<string, PrivateJwk>();
  for (const alg of new Set(choose(await storedKeys(knex, vault)))) ready.set(alg, await newSigningKey(alg));
  if (ready.size === 0) return [];
  // Asked again under the lock: another node may have been first.
  return addSigningKeys(knex, vault, after, actor, (stored) =>
    [...new Set(choose(stored))].flatMap((alg) => ready.get(alg) ?? []),
  );
}

/** Rotates what is due by `rotation` in keys.yaml. */
export async function rotateWhenDue(parts: RingParts): Promise<string[]> {
  const { rotation } = parts.settings().keys;
  if (!rotation) return [];
  const rule = { every: rotation.every * 1000, publish: rotation.publish * 1000, keep: keepOf(parts.settings()) };
  return rotate(parts, rule.publish, 'system', ({ keys, jwks, now }) =>
    dueAlgorithms(keys, rule, now, ({ kid }) => {
      const iat = jwks.get(kid)?.['iat'];
      return typeof iat === 'number' ? iat * 1000 : undefined;
    }),
  );
}

/**
 * Looks again and again, and rotates what is due.
 * @param changed told of a ring whose keys, or their order, are others. @returns stops it.
 */
export function watchRing(
  parts: RingParts,
  first: Ring,
  log: Log,
  changed: (ring: Ring) => void,
  every = LOOK,
): () => void {
  const marked = ({ entries }: Ring) => entries.map(({ kid, use }) => `${kid} ${use}`).join();
  let last = marked(first);
  let busy = false;
  const look = async () => {
    // Made when something may be written again; meanwhile the keys that there are sign.
    const added = parts.settings().readOnly.on ? [] : await rotateWhenDue(parts);
    if (added.length > 0) log.info({ kids: added }, 'signing keys made; they are published before they sign');
    const ring = await readRing(parts);
    const mark = marked(ring);
    if (mark === last) return;
    changed(ring);
    last = mark;
    log.info({ keys: ring.entries.map(({ kid, alg, use }) => ({ kid, alg, use })) }, 'signing keys changed');
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    look()
      .catch((error: unknown) => log.warn({ err: String(error) }, 'signing keys not looked at; trying again'))
      .finally(() => {
        busy = false;
      });
  }, every);
  timer.unref();
  return () => clearInterval(timer);
}
