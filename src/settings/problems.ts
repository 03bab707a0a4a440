// What is wrong with the settings, said with file, line, key, rule and value; a value that may be a secret is never said.

/** One mistake. `line` and `column` count from 1; they are missing where no line is to blame (a missing file, the environment). */
export interface Problem {
  /** Path below the configuration folder, or `environment`. */
  file: string;
  line?: number;
  column?: number;
  /** Path of the key, such as `session.idle` or `redirect_uris[0]`; empty for the whole file. */
  key: string;
  /** What must hold, in plain words. */
  rule: string;
  /** What stands there; `[secret]` where it must not be shown. */
  value?: string;
}

/** A path inside a YAML file. */
export type Path = readonly (string | number)[];

/** A path as people write it: `any_of[0][1]`, `session.idle`. */
export function keyPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** One line: `lifetimes.yaml:4:3: session.idle: must be from 1m to 1d (it is "0s")`. */
export function formatProblem(problem: Problem): string {
  const place = [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(':');
  const key = problem.key === '' ? '' : `${problem.key}: `;
  const value = problem.value === undefined ? '' : ` (it is ${problem.value})`;
  return `${place}: ${key}${problem.rule}${value}`;
}

/** The last step of a path that may hold a secret; below `jwks` everything may. */
const SECRET_NAMES = /secret|password|passwd|token|jwks?$|key|kek|pepper|cookie|signing|encryption|credential/i;
const SECRET_LOOKS = /:\/\/[^/\s]*@|-----BEGIN|^eyJ/;

/** Keys that carry one of the words above and hold nothing secret. */
const OPEN_KEYS = new Set([
  'access_token',
  'id_token',
  'refresh_token',
  'token_format',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'password_person',
  'password_address',
  'password_reset',
  'id_token_signed_response_alg',
]);

/** Where a file belongs, the secret itself may have been written by mistake: only what looks like a path is shown. */
const PATH_LOOKS = /^\.{0,2}\/[\w./-]+$/;

function mayBeSecret(file: string, path: Path, value: string): boolean {
  const last = path.findLast((step) => typeof step === 'string') ?? '';
  if (SECRET_LOOKS.test(value) || path.length === 0 || path.includes('jwks')) return true;
  if (last.endsWith('_file')) return last !== 'logo_file' && !PATH_LOOKS.test(value);
  if (file === 'keys.yaml') return last !== 'id';
  if (last === 'url') return file === 'storage.yaml' || file === 'mail.yaml';
  return SECRET_NAMES.test(last) && !OPEN_KEYS.has(last) && !path.includes('fresh');
}

/**
 * What a message shows of a value: scalars as JSON cut to 80 characters, lists and maps only as `[…]` and `{…}`, anything that may be a secret as `[secret]`.
 * @param file the whole of `keys.yaml` is held to be secret.
 */
export function showValue(file: string, path: Path, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return '[…]';
  if (typeof value === 'object' && value !== null) return '{…}';
  if (typeof value === 'boolean' || value === null) return String(value);
  if (mayBeSecret(file, path, String(value))) return '[secret]';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** Collects problems and notes while everything is read: nothing stops at the first mistake. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly notes: string[] = [];

  /** How much was told so far. */
  count(): number {
    return this.problems.length + this.notes.length;
  }

  /** The problems in the order of files and lines. */
  sorted(): Problem[] {
    return this.problems.toSorted(
      (a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
    );
  }
}
