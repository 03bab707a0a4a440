// `countersign keys …`: the keys and secrets of a production server, made once, never written over; signing keys listed, rotated, retired.
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../platform/clock.ts';
import { newEncryptionKeys, newSecret, newSigningKeys, writeSecretOnce } from '../settings/demo-secrets.ts';
import { type ConfigCommandDeps, chosenFolder, processDeps } from './config.ts';
import { addSigningKeyCommands } from './signing-keys.ts';

/** What a folder of secrets holds: file name and how its content is made. */
const SECRETS = {
  'signing.jwks.json': newSigningKeys,
  'encryption.jwks.json': newEncryptionKeys,
  cookies: newSecret,
  kek: newSecret,
  pepper: newSecret,
  push: newSecret,
} as const satisfies Record<string, () => string | Promise<string>>;

/** keys.yaml for these files. @param path how the configuration folder names the folder of secrets. @param id names the kek and the pepper. */
export function keysYaml(path: string, id: string): string {
  return [
    '# yaml-language-server: $schema=schema/keys.json',
    `signing_file: ${path}/signing.jwks.json`,
    `encryption_file: ${path}/encryption.jwks.json`,
    'cookies:',
    `  - secret_file: ${path}/cookies`,
    'kek:',
    `  - id: "${id}"`,
    `    secret_file: ${path}/kek`,
    'peppers:',
    `  - id: "${id}"`,
    `    secret_file: ${path}/pepper`,
    `push_file: ${path}/push`,
  ].join('\n');
}

/** The day that names a new kek and pepper. */
export const today = (): string => new Date(systemClock.now()).toISOString().slice(0, 10);

/** Makes every secret in a folder. @returns the files. @throws Error where one of them is there already. */
export async function makeSecrets(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const [name, make] of Object.entries(SECRETS)) {
    const made = await writeSecretOnce(join(folder, name), make);
    if (!made) throw new Error(`${name} appeared in ${folder} while the keys were made: nothing of it was touched`);
    files.push(join(folder, name));
  }
  return files;
}

async function generate(options: { folder: string; config?: string }, deps: ConfigCommandDeps): Promise<void> {
  const names = Object.keys(SECRETS);
  const present = names.filter((name) => existsSync(join(options.folder, name)));
  if (present.length > 0) {
    deps.complain(
      `${options.folder} already holds ${present.join(', ')}: nothing was written. Choose an empty folder with --folder.`,
    );
    deps.exitCode(1);
    return;
  }
  for (const file of await makeSecrets(options.folder)) deps.complain(`made ${file}`);
  const configuration = resolve(chosenFolder(options.config, deps.environment));
  const path = isAbsolute(options.folder) ? options.folder : relative(configuration, resolve(options.folder));
  deps.complain(
    'Keep a copy of this folder in a safe place: without the kek and the pepper no phone and no password works.',
  );
  deps.complain('Write this into keys.yaml:');
  deps.print(keysYaml(path, today()));
}

/** Adds the `keys` commands to the program. */
export function addKeyCommands(program: Command, deps: ConfigCommandDeps = processDeps): void {
  const keys = program.command('keys').description('the keys and secrets of the server');
  addSigningKeyCommands(keys, deps);
  keys
    .command('generate')
    .description('make keys and secrets (readable by their owner only) and print the keys.yaml that uses them')
    .option('--folder <folder>', 'where to', 'secrets')
    .option('--config <folder>', 'configuration folder: keys.yaml names the files relative to it')
    .action((options: { folder: string; config?: string }) => generate(options, deps));
}
