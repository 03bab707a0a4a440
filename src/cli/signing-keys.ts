// `countersign keys list | rotate | retire`: the signing keys that all nodes share through the database.
import type { Command } from 'commander';
import { keepOf, type Ring, readRing, rotate } from '../app/key-ring.ts';
import { openWorld } from '../app/world.ts';
import { createLog } from '../platform/log.ts';
import type { Settings } from '../settings/settings.ts';
import { retireSigningKey } from '../storage/postgres/signing-keys.ts';
import type { ConfigCommandDeps } from './config.ts';
import { readSettings } from './read-settings.ts';

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
    .description('the signing keys: which signs, which comes next, which are only published')
    .option('--json', 'as JSON')
    .option(...folder)
    .action((options: { json?: true; config?: string }) =>
      withRing(options.config, async (parts) => {
        const ring = await readRing(parts);
        if (options.json) deps.print(JSON.stringify(ring.entries, null, 2));
        else for (const line of lines(ring)) deps.print(line);
      }),
    );

  keys
    .command('rotate')
    .description('make a new signing key of each algorithm in use; it is published at once and signs later')
    .option('--now', 'sign with it at once: services that have not read it yet refuse tokens until they do')
    .option(...folder)
    .action((options: { now?: true; config?: string }) =>
      withRing(options.config, async (parts, settings) => {
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
      }),
    );

  keys
    .command('retire <kid>')
    .description('take a signing key out at once, on every node: what it signed is refused from then on')
    .option(...folder)
    .action((kid: string, options: { config?: string }) =>
      withRing(options.config, async (parts) => {
        const { entries } = await readRing(parts);
        const found = entries.find((entry) => entry.kid === kid);
        if (!found) throw new Error(`there is no signing key "${kid}": "countersign keys list" names them`);
        const left = entries.filter(({ alg, use }) => alg === found.alg && (use === 'next' || use === 'published'));
        if (found.use === 'signs' && left.length === 0)
          throw new Error(`${kid} is the only ${found.alg} key: run "countersign keys rotate --now" first`);
        if (!(await retireSigningKey(parts.knex, kid))) throw new Error(`${kid} is retired already`);
        deps.print(`retired ${kid}; every node leaves it out within 10 seconds`);
        if (found.from === 'file') deps.complain('Its private part still stands in keys.yaml: remove it from there.');
      }),
    );
}
