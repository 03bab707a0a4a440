// JSON in its canonical form (RFC 8785), for the values that the protocol signs.

/** What the protocol canonicalizes: no fractions, no null. */
export type Canonical =
  | string
  | number
  | boolean
  | readonly Canonical[]
  | { readonly [name: string]: Canonical | undefined };

/**
 * The RFC 8785 text of a value: members sorted by UTF-16 code units, no white space, absent members left out.
 * @throws TypeError for a number that is not a safe integer (the protocol has none) or a lone surrogate.
 */
export function canonicalize(value: Canonical): string {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError('only safe integers are signed');
    return String(value);
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical form');
    return JSON.stringify(value);
  }
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map((item: Canonical) => canonicalize(item)).join(',')}]`;
  const object = value as { readonly [name: string]: Canonical | undefined };
  const members = Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalize(object[name] as Canonical)}`);
  return `{${members.join(',')}}`;
}
