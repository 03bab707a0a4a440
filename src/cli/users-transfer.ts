// `countersign user import | export`: people in and out, as CSV or JSON.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import type { User } from '../domain/user.ts';
import { checkImport, type ImportedUser, importUsers } from '../usecases/import-users.ts';
import { shown, type UserCommandDeps } from './user-answers.ts';

/** The rows of a file: a JSON list, a JSON document a line, or CSV with a line of column names. @throws Error with the line that cannot be read. */
export function readPeople(text: string): ImportedUser[] {
  const trimmed = text.trimStart();
  if (trimmed.startsWith('[')) {
    const list = JSON.parse(text) as unknown[];
    return list.map((values, at) => ({ line: at + 1, values: objectOf(values, at + 1) }));
  }
  if (trimmed.startsWith('{'))
    return text.split(/\r?\n/).flatMap((line, at) => {
      if (line.trim() === '') return [];
      return [{ line: at + 1, values: objectOf(JSON.parse(line), at + 1) }];
    });
  const rows = parse(text, { columns: true, skip_empty_lines: true, bom: true, info: true, trim: true }) as unknown as {
    info: { lines: number };
    record: ImportedUser['values'];
  }[];
  return rows.map(({ info, record }) => ({ line: info.lines, values: record }));
}

function objectOf(value: unknown, line: number): ImportedUser['values'] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ImportedUser['values'];
  throw new Error(`line ${line}: not a JSON object`);
}

const WIDTH = 30;

/** A bar that is drawn over itself on a terminal, and every tenth in a line of its own elsewhere. */
export function progressBar(total: number, write: (text: string) => void, terminal: boolean): (done: number) => void {
  let told = -1;
  return (done) => {
    const share = total === 0 ? 1 : done / total;
    if (terminal) {
      const full = Math.round(share * WIDTH);
      write(`\r[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}] ${done}/${total}${done === total ? '\n' : ''}`);
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth > told) write(`${done}/${total}\n`);
    told = Math.max(told, tenth);
  };
}

const COLUMNS = ['id', 'login', 'name', 'email', 'locale', 'state', 'created_at'] as const;
/** Before the column of an attribute's name. */
const ATTRIBUTE = 'attributes.';

/** One field of CSV (RFC 4180); what a spreadsheet would take for a formula gets an apostrophe before it. */
function field(value: unknown): string {
  const text = value === undefined ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The names of all attributes that anybody has, in order. */
function attributesOf(people: readonly User[]): string[] {
  return [...new Set(people.flatMap(({ attributes }) => Object.keys(attributes)))].sort();
}

function csvLine(person: User, attributes: readonly string[]): string {
  const facts = shown(person);
  const known = COLUMNS.map((column) => facts[column]);
  return [...known, person.groups.join(';'), ...attributes.map((name) => person.attributes[name])].map(field).join(',');
}

/** Adds the two commands to `user`. */
export function addTransferCommands(user: Command, deps: UserCommandDeps): void {
  const config = ['--config <folder>', 'configuration folder'] as const;
  const remark = deps.remark ?? ((text: string) => void process.stderr.write(text));

  user
    .command('import <file>')
    .description('add people from CSV or JSON, with argon2, bcrypt, scrypt or PBKDF2 hashes; "-" is standard input')
    .option('--dry-run', 'check everything and write nothing')
    .option('--json', 'the answer as JSON')
    .option(...config)
    .action((file: string, options: { dryRun?: true; json?: true; config?: string }) => {
      const rows = readPeople(readFileSync(file === '-' ? 0 : file, 'utf8'));
      return deps.withWorld(options.config, async (world) => {
        const checked = checkImport(world, rows);
        if (!checked.ok)
          deps.fail([...checked.problems, `${checked.problems.length} mistakes; nobody was added`].join('\n'));
        const { people } = checked;
        const bar = progressBar(people.length, remark, process.stderr.isTTY === true);
        const { added, taken } = options.dryRun ? { added: 0, taken: [] } : await importUsers(world, people, bar);
        if (options.json) deps.print(JSON.stringify({ read: people.length, added, taken }));
        else if (options.dryRun) deps.print(`${people.length} people can be added`);
        else {
          deps.print(`added ${added} of ${people.length} people`);
          if (taken.length > 0) deps.print(`left as they are, because their sign-in names exist: ${taken.join(', ')}`);
        }
      });
    });

  user
    .command('export')
    .description('everybody, without passwords and phones')
    .option('--format <format>', 'csv or json (a document a line)', 'json')
    .option('--json', 'the same as --format json')
    .option(...config)
    .action((options: { format: string; json?: true; config?: string }) => {
      const format = options.json ? 'json' : options.format;
      if (format !== 'csv' && format !== 'json') throw new Error('--format is csv or json');
      return deps.withWorld(options.config, async (world) => {
        const people = await world.records.users.list();
        const attributes = attributesOf(people);
        if (format === 'csv')
          deps.print([...COLUMNS, 'groups', ...attributes.map((name) => ATTRIBUTE + name)].join(','));
        for (const person of people)
          deps.print(format === 'csv' ? csvLine(person, attributes) : JSON.stringify(shown(person)));
      });
    });
}
