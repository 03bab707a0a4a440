// `countersign explain`: why a sign-in had to reach its level, told from the audit.
import type { Command } from 'commander';
import type { AuditEvent, LevelFacts, MinimumFrom } from '../domain/audit.ts';
import type { Settings } from '../settings/settings.ts';
import { type AuditRecord, searchAudit } from '../storage/postgres/audit-search.ts';
import { openDatabase } from '../storage/postgres/database.ts';
import { personId } from './audit.ts';
import { type ConfigCommandDeps, processDeps } from './config.ts';
import { readSettings } from './read-settings.ts';

/** A sign-in as the audit holds it. */
export interface ToldSignIn {
  at: string;
  event: AuditEvent;
}

const EVENTS: readonly string[] = ['authn_level_reached', 'authn_level_refused'];

/** Adds the command to the program. */
export function addExplainCommand(program: Command, deps: ConfigCommandDeps = processDeps): void {
  program
    .command('explain')
    .description('why a sign-in had to reach its level: what was asked, the minimum, what the session had')
    .argument('<request-or-person>', 'id of a request, as the log and error pages show it; or a sign-in name')
    .argument('[client]', 'client_id, after a sign-in name: their last sign-in there')
    .option('--json', 'as JSON')
    .option('--config <folder>', 'configuration folder')
    .action(async (first: string, client: string | undefined, options: { json?: true; config?: string }) => {
      const settings = await readSettings(options.config);
      const found = await lastSignIn(settings, first, client);
      if (!found) throw new Error(nothingFound(first, client));
      if (options.json) deps.print(JSON.stringify(found));
      else for (const line of explainSignIn(found, settings)) deps.print(line);
    });
}

async function lastSignIn(
  settings: Settings,
  first: string,
  client: string | undefined,
): Promise<ToldSignIn | undefined> {
  const database = await openDatabase(settings.storage.database);
  try {
    const query =
      client === undefined ? { requestId: first } : { sub: await personId(database, first), clientId: client };
    let last: AuditRecord | undefined;
    for await (const record of searchAudit(database.knex, query))
      if (EVENTS.includes(String(record.event['event']))) last = record;
    return last && { at: last.at, event: last.event as unknown as AuditEvent };
  } finally {
    await database.close();
  }
}

function nothingFound(first: string, client: string | undefined): string {
  return client === undefined
    ? `the audit knows no sign-in that ended in request ${first}; for the last one of a person: countersign explain <name> <client_id>`
    : `the audit knows no sign-in of ${first} at ${client}; countersign audit search --client ${client} tells what there was`;
}

const WHOSE: { readonly [from in MinimumFrom]: string } = {
  client: 'minimum_level of the client',
  resource: 'level of the resource',
  scope: 'level of a scope',
  person: 'the person always wants a second factor',
};

/** The sentences for people. */
export function explainSignIn({ at, event }: ToldSignIn, { levels }: Pick<Settings, 'levels'>): string[] {
  const { clientId = 'a service', sub = 'nobody', requestId, levels: facts } = event;
  const head = `${at}  ${clientId}, person ${sub}${requestId === undefined ? '' : `, request ${requestId}`}`;
  if (!facts) return [head, `${ending(event)} What it needed was not noted.`];
  const named = (acr: string) => {
    const level = levels.find((one) => one.acr.includes(acr));
    return level ? `${acr} (level ${level.name})` : `${acr} (no level of today)`;
  };
  return [
    head,
    `The service asked for  ${askedFor(facts, named)}`,
    `The minimum was        ${minimumOf(facts)}`,
    `The session had        ${hadOf(facts)}`,
    `Therefore              ${therefore(facts)}`,
    `So                     ${ending(event)}`,
  ];
}

function askedFor(facts: LevelFacts, named: (acr: string) => string): string {
  const parts = [
    facts.essential.length > 0 ? `essential ${facts.essential.map(named).join(', ')}` : '',
    facts.voluntary.length > 0 ? facts.voluntary.map(named).join(', ') : '',
    facts.maxAge === undefined ? '' : `proofs no older than ${facts.maxAge} s (max_age)`,
    facts.anew ? 'everything proven anew (prompt=login)' : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join('; ') : 'no level';
}

function minimumOf({ minimum }: LevelFacts): string {
  if (minimum.length === 0) return 'none';
  return minimum.map(({ from, level }) => `${level} (${WHOSE[from]})`).join(', ');
}

function hadOf({ had, anew }: LevelFacts): string {
  const ages = Object.entries(had.ages).map(([method, age]) => `${method} ${age} s ago`);
  if (ages.length === 0) return 'nothing that counts';
  if (anew) return `${ages.join(', ')}; it does not count under prompt=login`;
  return `${ages.join(', ')}: ${had.level === undefined ? 'too old for any level' : `level ${had.level}`}`;
}

function therefore({ required, had, made }: LevelFacts): string {
  if (required === undefined) return 'no way here leads to what the service insists on';
  const proven = made.length > 0 ? `${made.join(' and ')} proven in this sign-in` : 'nothing was proven anew';
  return `level ${required} was required${had.level === required ? ', which it had' : ''}; ${proven}`;
}

function ending({ event, reason, acr, amr, levels }: AuditEvent): string {
  if (event === 'authn_level_refused') return `the service was answered with ${reason}.`;
  const level = levels?.reached === undefined ? 'the sign-in' : `level ${levels.reached}`;
  return `${level} was reached; the tokens say acr ${acr ?? '-'}, amr ${amr?.join(' ') || '-'}.`;
}
