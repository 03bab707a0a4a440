// Reads the settings for a command: which folder, the demo's secrets made once, and every mistake told before anything starts.
import { resolve } from 'node:path';
import { readAhead } from '../settings/ahead.ts';
import { ensureDemoSecrets } from '../settings/demo-secrets.ts';
import { type Loaded, loadSettings, loadSettingsGently } from '../settings/load.ts';
import type { Memory } from '../settings/memory.ts';
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

/** The settings of a folder, and the files outside its sections that they were read from, absolute. */
export interface Read {
  settings: Settings;
  files: string[];
}

/**
 * The settings of a folder.
 * @param notes `told`: on standard error. Only for commands that are about the configuration: who lists people has read them often enough.
 * @throws SettingsRefused with every mistake.
 */
export async function readSettings(
  option: string | undefined,
  notes: 'told' | 'left out' = 'left out',
): Promise<Settings> {
  const folder = configurationFolder(option);
  await ensureDemoSecrets(folder);
  return taken(loadSettings(folder, process.env), notes).settings;
}

/** The same beside requests that are answered. @param memory of the readings before. @throws SettingsRefused with every mistake. */
export async function readSettingsAgain(option: string | undefined, memory: Memory): Promise<Read> {
  const folder = configurationFolder(option);
  try {
    await readAhead(folder, memory);
    await ensureDemoSecrets(folder, memory);
    return taken(await loadSettingsGently(folder, process.env, memory), 'told');
  } finally {
    memory.readingOver();
  }
}

/** A reading says its notes where they are other ones than before. */
let said = '';

function taken(loaded: Loaded, telling: 'told' | 'left out'): Read {
  if (!loaded.ok) throw new SettingsRefused(loaded.problems.map(formatProblem).join('\n'));
  const notes = loaded.notes.map((note) => `note: ${note}\n`).join('');
  if (telling === 'told') {
    if (notes !== said) process.stderr.write(notes);
    said = notes;
  }
  return { settings: loaded.settings, files: loaded.files };
}
