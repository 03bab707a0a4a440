// `countersign audit …`: verify the chain, search it, export it.
import type { Command } from 'commander';
import { AUDIT_EVENTS } from '../domain/audit.ts';
import { canonicalLogin } from '../domain/user.ts';
import { type AuditQuery, type AuditRecord, searchAudit } from '../storage/postgres/audit-search.ts';
import { type AuditHead, type AuditProblem, verifyAudit } from '../storage/postgres/audit-verify.ts';
import { type Database, openDatabase } from '../storage/postgres/database.ts';
import { type ConfigCommandDeps, processDeps } from './config.ts';
import { readSettings } from './read-settings.ts';

interface Filters {
  config?: string;
  from?: string;
  until?: string;
  person?: string;
  client?: string;
  event?: string;
  json?: true;
}

/** Says what is wrong with one event, for people. */
export function describeProblem(problem: AuditProblem): string {
  const { seq } = problem;
  if (problem.why === 'missing') return `event ${seq} is missing: it was deleted`;
  if (problem.why === 'changed')
    return `event ${seq} (row ${problem.id}, ${problem.at}) was changed, or what stood before it`;
  if (problem.why === 'moved')
    return `event ${seq} (row ${problem.id}, ${problem.at}) is in the wrong place: the one that belongs here stands at ${problem.foundAt}`;
  if (problem.why === 'checkpoint_unknown')
    return `events up to ${seq} were deleted, and nothing in the audit tells of it`;
  return `the head that you noted, event ${seq}, is not there: the end was cut off or the chain was made anew`;
}

function parseHead(text: string): AuditHead {
  const [, seq, hash] = /^(\d{1,15}):([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new Error('--head is "number:hash", as "audit verify" printed it earlier');
  return { seq: Number(seq), hash };
}

function moment(name: string, text: string): Date {
  const date = new Date(text);
  // A date alone, or a date with a time and where on earth.
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) || Number.isNaN(date.getTime()))
    throw new Error(`--${name} must be a date (2026-01-31) or a moment (2026-01-31T12:00:00Z), not "${text}"`);
  return date;
}

async function queryOf(database: Database, { from, until, person, client, event }: Filters): Promise<AuditQuery> {
  if (event !== undefined && !(AUDIT_EVENTS as readonly string[]).includes(event))
    throw new Error(`there is no event "${event}"; there are ${AUDIT_EVENTS.join(', ')}`);
  return {
    ...(from === undefined ? {} : { from: moment('from', from) }),
    ...(until === undefined ? {} : { until: moment('until', until) }),
    ...(person === undefined ? {} : { sub: await personId(database, person) }),
    ...(client === undefined ? {} : { clientId: client }),
    ...(event === undefined ? {} : { event }),
  };
}

/** A sign-in name of today, or the id of a person who may be gone. */
export async function personId(database: Database, typed: string): Promise<string> {
  const login = canonicalLogin(typed);
  const found = login === undefined ? undefined : await database.records.users.byLogin(login);
  return found?.id ?? typed;
}

function line({ at, event }: AuditRecord): string {
  const { event: name, outcome, reason, sub, clientId, ip, actor } = event as { [name: string]: unknown };
  const rest = Object.entries({ reason, sub, clientId, ip, actor }).filter(([, value]) => value !== undefined);
  return [at, name, outcome, ...rest.map(([key, value]) => `${key}=${String(value)}`)].join(' ');
}

/** Adds the `audit` commands to the program. */
export function addAuditCommands(program: Command, deps: ConfigCommandDeps = processDeps): void {
  const audit = program.command('audit').description('what happened: verify, search, export');
  const folder = ['--config <folder>', 'configuration folder'] as const;
  const withDatabase = async (config: string | undefined, work: (database: Database) => Promise<void>) => {
    const settings = await readSettings(config);
    const database = await openDatabase(settings.storage.database);
    try {
      await work(database);
    } finally {
      await database.close();
    }
  };

  audit
    .command('verify')
    .description('whether no event was changed, deleted or moved; prints the head to note elsewhere')
    .option('--head <number:hash>', 'a head noted earlier: it must still be there')
    .option('--json', 'as JSON')
    .option(...folder)
    .action((options: { head?: string; json?: true; config?: string }) =>
      withDatabase(options.config, async (database) => {
        const verdict = await verifyAudit(
          database.knex,
          options.head === undefined ? undefined : parseHead(options.head),
        );
        if (!verdict.ok) deps.exitCode(1);
        if (options.json) deps.print(JSON.stringify(verdict));
        else if (!verdict.ok) for (const problem of verdict.problems) deps.complain(describeProblem(problem));
        else {
          const { events, from, unchained, head } = verdict;
          const begins = from > 0 ? `, beginning after event ${from}` : '';
          deps.print(`OK: ${events} events${begins}; ${unchained} not chained yet`);
          if (head) deps.print(`head ${head.seq}:${head.hash}`);
        }
      }),
    );

  const query = (name: string, description: string, write: (record: AuditRecord, options: Filters) => string) =>
    audit
      .command(name)
      .description(description)
      .option('--from <date>', 'not before this date or moment (UTC where no zone is given)')
      .option('--until <date>', 'before this date or moment')
      .option('--person <name>', 'sign-in name or id of the person concerned')
      .option('--client <client_id>', 'the service')
      .option('--event <name>', 'the kind of event')
      .option(...folder)
      .action((options: Filters) =>
        withDatabase(options.config, async (database) => {
          for await (const record of searchAudit(database.knex, await queryOf(database, options)))
            deps.print(write(record, options));
        }),
      );
  query('search', 'events, oldest first, a line each', (record, { json }) =>
    json ? JSON.stringify(record) : line(record),
  ).option('--json', 'a JSON document a line');
  query('export', 'events with their links, a JSON document a line', (record) => JSON.stringify(record));
}
