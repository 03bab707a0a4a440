// `countersign keys … cookies|encryption|kek|peppers`: the secrets of keys.yaml listed, exchanged step by step, sealed anew and retired.

import type { Knex } from 'knex';
import { counted, runningLists } from '../app/key-lists.ts';
import { openWorld } from '../app/world.ts';
import type { Vault } from '../domain/ports.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { addKey, dropKey, type Exchanged, freeName, type KeysPlace, useKey } from '../settings/exchange-keys.ts';
import { encryptionKeys, KEY_LISTS, type KeyIds, type KeyList, keyIds } from '../settings/key-lists.ts';
import type { Settings } from '../settings/settings.ts';
import { createAudit } from '../storage/postgres/audit.ts';
import { type Dependents, dependents, type KeyUse, keyUses } from '../storage/postgres/key-uses.ts';
import { type Resealed, type ResealProgress, reseal } from '../storage/postgres/sealed-rows.ts';
import { configurationFolder, readSettings } from './read-settings.ts';

/** What the commands work on. */
export interface SecretKeys extends KeysPlace {
  knex: Knex;
  vault: Vault;
  /** What the running nodes know. */
  running: readonly KeyIds[];
}

/** Opens the storage for one command. */
export async function withSecretKeys<T>(
  option: string | undefined,
  work: (keys: SecretKeys) => Promise<T>,
): Promise<T> {
  const settings = await readSettings(option);
  const { world, database, state, close } = await openWorld(() => settings, createLog('warn'));
  try {
    const running = await runningLists(state);
    return await work({
      folder: configurationFolder(option),
      settings,
      knex: database.knex,
      vault: world.vault,
      running,
    });
  } finally {
    await close();
  }
}

/** A refusal that the operator reads as one line. */
class KeysRefused extends Error {
  override name = 'KeysRefused';
}

/** The list of a word, which may also be its singular. */
export function keyListOf(word: string): KeyList | undefined {
  return KEY_LISTS.find((list) => list === word || list === `${word}s`);
}

/** `in use`: makes what is new. `waiting`: known, and never used so far. `kept`: still counts. Times in milliseconds. */
export interface SecretEntry {
  list: KeyList;
  id: string;
  use: 'in use' | 'waiting' | 'kept';
  /** When it was made (keys that phones encrypt to), or when it was first in use. */
  since?: number;
  lastUsed?: number;
  dependents: { what: string; count: number }[];
  /** How many of the configurations in force on running nodes know it. */
  known: number;
  running: number;
}

/** Every secret of keys.yaml, and names under which something stands that keys.yaml has no more (`use: 'kept'`, known to nobody). */
export async function secretEntries({ settings, knex, running }: SecretKeys): Promise<SecretEntry[]> {
  const ids = keyIds(settings.keys);
  const { uses } = await keyUses(knex);
  const below = await dependents(knex);
  const made = new Map(encryptionKeys(settings.keys).map(({ kid, iat }) => [kid, iat]));
  return KEY_LISTS.flatMap((list) =>
    ids[list].map((id, place): SecretEntry => {
      const noted = uses.find((one) => one.list === list && one.id === id);
      const iat = list === 'encryption' ? made.get(id) : undefined;
      const since = iat === undefined ? noted?.firstUsedAt : iat * 1000;
      return {
        list,
        id,
        use: place === 0 ? 'in use' : noted ? 'kept' : 'waiting',
        ...(since === undefined ? {} : { since }),
        ...(noted ? { lastUsed: noted.lastUsedAt } : {}),
        dependents: of(below, list, id).map(({ what, count }) => ({ what, count })),
        known: running.filter((node) => node[list].includes(id)).length,
        running: running.length,
      };
    }),
  );
}

const of = (all: readonly Dependents[], list: KeyList, id: string) =>
  all.filter((one) => one.list === list && one.id === id);

