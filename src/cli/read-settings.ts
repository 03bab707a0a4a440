// Reads the settings for a command: which folder, the demo's secrets made once, and every mistake told before anything starts.
import { resolve } from 'node:path';
import { ensureDemoSecrets } from '../settings/demo-secrets.ts';
import { loadSettings } from '../settings/load.ts';
import { formatProblem } from '../settings/problems.ts';
import type { Settings } from '../settings/settings.ts';

/** The configuration folder: `--config`, else COUNTERSIGN_CONFIG, else `config` here. */
export function configurationFolder(option: string | undefined): string {
  return resolve(option ?? (process.env.COUNTERSIGN_CONFIG || 'config'));
}

/** Thrown by {@link readSettings}: the message holds one line a mistake. */
export class SettingsRefused extends Error {
  override name = 'SettingsRefused';
}

/**
 * The settings of a folder. Notes go to standard error.
 * @throws SettingsRefused with every mistake.
 */
export async function readSettings(option: string | undefined): Promise<Settings> {
  const folder = configurationFolder(option);
  await ensureDemoSecrets(folder);
  const loaded = loadSettings(folder, process.env);
  if (!loaded.ok) throw new SettingsRefused(loaded.problems.map(formatProblem).join('\n'));
  for (const note of loaded.notes) process.stderr.write(`note: ${note}\n`);
  return loaded.settings;
}
