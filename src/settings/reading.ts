// What the resolvers of all sections share while a configuration folder is read: where it is, the environment, the secrets seen so far.
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Document } from './document.ts';
import type { Findings, Path } from './problems.ts';
import { Secret } from './secret.ts';

/** The process's environment, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a secret is for: it decides how strong it must be. */
export type SecretKind = 'passphrase' | 'key' | 'key_set' | 'url' | 'password';

/** A secret and where it was written, for the checks on strength and on reuse. */
export interface FoundSecret {
  secret: Secret;
  kind: SecretKind;
  document: Document;
  path: Path;
}

/** One reading of a configuration folder. */
export interface Reading {
  /** Absolute. */
  folder: string;
  environment: Environment;
  findings: Findings;
  /** `demo: true` on a loopback issuer. */
  demo: boolean;
  /** Absolute. */
  dataFolder: string;
  secrets: FoundSecret[];
  /** Files that variables of the environment name, absolute. */
  files: string[];
}

/** The result of looking at a variable of the environment and its `_FILE` form. */
export type FromEnvironment =
  | { ok: true; value?: string; origin?: string; file?: string }
  | { ok: false; rule: string };

/** Reads `NAME`, or the file that `NAME_FILE` names; both at once is refused. An empty variable counts as not set. */
export function fromEnvironment(environment: Environment, name: string): FromEnvironment {
  const direct = environment[name];
  const file = environment[`${name}_FILE`];
  if (direct && file) return { ok: false, rule: `${name} and ${name}_FILE are both set: keep one` };
  if (direct) return { ok: true, value: direct, origin: `env:${name}` };
  if (!file) return { ok: true };
  try {
    // From where we were started, unlike a file that the configuration names: its origin is whole, so that nobody looks in the folder for it.
    const absolute = resolve(file);
    return { ok: true, value: readFileSync(absolute, 'utf8').trim(), origin: absolute, file: absolute };
  } catch {
    return { ok: false, rule: `${name}_FILE names a file that cannot be read` };
  }
}

/** Records a mistake of the environment. Its value is never shown. */
export function environmentProblem(findings: Findings, key: string, rule: string): void {
  findings.problems.push({ file: 'environment', key, rule });
}

const REFERENCE = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;

/**
 * Whether others may touch a secret's file. Readable is noted only: orchestrators mount secrets so into a container that has one user.
 * Writable is a mistake: whoever can write it can choose our secret.
 */
export function checkFileMode(document: Document, path: Path, absolute: string): void {
  const { mode } = statSync(absolute);
  if ((mode & 0o002) !== 0)
    document.problem(path, 'everybody on this machine may change this file: take that right away (chmod o-w)');
  else if ((mode & 0o004) !== 0)
    document.note(path, 'everybody on this machine may read this file: take that right away (chmod o-rwx)');
}

function fromFile(reading: Reading, document: Document, path: Path, file: string): Secret | undefined {
  const absolute = resolve(reading.folder, file);
  try {
    const value = readFileSync(absolute, 'utf8').trim();
    checkFileMode(document, path, absolute);
    return new Secret(value, file);
  } catch {
    document.problem(path, 'names a file that cannot be read');
    return undefined;
  }
}

function inline(reading: Reading, document: Document, path: Path, written: string): Secret | undefined {
  const name = REFERENCE.exec(written)?.[1];
  if (name === undefined) {
    if (!written.includes('${')) return new Secret(written, 'inline');
    document.problem(path, `a reference is the whole value: "\${env:NAME}" with a name of letters, digits and "_"`);
    return undefined;
  }
  const found = fromEnvironment(reading.environment, name);
  if (!found.ok) document.problem(path, found.rule);
  else if (found.value === undefined) document.problem(path, `the environment has no ${name} (and no ${name}_FILE)`);
  else return new Secret(found.value, found.origin ?? `env:${name}`);
  return undefined;
}

/**
 * The secret of the keys `name` and `name_file`; undefined where neither is written or a mistake was recorded.
 * @param holder the map that has the two keys. @param path the path of that map.
 */
export function takeSecret(
  reading: Reading,
  document: Document,
  path: Path,
  name: string,
  holder: { readonly [key: string]: unknown },
  kind: SecretKind,
): Secret | undefined {
  const [written, file] = [holder[name], holder[`${name}_file`]];
  if (typeof written === 'string' && typeof file === 'string') {
    document.problem([...path, `${name}_file`], `${name} and ${name}_file are both written: keep one`);
    return undefined;
  }
  const at = [...path, typeof file === 'string' ? `${name}_file` : name];
  const secret =
    typeof file === 'string'
      ? fromFile(reading, document, at, file)
      : typeof written === 'string'
        ? inline(reading, document, at, written)
        : undefined;
  if (secret) reading.secrets.push({ secret, kind, document, path: at });
  return secret;
}
