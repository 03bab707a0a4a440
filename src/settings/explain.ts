// Turns what the schema refuses into problems with a line and a plain rule, and keeps what is still usable for further checks.
import { z } from 'zod';
import type { Document } from './document.ts';
import type { Memory } from './memory.ts';
import { keyPath, type Path } from './problems.ts';
import { nearest } from './spelling.ts';

const TYPES: { readonly [expected: string]: string } = {
  string: 'must be text (put it in quotes)',
  number: 'must be a number',
  int: 'must be a whole number',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be a map of keys',
  record: 'must be a map of keys',
};

function size(issue: { origin: string }, amount: string): string {
  if (issue.origin === 'string') return `must have ${amount} characters`;
  if (issue.origin === 'array' || issue.origin === 'set') return `must have ${amount} entries`;
  return `must be ${amount}`;
}

/** The rule behind an issue, in plain words. A piece of a section that says its own rule comes first. */
function plainRule(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : (TYPES[issue.expected] ?? `must be ${issue.expected}`);
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' && Number(issue.minimum) === 1
        ? 'must not be empty'
        : size(issue, `at least ${issue.minimum}`);
    case 'too_big':
      return size(issue, `at most ${issue.maximum}`);
    case 'invalid_key':
      return 'is not a name that can stand here';
    case 'invalid_union':
      return 'has none of the forms that can stand here';
    default:
      return 'has the wrong form';
  }
}

/** The keys that a schema knows at a path, taken from its JSON Schema. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let node = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown> | undefined;
  for (const step of path) {
    const properties = node?.properties as Record<string, Record<string, unknown>> | undefined;
    const inner = typeof step === 'number' ? node?.items : (properties?.[step] ?? node?.additionalProperties);
    node = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : undefined;
  }
  return Object.keys((node?.properties as object | undefined) ?? {});
}

function tell(document: Document, schema: z.ZodType, issue: z.core.$ZodIssue): void {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code !== 'unrecognized_keys') {
    document.problem(path, issue.message);
    return;
  }
  const known = knownKeys(schema, path);
  for (const key of issue.keys) {
    const near = nearest(key, known);
    const hint = near === undefined ? `keys here are ${known.join(', ')}` : `did you mean "${near}"?`;
    // The value may be a secret under a misspelt name: never shown.
    document.problem([...path, key], `is not a key that we know; ${hint}`, { shown: false });
  }
}

/** The value without the top-level keys that were refused, and without unknown keys further down. */
function withoutRefused(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const copy = structuredClone(value) as Record<string, unknown>;
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      const holder = issue.path.reduce<unknown>(
        (inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step],
        copy,
      );
      for (const key of issue.keys)
        if (typeof holder === 'object' && holder !== null) Reflect.deleteProperty(holder, key);
    } else if (issue.path[0] !== undefined) Reflect.deleteProperty(copy, issue.path[0]);
  }
  return copy;
}

/** What a file says by its schema. */
export interface Read<T> {
  document: Document;
  /** What it says, without the parts that were refused; undefined where nothing is left to go on with. */
  value: T | undefined;
  /** Nothing was refused. */
  sound: boolean;
  /** Top-level keys that were refused: a check on them would only repeat it. */
  refused: ReadonlySet<string>;
}

/** The document for further checks: silent about keys that were refused already, and about all of them where nothing could be read. */
function without(document: Document, refused: ReadonlySet<string>): Document {
  const known = (path: Path) => document.readable && !refused.has(String(path[0]));
  return {
    ...document,
    problem: (path, rule, options) => known(path) && document.problem(path, rule, options),
    note: (path, text) => known(path) && document.note(path, text),
  };
}

/** Checks a file against its schema and records every mistake. */
export function readSection<S extends z.ZodType>(document: Document, schema: S, memory?: Memory): Read<z.output<S>> {
  const known = document.readable ? memory?.recallMade<z.output<S>>(document.value, schema) : undefined;
  if (known !== undefined) return { document, value: known, sound: true, refused: new Set() };
  const strict = schema.safeParse(document.value, { error: plainRule });
  if (!document.readable) {
    const defaults = schema.safeParse({});
    return { document: without(document, new Set()), value: defaults.data, sound: false, refused: new Set() };
  }
  if (strict.success) {
    memory?.keepMade(document.value, schema, strict.data);
    return { document, value: strict.data, sound: true, refused: new Set() };
  }
  for (const issue of strict.error.issues) tell(document, schema, issue);
  const refused = new Set(
    strict.error.issues
      .filter((issue) => issue.code !== 'unrecognized_keys')
      .map((issue) => keyPath(issue.path.slice(0, 1).map(String))),
  );
  const value = schema.safeParse(withoutRefused(document.value, strict.error.issues)).data;
  return { document: without(document, refused), value, sound: false, refused };
}
