// Which secrets of keys.yaml every node knows and uses, and what in the database none of them opens.
import type { Knex } from 'knex';
import type { Vault } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';
import { type KeyIds, keyIds } from '../settings/key-lists.ts';
import type { KeySettings, Settings } from '../settings/settings.ts';
import { type Dependents, dependents, noteUse } from '../storage/postgres/key-uses.ts';
import { otherSecrets } from '../storage/postgres/sealed-rows.ts';
import type { State } from '../storage/state/state.ts';

/** Milliseconds between two words of a node, and seconds that one counts. */
const BEAT = 5_000;
const COUNTS = 15;
/** Words between two notes in the database, and between two looks at what nobody opens: they read whole tables. */
const NOTED = 12;
const LOOKED = 720;
const KEY = 'key-lists';

/** The secrets that running nodes know; nodes with the same ones are told once. */
export async function runningLists(state: Pick<State, 'members'>): Promise<KeyIds[]> {
  return (await state.members(KEY)).map((member) => JSON.parse(member) as KeyIds);
}

/** What stands in the database and cannot be opened or compared with what keys.yaml has, each a plain sentence. */
export async function unopened(knex: Knex, vault: Pick<Vault, 'open'>, keys: KeySettings): Promise<string[]> {
  const ids = keyIds(keys);
  const gone = (await dependents(knex)).filter(({ list, id }) => !ids[list].includes(id));
  const other = await otherSecrets(knex, vault, ids.kek);
  return [
    ...gone.map((one) => `${counted(one)} stand under the ${singular(one)} "${one.id}", which is not in keys.yaml`),
    ...other.map(
      (id) => `the kek "${id}" of keys.yaml does not open what was sealed under that name: its secret is another one`,
    ),
  ];
}

/** So many of what. */
export const counted = ({ what, count }: Pick<Dependents, 'what' | 'count'>): string => `${count} ${what}`;

const singular = ({ list }: Pick<Dependents, 'list'>) => (list === 'peppers' ? 'pepper' : list);

/** What is told of this node. */
export interface Announced {
  /** Sentences of {@link unopened}, as of the last look. */
  lost(): readonly string[];
  /** Other secrets are in force: says so, and looks anew. */
  changed(): void;
  /** Ends, when the word under way is said. */
  stop(): Promise<void>;
}

/** Says again and again which secrets are known here, notes which are in use, and looks for rows that none of them opens. */
export function announceKeys(parts: {
  state: Pick<State, 'enlist' | 'delist'>;
  knex: Knex;
  vault: Pick<Vault, 'open'>;
  settings: () => Settings;
  log: Log;
}): Announced {
  const { state, knex, vault, settings, log } = parts;
  let said: string | undefined;
  let lost: string[] = [];
  let round = 0;
  const look = async () => {
    const found = await unopened(knex, vault, settings().keys);
    if (found.length > 0 && found.join() !== lost.join()) log.warn({ lost: found }, 'what is kept cannot be opened');
    lost = found;
  };
  const beat = async () => {
    const ids = keyIds(settings().keys);
    const ours = JSON.stringify(ids);
    // Other nodes with the old ones say so themselves.
    if (said !== undefined && said !== ours) await state.delist(KEY, said);
    said = ours;
    await state.enlist(KEY, ours, COUNTS);
    const turn = round;
    round += 1;
    if (turn % NOTED === 0) await noteUse(knex, ids);
    if (turn % LOOKED === 0) await look();
  };
  let turns: Promise<unknown> = Promise.resolve();
  const next = () => {
    turns = turns
      .then(beat)
      .catch((error: unknown) => log.debug({ err: String(error) }, 'keys in use not noted; trying again'));
  };
  next();
  const timer = setInterval(next, BEAT);
  timer.unref();
  return {
    lost: () => lost,
    changed: () => {
      round = 0;
      next();
    },
    stop: async () => {
      clearInterval(timer);
      await turns;
    },
  };
}
