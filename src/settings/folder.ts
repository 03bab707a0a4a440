// Reads the files of a configuration folder, and finds those that nothing would read.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Steps } from '../platform/gently.ts';
import { type Document, readDocument } from './document.ts';
import type { Memory } from './memory.ts';
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

function readText(folder: string, file: string, findings: Findings, memory?: Memory): string | undefined {
  const absolute = join(folder, file);
  try {
    return memory ? memory.read(file, absolute) : readFileSync(absolute, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
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

function* readMany(folder: string, name: FolderName, findings: Findings, memory?: Memory): Steps<Document[]> {
  const inside = join(folder, name);
  if (!existsSync(inside) || !statSync(inside).isDirectory()) return [];
  const documents: Document[] = [];
  for (const file of readdirSync(inside).sort()) {
    if (file.startsWith('.') || !isYaml(file)) continue;
    const path = `${name}/${file}`;
    if (!file.endsWith('.yaml')) findings.problems.push({ file: path, key: '', rule: 'the name must end in .yaml' });
    const text = readText(folder, path, findings, memory);
    if (text !== undefined) documents.push(readDocument(path, text, findings, memory));
    yield;
  }
  return documents;
}

/** Reads every file; undefined where there is no such folder. Syntax errors are in the findings. */
export function* readFolder(
  folder: string,
  findings: Findings,
  memory?: Memory,
): Steps<ConfigurationFolder | undefined> {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    findings.problems.push({ file: folder, key: '', rule: 'there is no such configuration folder' });
    return undefined;
  }
  unknownFiles(folder, findings);
  const files = Object.fromEntries(
    FILE_NAMES.map((name) => [
      name,
      readDocument(`${name}.yaml`, readText(folder, `${name}.yaml`, findings, memory), findings, memory),
    ]),
  ) as ConfigurationFolder['files'];
  const folders: { [name: string]: Document[] } = {};
  for (const name of FOLDER_NAMES) folders[name] = yield* readMany(folder, name, findings, memory);
  const documents = [...Object.values(files), ...Object.values(folders).flat()];
  memory?.keepOnly(new Set(documents.map(({ file }) => file)));
  return { files, folders: folders as ConfigurationFolder['folders'] };
}
