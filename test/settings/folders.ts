// Configuration folders of a test's own, with real secrets that are made once for the whole run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { newEncryptionKeys, newSecret, newSigningKeys } from '../../src/settings/demo-secrets.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { formatProblem } from '../../src/settings/problems.ts';
import type { Environment } from '../../src/settings/reading.ts';
import type { Settings } from '../../src/settings/settings.ts';

export interface Files {
  [file: string]: string;
}

const root = mkdtempSync(join(tmpdir(), 'countersign-settings-'));
let count = 0;

// All test files of a run share the folders: they go when the process does.
process.on('exit', () => rmSync(root, { recursive: true, force: true }));

/** A folder with these files; `0600` for all of them. @returns its path. */
export function folderOf(files: Files): string {
  count += 1;
  const folder = join(root, String(count), 'config');
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o600 });
  }
  return folder;
}

let secrets: Promise<string> | undefined;

/** A folder of production secrets. */
export function productionSecrets(): Promise<string> {
  secrets ??= (async () => {
    const folder = join(root, 'secrets');
    mkdirSync(folder, { recursive: true });
    const contents = {
      signing: await newSigningKeys(),
      encryption: await newEncryptionKeys(),
      cookies: newSecret(),
      kek: newSecret(),
      pepper: newSecret(),
      client: newSecret(),
      database: `postgres://app:${newSecret()}@db.example.org/app`,
    };
    for (const [name, content] of Object.entries(contents)) {
      writeFileSync(join(folder, name), `${content}\n`, { mode: 0o600 });
    }
    return folder;
  })();
  return secrets;
}

/** The smallest production configuration, in which nothing is wrong; a case replaces files of it. */
export async function production(): Promise<Files> {
  const folder = await productionSecrets();
  return {
    'server.yaml': 'issuer: https://id.example.org\ntrusted_proxies: [10.0.0.0/8]\n',
    'mail.yaml': 'from: no-reply@example.org\ntransport:\n  kind: smtp\n  url: smtp://mail.example.org:25\n',
    'devices.yaml': 'app_origin: https://app.example.org\n',
    'keys.yaml': [
      `signing_file: ${folder}/signing`,
      `encryption_file: ${folder}/encryption`,
      'cookies:',
      `  - secret_file: ${folder}/cookies`,
      'kek:',
      '  - id: k1',
      `    secret_file: ${folder}/kek`,
      'peppers:',
      '  - id: p1',
      `    secret_file: ${folder}/pepper`,
      '',
    ].join('\n'),
    'clients/payroll.yaml': [
      'client_id: payroll',
      `client_secret_file: ${folder}/client`,
      'redirect_uris: [https://payroll.example.org/callback]',
      '',
    ].join('\n'),
  };
}

/** What loading says of the production configuration with some files replaced: one line a problem. */
export async function problemsOf(files: Files, environment: Environment = {}): Promise<string[]> {
  const loaded = loadSettings(folderOf({ ...(await production()), ...files }), environment);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

/** The settings of the production configuration with some files replaced. @throws with the problems. */
export async function settingsOf(
  files: Files,
  environment: Environment = {},
): Promise<{ settings: Settings; notes: string[] }> {
  return loadedOf(files, environment);
}

/** The same with the files that were read besides. */
export async function loadedOf(files: Files, environment: Environment = {}) {
  const loaded = loadSettings(folderOf({ ...(await production()), ...files }), environment);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded;
}
