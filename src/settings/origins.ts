// Where each setting comes from: a line of a file, a variable of the environment, or the default.
import { resolve } from 'node:path';
import { atOnce } from '../platform/gently.ts';
import type { Document } from './document.ts';
import { readSection } from './explain.ts';
import { readFolder } from './folder.ts';
import { Findings, keyPath, type Path, showValue } from './problems.ts';
import type { Environment } from './reading.ts';
import { FILES, type FileName, FOLDERS, type FolderName } from './sections/index.ts';

/** One key as the files spell it, with its value for people's eyes. */
export interface SettingOrigin {
  file: string;
  key: string;
  /** As it was written, or the default as it counts (durations in seconds); anything that may be a secret is `[secret]`. */
  value: string;
  from: 'file' | 'default' | 'environment';
  /** Where it is written; 1 is the first. */
  line?: number;
  /** The variable that has the last word, or that `${env:NAME}` names. */
  variable?: string;
}

/** Variables that win over what a file says, by file and key; the first that is set counts. */
const WINS: { readonly [file in FileName]?: { readonly [key: string]: readonly string[] } } = {
  server: { host: ['HOST'], port: ['PORT'], 'watch.port': ['WATCH_PORT'] },
  storage: {
    'database.url': ['DATABASE_URL', 'DATABASE_URL_FILE'],
    'state.url': ['REDIS_URL', 'REDIS_URL_FILE'],
  },
};
const REFERENCE = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;

type Values = { readonly [key: string]: unknown };
const isMap = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A text for people. Lists are written out where nothing in them may be a secret. */
function shown(file: string, path: Path, value: unknown): string {
  if (!Array.isArray(value)) return showValue(file, path, value) ?? '';
  const items = value.map((item) => (Array.isArray(item) ? shown(file, path, item) : showValue(file, path, item)));
  return `[${items.join(', ')}]`;
}

/** The members of a map, or of a list of maps; undefined for what is one value. */
function membersOf(value: unknown): [string | number, unknown][] | undefined {
  if (isMap(value)) return Object.entries(value);
  return Array.isArray(value) && value.some(isMap) ? value.map((item, index) => [index, item]) : undefined;
}

/** Each key of a section: what is written, and for what is not, what counts. */
function* keysOf(document: Document, written: unknown, counts: unknown, path: Path = []): Generator<SettingOrigin> {
  const { file } = document;
  const [own, all] = [membersOf(written), membersOf(counts)];
  if (own || all) {
    const [here, there] = [new Map(own), new Map(all)];
    for (const key of new Set([...there.keys(), ...here.keys()]))
      yield* keysOf(document, here.get(key), there.get(key), [...path, key]);
    return;
  }
  const key = keyPath(path);
  if (written === undefined) {
    // What has no default is not there.
    if (counts !== undefined) yield { file, key, value: shown(file, path, counts), from: 'default' };
    return;
  }
  const [, variable] = (typeof written === 'string' && REFERENCE.exec(written)) || [];
  const line = document.lineOf(path);
  yield {
    file,
    key,
    value: shown(file, path, written),
    from: 'file',
    ...(line === undefined ? {} : { line }),
    ...(variable === undefined ? {} : { variable }),
  };
}

/** The keys of a file, those in which a variable has the last word by that: then neither `key` nor `key_file` of the file counts. */
function withEnvironment(name: FileName, origins: SettingOrigin[], environment: Environment): SettingOrigin[] {
  const file = `${name}.yaml`;
  const won = Object.entries(WINS[name] ?? {}).flatMap(([key, variables]): SettingOrigin[] => {
    const variable = variables.find((one) => (environment[one] ?? '') !== '');
    if (variable === undefined) return [];
    const value = showValue(file, key.split('.'), environment[variable]) ?? '';
    return [{ file, key, value, from: 'environment', variable }];
  });
  const lost = new Set(won.flatMap(({ key }) => [key, `${key}_file`]));
  return [...origins.filter(({ key }) => !lost.has(key)), ...won];
}

/**
 * Every key that counts, file by file. Meant for a folder without mistakes; what is wrong in one is left out.
 * @param folder the configuration folder. @param environment what `${env:NAME}` and the variables that win are looked up in.
 */
export function settingOrigins(folder: string, environment: Environment): SettingOrigin[] {
  const read = atOnce(readFolder(resolve(folder), new Findings()));
  if (!read) return [];
  const files = (Object.keys(FILES) as FileName[]).flatMap((name) => {
    const document = read.files[name];
    const origins = [...keysOf(document, document.value, readSection(document, FILES[name]).value)];
    return withEnvironment(name, origins, environment);
  });
  const folders = (Object.keys(FOLDERS) as FolderName[]).flatMap((name) =>
    read.folders[name].flatMap((document) => [
      ...keysOf(document, document.value, readSection(document, FOLDERS[name]).value),
    ]),
  );
  return [...files, ...folders];
}

/** One line, in the form in which mistakes are told: `server.yaml:3: port: 3000`. */
export function formatOrigin({ file, key, value, from, line, variable }: SettingOrigin): string {
  const place = line === undefined ? file : `${file}:${line}`;
  const source = { file: variable === undefined ? '' : `  (environment ${variable})`, default: '  (default)' };
  return `${place}: ${key}: ${value}${from === 'environment' ? `  (environment ${variable})` : source[from]}`;
}
