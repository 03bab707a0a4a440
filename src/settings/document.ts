// One YAML file with the line of every key, so that a mistake can be pointed at.
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, visit, type YAMLError } from 'yaml';
import type { Memory } from './memory.ts';
import { type Findings, keyPath, type Path, showValue } from './problems.ts';

/** Larger files are refused before they are parsed. */
const MAX_CHARACTERS = 1_000_000;

/** Plain words for the parser's codes; its own messages quote the text, which may be a secret. */
const SYNTAX: { readonly [code: string]: string } = {
  DUPLICATE_KEY: 'this key stands here twice: keep one',
  MULTIPLE_DOCS: 'one file holds one document: remove the line "---" in the middle',
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  BAD_INDENT: 'the indentation does not fit the lines above',
  BAD_ALIAS: 'this is no alias that can be read; put the text in quotes if it is none',
  MISSING_CHAR: 'a character is missing here (a closing quote, bracket or colon)',
  BLOCK_AS_IMPLICIT_KEY:
    'a map or list cannot start in the middle of a line: put the text in quotes, or start a new line',
  IMPOSSIBLE: 'this is not YAML',
  TAG_RESOLVE_FAILED: 'tags ("!name") are not used here: put the text in quotes',
};

const UNKNOWN_ALIAS = 'this "*alias" was never set by an "&anchor"; put the text in quotes if it is none';

/** A file that was read, and how mistakes in it are told. */
export interface Document {
  /** Path below the configuration folder. */
  readonly file: string;
  /** The content as plain values; an empty map where the file is missing or empty. */
  readonly value: unknown;
  /** False where the file is missing or is no YAML: then only the syntax is worth telling. */
  readonly readable: boolean;
  /** Records a mistake at a key. Pass `shown: false` to leave the value out. */
  problem(path: Path, rule: string, options?: { shown?: boolean }): void;
  /** The line of a key, from 1; of what is missing that of its nearest parent, undefined where there is no text. */
  lineOf(path: Path): number | undefined;
  /** Records something worth knowing that is no mistake. */
  note(path: Path, text: string): void;
}

/** Where a key stands: the key itself in a map, the item in a list, the nearest parent for what is missing. */
function offsetOf(root: unknown, path: Path): number | undefined {
  let node = root;
  let offset = offsetOfNode(root);
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item: Pair) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) return offset;
      offset = offsetOfNode(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = offsetOfNode(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function offsetOfNode(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<string | number, unknown>)[step]
        : undefined,
    value,
  );
}

function syntaxRule(error: YAMLError): string {
  return SYNTAX[error.code] ?? `this is not YAML that we can read (${error.code.toLowerCase().replaceAll('_', ' ')})`;
}

/**
 * Reads YAML. Every syntax error goes into the findings; nothing is thrown.
 * @param text the file's text, or undefined where there is no file: then everything has its default.
 */
export function readDocument(file: string, text: string | undefined, findings: Findings, memory?: Memory): Document {
  const lines = new LineCounter();
  let root: unknown;
  const parse = (yaml: string) =>
    parseDocument(yaml, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  const place = (offset: number | undefined) => {
    if (offset === undefined || text === undefined) return {};
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  // What was remembered has no lines yet.
  const whole = () => {
    if (root === undefined && text !== undefined) root = parse(text).contents;
  };
  const finish = (value: unknown, readable: boolean): Document => ({
    file,
    value,
    readable,
    problem(path, rule, options) {
      whole();
      const shown = options?.shown === false ? undefined : showValue(file, path, valueAt(value, path));
      findings.problems.push({
        file,
        ...place(offsetOf(root, path)),
        key: keyPath(path),
        rule,
        ...(shown === undefined ? {} : { value: shown }),
      });
    },
    lineOf(path) {
      whole();
      return place(offsetOf(root, path)).line;
    },
    note(path, words) {
      whole();
      const { line } = place(offsetOf(root, path));
      findings.notes.push(
        `${file}${line === undefined ? '' : `:${line}`}: ${path.length > 0 ? `${keyPath(path)}: ` : ''}${words}`,
      );
    },
  });
  if (text === undefined) return finish({}, true);
  if (text.length > MAX_CHARACTERS) {
    findings.problems.push({ file, key: '', rule: 'is larger than a million characters: this is no settings file' });
    return finish({}, false);
  }
  const known = memory?.recall(file, text);
  if (known !== undefined) return finish(known, true);
  const parsed = parse(text);
  root = parsed.contents;
  const faults = [...parsed.errors, ...parsed.warnings];
  const bad = faults.map((fault) => ({ rule: syntaxRule(fault), offset: fault.pos[0] as number | undefined }));
  visit(parsed, {
    Alias(_key, alias) {
      if (!alias.resolve(parsed)) bad.push({ rule: UNKNOWN_ALIAS, offset: alias.range?.[0] });
    },
  });
  for (const { rule, offset } of bad) {
    findings.problems.push({ file, ...place(offset), key: '', rule });
  }
  if (bad.length > 0) return finish({}, false);
  try {
    const value: unknown = parsed.toJS({ maxAliasCount: 50 });
    memory?.keep(file, text, value ?? {});
    return finish(value ?? {}, true);
  } catch {
    findings.problems.push({ file, key: '', rule: 'its aliases ("*name") cannot be followed: write the values out' });
    return finish({}, false);
  }
}
