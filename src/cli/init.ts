// `countersign init`: a configuration folder for production, with keys, that can be checked and served as it stands.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { originFault } from '../settings/addresses.ts';
import { writeSchemas } from '../settings/schema.ts';
import { starterFiles } from '../settings/starter.ts';
import { type ConfigCommandDeps, processDeps } from './config.ts';
import { keysYaml, makeSecrets, today } from './keys.ts';

interface InitOptions {
  issuer: string;
  appOrigin?: string;
}

/** Why nothing can be written; undefined where it can. */
function refusal(folder: string, { issuer, appOrigin }: InitOptions): string | undefined {
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0))
    return `${folder} is not an empty folder: nothing was written.`;
  const [wrong, rule] = [originFault(issuer), appOrigin === undefined ? undefined : originFault(appOrigin)];
  if (wrong !== undefined) return `--issuer ${wrong} (it is "${issuer}")`;
  return rule === undefined ? undefined : `--app-origin ${rule} (it is "${appOrigin}")`;
}

async function init(folder: string, options: InitOptions, deps: ConfigCommandDeps): Promise<void> {
  const why = refusal(folder, options);
  if (why !== undefined) {
    deps.complain(why);
    deps.exitCode(1);
    return;
  }
  const made = await makeSecrets(join(folder, 'secrets'));
  const files = { ...starterFiles(options), 'keys.yaml': `${keysYaml('secrets', today())}\n` };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // 'wx': a file that somebody else made meanwhile is not ours to write over.
    writeFileSync(join(folder, path), text, { flag: 'wx' });
  }
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  writeSchemas(join(folder, 'schema'));
  for (const path of [...Object.keys(files).map((name) => join(folder, name)), ...made]) deps.print(path);
  deps.complain(
    `Keep a copy of ${join(folder, 'secrets')} in a safe place: without it no phone and no password works.`,
  );
  deps.complain(`Next: countersign config check --config ${folder}`);
}

/** Adds `init` to the program. */
export function addInitCommand(program: Command, deps: ConfigCommandDeps = processDeps): void {
  program
    .command('init <folder>')
    .description('write a commented configuration for production, with keys, into an empty folder')
    .option('--issuer <address>', 'our own address, as browsers see it', 'https://id.example.org')
    .option('--app-origin <address>', 'the address of the phone app, where it has one of its own')
    .action((folder: string, options: InitOptions) => init(folder, options, deps));
}
