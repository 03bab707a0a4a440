// keys.yaml with its secrets; in the demo, what it does not name was made by ensureDemoSecrets.
import { basename, join } from 'node:path';
import { DEMO_FILES } from './demo-secrets.ts';
import type { Document } from './document.ts';
import { type Reading, type SecretKind, takeSecret } from './reading.ts';
import { Secret } from './secret.ts';
import type { KeysFile } from './sections/keys.ts';
import type { KeySettings } from './settings.ts';

const MISSING = 'is required: run "countersign keys generate", it makes the files and prints what to write here';

/** keys.yaml with the generated files of the demo in place of what it does not name. */
function withDemoFiles(file: KeysFile, dataFolder: string): KeysFile {
  const made = (name: keyof typeof DEMO_FILES) => join(dataFolder, 'secrets', DEMO_FILES[name]);
  const written = (name: 'signing' | 'encryption' | 'push') =>
    file[name] !== undefined || file[`${name}_file`] !== undefined;
  return {
    ...file,
    ...(written('signing') ? {} : { signing_file: made('signing') }),
    ...(written('encryption') ? {} : { encryption_file: made('encryption') }),
    cookies: file.cookies ?? [{ secret_file: made('cookies') }],
    kek: file.kek ?? [{ id: 'demo', secret_file: made('kek') }],
    peppers: file.peppers ?? [{ id: 'demo', secret_file: made('pepper') }],
    ...(written('push') ? {} : { push_file: made('push') }),
  };
}

function list<T extends { secret?: string | undefined; secret_file?: string | undefined }>(
  reading: Reading,
  document: Document,
  name: 'cookies' | 'kek' | 'peppers',
  entries: readonly T[] | undefined,
  kind: SecretKind,
): { entry: T; secret: Secret }[] {
  if (!entries || entries.length === 0) document.problem([name], MISSING, { shown: false });
  return (entries ?? []).flatMap((entry, index) => {
    const path = [name, index];
    if (entry.secret === undefined && entry.secret_file === undefined)
      document.problem(path, 'needs secret or secret_file', { shown: false });
    const secret = takeSecret(reading, document, path, 'secret', entry, kind);
    return secret ? [{ entry, secret }] : [];
  });
}

/** Cookie secrets carry no name into what they sign, and so need none; one without is called as what it came from. */
function cookies(found: readonly { entry: { id?: string | undefined }; secret: Secret }[]): KeySettings['cookies'] {
  const named: KeySettings['cookies'] = [];
  for (const { entry, secret } of found) {
    const called = entry.id ?? basename(secret.origin.replace(/^env:/, ''));
    const taken = named.some(({ id }) => id === called);
    named.push({ id: taken ? `${called}-${named.length + 1}` : called, secret });
  }
  return named;
}

function keyed(
  reading: Reading,
  document: Document,
  name: 'kek' | 'peppers',
  entries: KeysFile['kek'],
): { id: string; secret: Secret }[] {
  const ids = (entries ?? []).map((entry) => entry.id);
  ids.forEach((id, index) => {
    if (ids.indexOf(id) !== index) document.problem([name, index, 'id'], 'is there twice: each key has its own id');
  });
  return list(reading, document, name, entries, 'key').map(({ entry, secret }) => ({ id: entry.id, secret }));
}

/** The keys. Each one that is missing is told; the strength of all is checked later, together. */
export function resolveKeys(reading: Reading, document: Document, written: KeysFile): KeySettings {
  const file = reading.demo ? withDemoFiles(written, reading.dataFolder) : written;
  const keySet = (name: 'signing' | 'encryption') => {
    if (file[name] === undefined && file[`${name}_file`] === undefined)
      document.problem([name], MISSING, { shown: false });
    return takeSecret(reading, document, [], name, file, 'key_set') ?? new Secret('', 'missing');
  };
  const push = takeSecret(reading, document, [], 'push', file, 'key');
  if (!push)
    document.note(['push'], 'is not set: phones are not woken ("countersign keys generate" prints how to add one)');
  return {
    signing: keySet('signing'),
    ...(file.rotation ? { rotation: file.rotation } : {}),
    encryption: keySet('encryption'),
    cookies: cookies(list(reading, document, 'cookies', file.cookies, 'passphrase')),
    kek: keyed(reading, document, 'kek', file.kek),
    peppers: keyed(reading, document, 'peppers', file.peppers),
    ...(push ? { push } : {}),
  };
}
