// Exchanges the secrets of keys.yaml: a new one made and written in, moved to the front, taken out. What cannot be written is said instead.
import {
  accessSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import { systemRandom } from '../platform/random.ts';
import { DEMO_FILES, newEncryptionKeys, newSecret, writeSecretOnce } from './demo-secrets.ts';
import { type KeyList, keyIds } from './key-lists.ts';
import type { Settings } from './settings.ts';

/** A configuration folder with the settings that were read from it. */
export interface KeysPlace {
  /** Absolute. */
  folder: string;
  settings: Settings;
}

/**
 * What was done, or what is to be written by hand where a file is not ours to write: it is mounted, or the secret comes from the environment.
 * Every line is for the operator; none holds a secret.
 */
export type Exchanged = { written: true; lines: string[] } | { written: false; lines: string[] };

/** A list of keys.yaml whose entries have files of their own. */
type FileList = Exclude<KeyList, 'encryption'>;

/** What one entry of a list is called. */
const ONE = { cookies: 'cookies', encryption: 'encryption', kek: 'kek', peppers: 'pepper' } as const;

/** A name that the list does not have yet: the day, or the day with a number. */
export function freeName(taken: readonly string[], day: string): string {
  let name = day;
  for (let number = 2; taken.includes(name); number += 1) name = `${day}-${number}`;
  return name;
}

/** Makes a new secret and adds it to the list: at the end, or in front. @param name of the new one; keys that phones encrypt to name themselves. */
export async function addKey(place: KeysPlace, list: KeyList, name: string, front: boolean): Promise<Exchanged> {
  return list === 'encryption' ? addEncryptionKey(place, front) : addSecret(place, list, name, front);
}

/** Moves a secret of the list to the front. */
export function useKey(place: KeysPlace, list: KeyList, id: string): Exchanged {
  const inWords = `move ${called(list, id)} to the front of ${list}`;
  return change(
    place,
    list,
    inWords,
    (entries, index) => [entries[index], ...entries.filter((_, at) => at !== index)],
    id,
  );
}

/** Takes a secret out of the list. Its own file stays: backups that were made before may need it. */
export function dropKey(place: KeysPlace, list: KeyList, id: string): Exchanged {
  const inWords = `take ${called(list, id)} out of ${list}`;
  return change(place, list, inWords, (entries, index) => entries.filter((_, at) => at !== index), id);
}

const called = (list: KeyList, id: string) => `the ${list === 'encryption' ? 'key with the kid' : 'entry'} "${id}"`;

async function addSecret(place: KeysPlace, list: FileList, name: string, front: boolean): Promise<Exchanged> {
  const path = newFile(place, list, `${ONE[list]}-${name}`);
  if (!(await writeSecretOnce(resolve(place.folder, path), newSecret)))
    throw new Error(
      `${path} is there already and no entry of ${list}: nothing was written. Move it away, or add it to keys.yaml.`,
    );
  giveAway(resolve(place.folder, path), dirname(resolve(place.folder, path)));
  const made = `made ${path}`;
  const file = keysFile(place);
  const entry = [`  - id: "${name}"`, `    secret_file: ${path}`];
  if (!file.writable)
    return {
      written: false,
      lines: [made, `${file.why}: add this to ${list} in keys.yaml, ${front ? 'in front' : 'at the end'}:`, ...entry],
    };
  const entries = listOf(place, file.document, list);
  const fresh = file.document.createNode({ id: name, secret_file: path });
  entries.items = front ? [fresh, ...entries.items] : [...entries.items, fresh];
  writeWhole(file.path, file.document.toString({ lineWidth: 0 }));
  return { written: true, lines: [made, `wrote ${file.path}`] };
}

async function addEncryptionKey(place: KeysPlace, front: boolean): Promise<Exchanged> {
  const { keys: fresh } = JSON.parse(await newEncryptionKeys()) as { keys: { kid: string }[] };
  const file = keySetFile(place);
  const { keys } = JSON.parse(place.settings.keys.encryption.reveal()) as { keys: object[] };
  const text = JSON.stringify({ keys: front ? [...fresh, ...keys] : [...keys, ...fresh] }, null, 2);
  const made = `made ${fresh[0]?.kid}`;
  if (!file.writable) {
    const beside = newFile(place, 'encryption', `encryption-${fresh[0]?.kid}.jwks.json`);
    await writeSecretOnce(resolve(place.folder, beside), () => text);
    return { written: false, lines: [made, `${file.why}: put what stands in ${beside} in its place`] };
  }
  writeWhole(file.path, `${text}\n`);
  return { written: true, lines: [made, `wrote ${file.path}`] };
}

type Reorder = <T>(entries: readonly T[], index: number) => (T | undefined)[];

function change(place: KeysPlace, list: KeyList, inWords: string, reorder: Reorder, id: string): Exchanged {
  const index = keyIds(place.settings.keys)[list].indexOf(id);
  const present = <T>(entries: readonly T[]) => reorder(entries, index).filter((entry) => entry !== undefined) as T[];
  if (list === 'encryption') {
    const file = keySetFile(place);
    if (!file.writable) return { written: false, lines: [`${file.why}: ${inWords}`] };
    const { keys } = JSON.parse(place.settings.keys.encryption.reveal()) as { keys: object[] };
    writeWhole(file.path, `${JSON.stringify({ keys: present(keys) }, null, 2)}\n`);
    return { written: true, lines: [`wrote ${file.path}`] };
  }
  const file = keysFile(place);
  if (!file.writable) return { written: false, lines: [`${file.why}: ${inWords} in keys.yaml`] };
  const entries = listOf(place, file.document, list);
  entries.items = present(entries.items);
  writeWhole(file.path, file.document.toString({ lineWidth: 0 }));
  return { written: true, lines: [`wrote ${file.path}`] };
}

/** The list in keys.yaml; in the demo, which need not have written it, with the demo's own entry. */
function listOf({ folder, settings }: KeysPlace, document: Document, list: FileList): YAMLSeq {
  const found = document.get(list);
  if (isSeq(found)) return found;
  const file = join(settings.server.dataFolder, 'secrets', DEMO_FILES[list === 'peppers' ? 'pepper' : list]);
  const entry = { ...(list === 'cookies' ? {} : { id: 'demo' }), secret_file: relative(folder, file) };
  document.set(list, document.createNode([entry]));
  return document.get(list) as YAMLSeq;
}

type Writable<T> = ({ writable: true; path: string } & T) | { writable: false; why: string };

function keysFile({ folder }: KeysPlace): Writable<{ document: Document }> {
  const path = join(folder, 'keys.yaml');
  const why = whyNot(path);
  if (why !== undefined) return { writable: false, why };
  const document = parseDocument(existsSync(path) ? readFileSync(path, 'utf8') : '');
  if (!isMap(document.contents)) document.contents = document.createNode({}) as YAMLMap as never;
  return { writable: true, path, document };
}

function keySetFile({ folder, settings }: KeysPlace): Writable<object> {
  const { origin } = settings.keys.encryption;
  if (origin === 'inline') return { writable: false, why: 'encryption stands in keys.yaml itself' };
  if (origin.startsWith('env:'))
    return { writable: false, why: `encryption comes from ${origin.slice(4)} of the environment` };
  const path = resolve(folder, origin);
  const why = whyNot(path);
  return why === undefined ? { writable: true, path } : { writable: false, why };
}

/** Why a file is not ours to write: a link is how orchestrators mount what they keep elsewhere, and our copy would end with the next start. */
function whyNot(path: string): string | undefined {
  try {
    if (existsSync(path) && lstatSync(path).isSymbolicLink()) return `${path} is a link to where it is kept`;
    accessSync(dirname(path), constants.W_OK);
    if (existsSync(path)) accessSync(path, constants.W_OK);
    return undefined;
  } catch {
    return `${path} cannot be written`;
  }
}

/** Where a new secret goes: beside one of its list, else beside another one, else into the data folder. As keys.yaml names it. */
function newFile({ folder, settings }: KeysPlace, list: KeyList, name: string): string {
  const { keys } = settings;
  const own = list === 'encryption' ? [keys.encryption] : keys[list].map(({ secret }) => secret);
  const all = [...own, ...[keys.kek, keys.peppers, keys.cookies].flat().map(({ secret }) => secret), keys.encryption];
  const beside = all.map(({ origin }) => origin).find((origin) => origin !== 'inline' && !origin.startsWith('env:'));
  const absolute = join(
    beside === undefined ? join(settings.server.dataFolder, 'secrets') : dirname(resolve(folder, beside)),
    name,
  );
  return beside !== undefined && isAbsolute(beside) && !beside.startsWith(settings.server.dataFolder)
    ? absolute
    : relative(folder, absolute);
}

/** Appears whole or not at all, with the mode of the file before it: whoever reads it meanwhile reads the old one. */
function writeWhole(path: string, text: string): void {
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o600;
  const draft = `${path}.${systemRandom.id(6)}`;
  writeFileSync(draft, text, { mode, flag: 'wx' });
  giveAway(draft, existsSync(path) ? path : dirname(path));
  renameSync(draft, path);
}

/** Root writes for the server's own user, who could not read the file otherwise. */
function giveAway(file: string, like: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(like);
  chownSync(file, uid, gid);
}
