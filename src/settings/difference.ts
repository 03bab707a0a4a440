// What differs between two configurations, by key, with their defaults filled in and their secrets hidden.
import { createHmac } from 'node:crypto';
import { systemRandom } from '../platform/random.ts';
import { Secret } from './secret.ts';

/** One key that differs: a value that is missing is undefined. */
export interface Difference {
  key: string;
  before: unknown;
  after: unknown;
}

/** Names the entries of a list by what they are called, so that one that is added does not move all the others. */
function named(value: unknown): [string, unknown][] {
  if (!Array.isArray(value)) return Object.entries(value as object);
  return value.map((entry: unknown, index) => {
    const { metadata, identifier, name, id } = (typeof entry === 'object' && entry !== null ? entry : {}) as {
      metadata?: { client_id?: unknown };
      identifier?: unknown;
      name?: unknown;
      id?: unknown;
    };
    const called = metadata?.client_id ?? identifier ?? name ?? id;
    return [typeof called === 'string' ? called : String(index), entry];
  });
}

const isNest = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Every key that differs, in the order of the first and then of the second. Both are plain JSON. */
export function differences(before: unknown, after: unknown, key = ''): Difference[] {
  if (!isNest(before) || !isNest(after) || Array.isArray(before) !== Array.isArray(after))
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ key, before, after }];
  const [one, other] = [new Map(named(before)), new Map(named(after))];
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((name) =>
    differences(one.get(name), other.get(name), key === '' ? name : `${key}.${name}`),
  );
}

/** Stands for a secret while two configurations are compared: by a key of this process, so that it tells nothing outside. */
const KEY = systemRandom.bytes(32);
const MARK = '\u0000secret:';
const marked = (secret: string) => `${MARK}${createHmac('sha256', KEY).update(secret).digest('base64url')}`;

/** Plain JSON without where files lie, which always differs, and with a mark in place of each secret. */
function comparable(settings: unknown): unknown {
  const text = JSON.stringify(settings, function (this: { [name: string]: unknown }, name, value: unknown) {
    const raw = this[name];
    if (raw instanceof Secret) return marked(raw.reveal());
    if (name === 'client_secret' && typeof raw === 'string') return marked(raw);
    return name === 'folder' || name === 'file' ? undefined : value;
  });
  return JSON.parse(text);
}

function hidden(value: unknown, word: string): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value), (_name, inner) =>
    typeof inner === 'string' && inner.startsWith(MARK) ? word : inner,
  );
}

/** Every key that differs between two settings, or parts of them. A secret that is another one is told, and neither is shown. */
export function settingsDifferences(before: object, after: object): Difference[] {
  return differences(comparable(before), comparable(after)).map((one) => ({
    key: one.key,
    before: hidden(one.before, '[secret]'),
    after: hidden(one.after, one.before === undefined ? '[secret]' : '[another secret]'),
  }));
}
