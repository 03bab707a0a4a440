// What differs between two configurations, by key, with their defaults filled in and their secrets hidden.

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
