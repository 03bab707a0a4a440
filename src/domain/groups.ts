// Groups that a person is in, and attributes that the operator keeps of them: what names and values may be.

/** So many groups a person; each may stand in a token, and tokens travel in headers. */
export const MOST_GROUPS = 100;

/** So many attributes a person. */
export const MOST_ATTRIBUTES = 32;

/** A person's attributes: a text by its name. */
export interface Attributes {
  readonly [name: string]: string;
}

function plain(typed: string, most: number): string | undefined {
  const text = typed.normalize('NFC').trim();
  return text.length > 0 && text.length <= most && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text) ? text : undefined;
}

/**
 * The one spelling of a group: trimmed, NFC, capitals as they are; undefined where it cannot be one (empty, over 64 characters,
 * unseen characters, or ";", which separates groups in a CSV file).
 */
export function canonicalGroup(typed: string): string | undefined {
  return typed.includes(';') ? undefined : plain(typed, 64);
}

/** Groups in their spelling, each once, in order; undefined where one cannot be, or there are too many. */
export function canonicalGroups(typed: readonly string[]): string[] | undefined {
  const groups = typed.map(canonicalGroup);
  const each = [...new Set(groups)].sort();
  return each.length > MOST_GROUPS || each.includes(undefined) ? undefined : (each as string[]);
}

/** The form of an attribute's name. */
export const ATTRIBUTE_NAME = /^[a-z][a-z0-9_]{0,31}$/;

/** Attributes in their spelling, by name in order; undefined where a name or a value cannot be (1 to 256 characters), or there are too many. */
export function canonicalAttributes(typed: { readonly [name: string]: string }): Attributes | undefined {
  const entries = Object.entries(typed).sort(([one], [other]) => (one < other ? -1 : 1));
  if (entries.length > MOST_ATTRIBUTES) return undefined;
  const attributes: { [name: string]: string } = {};
  for (const [name, value] of entries) {
    const text = plain(value, 256);
    if (!ATTRIBUTE_NAME.test(name) || text === undefined) return undefined;
    attributes[name] = text;
  }
  return attributes;
}
