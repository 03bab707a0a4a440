// `countersign config …`: check, show, and describe a configuration folder. Starts nothing.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { ensureDemoSecrets } from '../settings/demo-secrets.ts';
import { settingsDifferences } from '../settings/difference.ts';
import { loadSettings } from '../settings/load.ts';
import { formatOrigin, type SettingOrigin, settingOrigins } from '../settings/origins.ts';
import { formatProblem } from '../settings/problems.ts';
import type { Environment } from '../settings/reading.ts';
import { reference } from '../settings/reference.ts';
import { writeSchemas } from '../settings/schema.ts';
import { methodsReach, type Settings } from '../settings/settings.ts';

/** Where the commands write and what they read: a test hands in its own. */
export interface ConfigCommandDeps {
  environment: Environment;
  print(line: string): void;
  /** Says what is wrong. */
  complain(line: string): void;
  /** Sets the code that the process ends with. */
  exitCode(code: number): void;
}

/** The process's own streams and environment. */
export const processDeps: ConfigCommandDeps = {
  environment: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  exitCode: (code) => {
    process.exitCode = code;
  },
};

/** The configuration folder of a command: `--config`, else COUNTERSIGN_CONFIG, else `config`. */
export function chosenFolder(option: string | undefined, environment: Environment): string {
  return option ?? (environment.COUNTERSIGN_CONFIG || 'config');
}

/** The settings of a folder for a command; undefined where its mistakes were told. In the demo, secrets are made as `serve` would. */
async function load(
  option: string | undefined,
  deps: ConfigCommandDeps,
): Promise<{ settings: Settings; notes: string[] } | undefined> {
  const folder = chosenFolder(option, deps.environment);
  const made = await ensureDemoSecrets(folder);
  if (made.length > 0) deps.complain(`made ${made.length} secrets for the demo in ${dirname(made[0] ?? '')}`);
  const loaded = loadSettings(folder, deps.environment);
  if (loaded.ok) return loaded;
  for (const problem of loaded.problems) deps.complain(formatProblem(problem));
  deps.complain(loaded.problems.length === 1 ? '1 mistake' : `${loaded.problems.length} mistakes`);
  deps.exitCode(1);
  return undefined;
}

function summary(settings: Settings): string[] {
  const { server, storage, levels, clients, resources, methods } = settings;
  const offered = levels.filter((level) => methodsReach(methods, level)).map((level) => level.name);
  return [
    `issuer     ${server.issuer}${server.demo ? ' (demo)' : ''}, listening on ${server.host}:${server.port}`,
    `storage    ${storage.database.kind} database, ${storage.state.kind} state`,
    `levels     ${offered.join(' < ')}`,
    `clients    ${clients.map((client) => client.metadata.client_id).join(', ') || 'none'}`,
    `resources  ${resources.map((resource) => resource.identifier).join(', ') || 'none'}`,
  ];
}

/** The settings for people's eyes: every secret is [secret], the revealed ones of clients too. */
export function shownSettings(settings: Settings): unknown {
  const clients = settings.clients.map((client) => ({
    ...client,
    metadata: { ...client.metadata, ...('client_secret' in client.metadata ? { client_secret: '[secret]' } : {}) },
  }));
  return JSON.parse(JSON.stringify({ ...settings, clients }));
}

const written = (value: unknown) => (value === undefined ? '(nothing)' : JSON.stringify(value));

/** Writes a text to a file, making its folder. */
function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Adds the `config` commands to the program. */
export function addConfigCommands(program: Command, deps: ConfigCommandDeps = processDeps): void {
  const config = program.command('config').description('check, show and describe the configuration');
  const folder = ['--config <folder>', 'configuration folder'] as const;

  config
    .command('check')
    .description('tell every mistake with file, line, key, rule and value')
    .option(...folder)
    .action(async (options: { config?: string }) => {
      const loaded = await load(options.config, deps);
      if (!loaded) return;
      for (const line of ['OK', ...summary(loaded.settings), ...loaded.notes.map((note) => `note: ${note}`)])
        deps.print(line);
    });

  config
    .command('show')
    .description('the settings as they are in effect, defaults included, secrets hidden (JSON)')
    .option(
      '--origins',
      'each key as the files spell it, with its line, "default" (durations in seconds), or the variable that it comes from',
    )
    .option('--json', 'with --origins too as JSON')
    .option(...folder)
    .action(async (options: { config?: string; origins?: true; json?: true }) => {
      const loaded = await load(options.config, deps);
      if (!loaded) return;
      const shown = options.origins
        ? settingOrigins(chosenFolder(options.config, deps.environment), deps.environment)
        : shownSettings(loaded.settings);
      if (!options.origins || options.json) deps.print(JSON.stringify(shown, null, 2));
      else {
        for (const origin of shown as SettingOrigin[]) deps.print(formatOrigin(origin));
        // PORT and DEMO_PORT move addresses that stand in files.
        for (const note of loaded.notes.filter((one) => one.startsWith('environment:'))) deps.print(`note: ${note}`);
      }
    });

  config
    .command('diff <other>')
    .description(
      'what another configuration folder would change, key by key, secrets hidden; ends with 1 where something does',
    )
    .option(...folder)
    .option('--json', 'as JSON')
    .action(async (other: string, options: { config?: string; json?: true }) => {
      const before = await load(options.config, deps);
      const after = before && (await load(other, deps));
      if (!before || !after) return;
      const found = settingsDifferences(before.settings, after.settings);
      if (options.json) deps.print(JSON.stringify(found, null, 2));
      else for (const one of found) deps.print(`${one.key}: ${written(one.before)} -> ${written(one.after)}`);
      if (found.length > 0) deps.exitCode(1);
    });

  config
    .command('schema')
    .description('write a JSON Schema for each file, for editors')
    .option(...folder)
    .option('--out <folder>', 'where to; "schema" in the configuration folder where it is missing')
    .action((options: { config?: string; out?: string }) => {
      const files = writeSchemas(options.out ?? join(chosenFolder(options.config, deps.environment), 'schema'));
      for (const file of files) deps.print(file);
    });

  config
    .command('reference')
    .description('the reference of every key, as Markdown')
    .option('--out <file>', 'write it to a file')
    .action((options: { out?: string }) => {
      if (options.out === undefined) deps.print(reference());
      else write(options.out, reference());
    });
}