const minute = (milliseconds: number) => `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** As lines. */
export function secretLines(entries: readonly SecretEntry[]): string[] {
  return entries.map(({ list, id, use, since, dependents: below, known, running }) => {
    const parts = [
      ...(since === undefined ? [] : [`since ${minute(since)}`]),
      ...below.map(counted),
      ...(known < running ? [`known to ${known} of ${running} running configurations`] : []),
    ];
    return `${id}  ${list}  ${use.padEnd(9)}${parts.length === 0 ? '' : `  ${parts.join(', ')}`}`;
  });
}

/** What a command did: what was written, and what comes next. */
export interface Done {
  lines: string[];
  next: string[];
}

/**
 * The next step of an exchange: makes a new secret that every node is to know; or, where one is waiting, puts it in use. The second step is
 * refused as long as a running node does not know it: what that secret makes would be nothing to that node.
 * @param now both steps at once, after a leak.
 */
export async function rotateList(keys: SecretKeys, list: KeyList, now: boolean): Promise<Done> {
  const ids = keyIds(keys.settings.keys)[list];
  const { uses } = await keyUses(keys.knex);
  const used = new Set(uses.filter((one) => one.list === list).map(({ id }) => id));
  const waiting = ids.slice(1).find((id) => !used.has(id));
  return waiting === undefined ? begin(keys, list, now, uses) : putInUse(keys, list, waiting, now);
}

async function begin(keys: SecretKeys, list: KeyList, now: boolean, uses: readonly KeyUse[]): Promise<Done> {
  const taken = [...keyIds(keys.settings.keys)[list], ...uses.filter((one) => one.list === list).map(({ id }) => id)];
  const day = new Date(systemClock.now()).toISOString().slice(0, 10);
  const added = await addKey(keys, list, freeName(taken, day), now);
  await createAudit(keys.knex).record({ event: 'sys_key_added', outcome: 'success', actor: 'cli', detail: { list } });
  const next = now
    ? afterUse(list)
    : `Then run "countersign keys rotate ${list}" once more: it puts the new one in use when every running node knows it.`;
  return { lines: added.lines, next: [...reloadFirst(added), next] };
}

function putInUse(keys: SecretKeys, list: KeyList, id: string, now: boolean): Done {
  const unaware = keys.running.filter((node) => !node[list].includes(id)).length;
  if (unaware > 0 && !now)
    throw new KeysRefused(
      `${unaware} of ${keys.running.length} running configurations do not know "${id}" yet: bring keys.yaml and the secret to every node and reload it (SIGHUP) first`,
    );
  const moved = useKey(keys, list, id);
  return { lines: moved.lines, next: [...reloadFirst(moved), afterUse(list)] };
}

const reloadFirst = ({ written }: Exchanged) => [
  written
    ? 'Bring these files to every node that has a folder of its own, and reload the nodes (SIGHUP, or by themselves with reload_on_change).'
    : 'When that is done on every node, reload the nodes (SIGHUP).',
];

function afterUse(list: KeyList): string {
  const retire = `"countersign keys retire ${list} ID" says from when the one before may go`;
  if (list === 'kek') return `Then run "countersign keys reseal"; ${retire}.`;
  if (list === 'peppers') return `Passwords and PINs move at their next use; ${retire}, and what still needs it.`;
  return `${retire.charAt(0).toUpperCase()}${retire.slice(1)}.`;
}

/** Milliseconds for which something may count that is in no table: sessions, what enrolments and mail codes keep, offers on a page. */
function lasting(list: KeyList, { lifetimes }: Settings): number {
  if (list === 'cookies') return lifetimes.session.absolute * 1000;
  return list === 'encryption' ? 0 : 3_600_000;
}

/**
 * Takes a secret out of keys.yaml. Refused while a running node uses it, while something stands under it, and for as long as what it made may count.
 * @param now whatever is lost by it, after a leak; a kek only where nothing is sealed under it, since that is done at once by a reseal.
 */
export async function retireFromList(keys: SecretKeys, list: KeyList, id: string, now: boolean): Promise<Done> {
  const ids = keyIds(keys.settings.keys)[list];
  const known = ids.join(', ');
  if (!ids.includes(id)) throw new KeysRefused(`${list} has no "${id}": there is ${known}`);
  if (ids[0] === id) throw new KeysRefused(`"${id}" is the one in use: run "countersign keys rotate ${list}" first`);
  const users = keys.running.filter((node) => node[list][0] === id).length;
  if (users > 0)
    throw new KeysRefused(
      `${users} of ${keys.running.length} running configurations still use "${id}" for what is new: reload those nodes (SIGHUP) first`,
    );
  const reasons = await needed(keys, list, id);
  const below = of(await dependents(keys.knex), list, id);
  if (reasons.length > 0 && (!now || (list === 'kek' && below.length > 0)))
    throw new KeysRefused(`"${id}" is still needed: ${reasons.join('; ')}`);
  const dropped = dropKey(keys, list, id);
  await createAudit(keys.knex).record({
    event: 'sys_key_retired',
    outcome: 'success',
    actor: 'cli',
    detail: { list, id },
  });
  return {
    lines: dropped.lines,
    next: [
      ...(reasons.length > 0 ? [`It was still needed: ${reasons.join('; ')}.`] : []),
      ...reloadFirst(dropped),
      ...(list === 'kek' || list === 'peppers'
        ? ['Keep its secret with the backups that were made until now: they cannot be used without it.']
        : []),
    ],
  };
}

/** Why a secret must stay. */
async function needed({ settings, knex }: SecretKeys, list: KeyList, id: string): Promise<string[]> {
  const reasons = of(await dependents(knex), list, id).map(
    (one) => `${counted(one)} stand under it${list === 'kek' ? ' (run "countersign keys reseal")' : ''}`,
  );
  const pairwise = settings.clients.filter(({ metadata }) => metadata['subject_type'] === 'pairwise').length;
  if (list === 'peppers' && settings.keys.peppers.at(-1)?.id === id && pairwise > 0)
    reasons.push(
      `the pairwise subjects of ${pairwise} services are made from it, and everybody would be somebody new to them`,
    );
  const { uses, now } = await keyUses(knex);
  const last = uses.find((one) => one.list === list && one.id === id)?.lastUsedAt;
  const until = last === undefined ? 0 : last + lasting(list, settings);
  if (until > now) reasons.push(`what it made counts until ${minute(until)}`);
  return reasons;
}

/** Seals everything under the kek in use, when all running nodes know it. */
export async function resealAll(keys: SecretKeys, progress: (so: ResealProgress) => void): Promise<Resealed> {
  const [id = ''] = keyIds(keys.settings.keys).kek;
  const unaware = keys.running.filter((node) => !node.kek.includes(id)).length;
  if (unaware > 0)
    throw new KeysRefused(
      `${unaware} of ${keys.running.length} running configurations do not know the kek "${id}" yet, and could not open what is sealed under it: reload those nodes (SIGHUP) first`,
    );
  return reseal(keys.knex, keys.vault, id, progress);
}
