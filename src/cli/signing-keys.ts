// `countersign keys list | rotate | retire | reseal`: the signing keys that all nodes share through the database, and the secrets of keys.yaml.
import type { Command } from 'commander';
import { keepOf, type Ring, readRing, rotate } from '../app/key-ring.ts';
import { openWorld } from '../app/world.ts';
import { createLog } from '../platform/log.ts';
import { KEY_LISTS, type KeyList } from '../settings/key-lists.ts';
import type { Settings } from '../settings/settings.ts';
import { retireSigningKey } from '../storage/postgres/signing-keys.ts';
import type { ConfigCommandDeps } from './config.ts';
import { readSettings } from './read-settings.ts';
import {
  type Done,
  keyListOf,
  resealAll,
  retireFromList,
  rotateList,
  secretEntries,
  secretLines,
  withSecretKeys,
} from './secret-keys.ts';

type Parts = Parameters<typeof readRing>[0];

async function withRing<T>(
  folder: string | undefined,
  work: (parts: Parts, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = await readSettings(folder);
  const { world, database, close } = await openWorld(() => settings, createLog('warn'));
  try {
    return await work({ knex: database.knex, vault: world.vault, settings: () => settings }, settings);
  } finally {
    await close();
  }
}

const day = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ');

function lines({ entries }: Ring): string[] {
  return entries.map(({ kid, alg, use, from, signsFrom, iat }) => {
    const made = iat === undefined ? '' : `, made ${day(iat * 1000)}`;
    const since = from === 'file' ? 'keys.yaml' : `rotation, signs from ${day(signsFrom)} UTC`;
    return `${kid}  ${alg}  ${use.padEnd(9)}  ${since}${made}`;
  });
}

/** How long a new key is published before it signs, in milliseconds. */
const publishOf = ({ keys }: Settings) => (keys.rotation?.publish ?? 86_400) * 1000;

/** Adds the commands to `keys`. */
export function addSigningKeyCommands(keys: Command, deps: ConfigCommandDeps): void {
  const folder = ['--config <folder>', 'configuration folder'] as const;

  keys
    .command('list')
    .description('the signing keys and the secrets of keys.yaml: which are in use, since when, and what needs them')
    .option('--json', 'as JSON')
    .option(...folder)
    .action((options: { json?: true; config?: string }) =>
      withSecretKeys(options.config, async (secrets) => {
        const ring = await readRing({ ...secrets, settings: () => secrets.settings });
        const entries = await secretEntries(secrets);
        if (options.json) deps.print(JSON.stringify([...ring.entries, ...entries], null, 2));
        else for (const line of [...lines(ring), ...secretLines(entries)]) deps.print(line);
      }),
    );

  keys
    .command('rotate [list]')
    .description(
      'make a new signing key of each algorithm in use, published at once and signing later; or take the next step with cookies, encryption, kek or peppers',
    )
    .option(
      '--now',
      'use it at once: services that have not read a signing key, and nodes without the new secret, refuse what it makes',
    )
    .option(...folder)
    .action((word: string | undefined, options: { now?: true; config?: string }) => {
      if (word !== undefined)
        return withSecretKeys(options.config, async (secrets) =>
          say(deps, await rotateList(secrets, named(word), options.now === true)),
        );
      return withRing(options.config, async (parts, settings) => {
        const { entries } = await readRing(parts);
        const waiting = new Set(options.now ? [] : entries.filter(({ use }) => use === 'next').map(({ alg }) => alg));
        const wanted = entries.filter(({ use, alg }) => use === 'signs' && !waiting.has(alg)).map(({ alg }) => alg);
        const after = options.now ? 0 : publishOf(settings);
        const added = await rotate(parts, after, 'cli', () => wanted);
        if (added.length === 0) deps.complain('every algorithm has a key waiting already: "countersign keys list"');
        for (const kid of added) deps.print(`made ${kid}`);
        const days = Math.round((keepOf(settings) / 3_600_000) * 10) / 10;
        if (added.length > 0)
          deps.complain(
            `It signs ${options.now ? 'at once' : `in ${after / 3_600_000} hours`}; the one before stays published for ${days} hours after that.`,
          );
      });
    });

  keys
    .command('retire <kid-or-list> [id]')
    .description(
      'take a signing key out at once, on every node: what it signed is refused from then on; or a secret of a list that nothing needs any more',
    )
    .option('--now', 'a secret that is still needed too, after a leak: what stands under it is lost, and is told')
    .option(...folder)
    .action((kid: string, id: string | undefined, options: { now?: true; config?: string }) => {
      if (id !== undefined)
        return withSecretKeys(options.config, async (secrets) =>
          say(deps, await retireFromList(secrets, named(kid), id, options.now === true)),
        );
      return withRing(options.config, async (parts) => {
        const { entries } = await readRing(parts);
        const found = entries.find((entry) => entry.kid === kid);
        if (!found) throw new Error(`there is no signing key "${kid}": "countersign keys list" names them`);
        const left = entries.filter(({ alg, use }) => alg === found.alg && (use === 'next' || use === 'published'));
        if (found.use === 'signs' && left.length === 0)
          throw new Error(`${kid} is the only ${found.alg} key: run "countersign keys rotate --now" first`);
        if (!(await retireSigningKey(parts.knex, kid))) throw new Error(`${kid} is retired already`);
        deps.print(`retired ${kid}; every node leaves it out within 10 seconds`);
        if (found.from === 'file') deps.complain('Its private part still stands in keys.yaml: remove it from there.');
      });
    });

  keys
    .command('reseal')
    .description(
      'seal everything in the database under the kek in use; it can be interrupted and run again, and servers go on meanwhile',
    )
    .option(...folder)
    .action((options: { config?: string }) =>
      withSecretKeys(options.config, async (secrets) => {
        const { resealed, lost } = await resealAll(secrets, ({ what, done, of }) =>
          deps.complain(`${what}: ${done} of ${of}`),
        );
        deps.print(`${resealed} resealed`);
        for (const { what, kek, count } of lost)
          deps.complain(`${count} ${what} stand under the kek "${kek}" and cannot be opened: left as they are`);
        if (lost.length > 0) deps.exitCode(1);
      }),
    );
}

/** @throws Error where there is no such list. */
function named(word: string): KeyList {
  const list = keyListOf(word);
  if (list === undefined) throw new Error(`there is no list "${word}" in keys.yaml: there are ${KEY_LISTS.join(', ')}`);
  return list;
}

function say(deps: ConfigCommandDeps, { lines: done, next }: Done): void {
  for (const line of done) deps.print(line);
  for (const line of next) deps.complain(line);
}
