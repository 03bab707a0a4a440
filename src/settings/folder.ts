// Reads the files of a configuration folder, and finds those that nothing would read.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, readDocument } from './document.ts';
import type { Findings } from './problems.ts';
import { FILES, type FileName, FOLDERS, type FolderName } from './sections/index.ts';
import { nearest } from './spelling.ts';

/** Every file of the folder, read. */
export interface ConfigurationFolder {
  files: { readonly [name in FileName]: Document };
  folders: { readonly [name in FolderName]: Document[] };
}

const FILE_NAMES = Object.keys(FILES) as FileName[];
const FOLDER_NAMES = Object.keys(FOLDERS) as FolderName[];
const isYaml = (name: string) => /\.ya?ml$/i.test(name);

function readText(folder: string, file: string, findings: Findings): string | undefined {
  const absolute = join(folder, file);
  if (!existsSync(absolute)) return undefined;
  try {
    return readFileSync(absolute, 'utf8');
  } catch {
    findings.problems.push({ file, key: '', rule: 'cannot be read' });
    return undefined;
  }
}

function unknownFiles(folder: string, findings: Findings): void {
  const known = FILE_NAMES.map((name) => `${name}.yaml`);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) {
      const near = (FOLDER_NAMES as string[]).includes(entry.name) ? undefined : nearest(entry.name, FOLDER_NAMES);
      if (near !== undefined)
        findings.problems.push({
          file: entry.name,
          key: '',
          rule: `nothing reads this folder; did you mean "${near}"?`,
        });
    } else if (isYaml(entry.name) && !known.includes(entry.name)) {
      const near = nearest(entry.name.replace(/\.ya?ml$/i, ''), FILE_NAMES);
      const hint = near === undefined ? `files here are ${known.join(', ')}` : `did you mean "${near}.yaml"?`;
      findings.problems.push({ file: entry.name, key: '', rule: `nothing reads this file; ${hint}` });
    }
  }
}

function readMany(folder: string, name: FolderName, findings: Findings): Document[] {
  const inside = join(folder, name);
  if (!existsSync(inside) || !statSync(inside).isDirectory()) return [];
  return readdirSync(inside)
    .filter((file) => !file.startsWith('.') && isYaml(file))
    .sort()
    .flatMap((file) => {
      const path = `${name}/${file}`;
      if (!file.endsWith('.yaml')) findings.problems.push({ file: path, key: '', rule: 'the name must end in .yaml' });
      const text = readText(folder, path, findings);
      return text === undefined ? [] : [readDocument(path, text, findings)];
    });
}

/** Reads every file; undefined where there is no such folder. Syntax errors are in the findings. */
export function readFolder(folder: string, findings: Findings): ConfigurationFolder | undefined {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    findings.problems.push({ file: folder, key: '', rule: 'there is no such configuration folder' });
    return undefined;
  }
  unknownFiles(folder, findings);
  const files = Object.fromEntries(
    FILE_NAMES.map((name) => [
      name,
      readDocument(`${name}.yaml`, readText(folder, `${name}.yaml`, findings), findings),
    ]),
  );
  const folders = Object.fromEntries(FOLDER_NAMES.map((name) => [name, readMany(folder, name, findings)]));
  return { files: files as ConfigurationFolder['files'], folders: folders as ConfigurationFolder['folders'] };
}
