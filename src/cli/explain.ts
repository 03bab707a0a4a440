// `countersign explain`: why a sign-in had to reach its level, told from the audit.
import type { Command } from 'commander';
import type { AuditEvent, LevelFacts, MinimumFrom } from '../domain/audit.ts';
import { canonicalLogin } from '../domain/user.ts';
import { systemClock } from '../platform/clock.ts';
import type { Settings } from '../settings/settings.ts';
import { nearest } from '../settings/spelling.ts';
import { eventsOfTransaction, lastSignIn, signInOfRequest } from '../storage/postgres/audit-search.ts';
import { type Database, openDatabase } from '../storage/postgres/database.ts';
import { personId } from './audit.ts';
import { type ConfigCommandDeps, processDeps } from './config.ts';
import { readSettings } from './read-settings.ts';

/** A sign-in as the audit holds it. */
export interface ToldSignIn {
  at: string;
  event: AuditEvent;
  /** Of one that a service began without a browser (CIBA): what became of it, oldest first. */
  backchannel?: readonly AuditEvent[];
}

interface ExplainOptions {
  days: string;
  json?: true;
  config?: string;
}

/** Adds the command to the program. */
export function addExplainCommand(program: Command, deps: ConfigCommandDeps = processDeps): void {
  program
    .command('explain')
    .description('why a sign-in had to reach its level: what was asked, the minimum, what the session had')
    .argument('<request-or-person>', 'id of a request, as the log and error pages show it; or a sign-in name')
    .argument('[client]', 'client_id, after a sign-in name: their last sign-in there')
    .option('--days <number>', 'how far back a request is looked for', '7')
    .option('--json', 'as JSON')
    .option('--config <folder>', 'configuration folder')
    .action(async (first: string, client: string | undefined, options: ExplainOptions) => {
      if (!/^[1-9]\d{0,4}$/.test(options.days)) throw new Error('--days must be a whole number of days');
      const settings = await readSettings(options.config);
      const found = await findSignIn(settings, first, client, Number(options.days));
      if (options.json) deps.print(JSON.stringify(found));
      else for (const line of explainSignIn(found, settings)) deps.print(line);
    });
}

async function findSignIn(
  settings: Settings,
  first: string,
  client: string | undefined,
  days: number,
): Promise<ToldSignIn> {
  const database = await openDatabase(settings.storage.database);
  try {
    const { knex } = database;
    const found =
      client === undefined
        ? await signInOfRequest(knex, first, new Date(systemClock.now() - days * 86_400_000))
        : await lastSignIn(knex, await personId(database, first), client);
    if (!found) throw new Error(await nothingFound(settings, database, first, client, days));
    const event = found.event as unknown as AuditEvent;
    const transaction = event.detail?.['transaction'];
    if (typeof transaction !== 'string' || event.sub === undefined) return { at: found.at, event };
    const rows = await eventsOfTransaction(knex, event.sub, transaction, new Date(found.at));
    const backchannel = rows.map((row) => row.event as unknown as AuditEvent);
    return {
      at: found.at,
      event: backchannel.find((one) => one.event === 'authn_level_reached') ?? event,
      backchannel,
    };
  } finally {
    await database.close();
  }
}

/** What to do where there is nothing to tell; a name that nobody has is the likeliest reason, but people and clients of the audit may be gone. */
async function nothingFound(
  { clients }: Settings,
  { records }: Database,
  first: string,
  client: string | undefined,
  days: number,
): Promise<string> {
  if (client === undefined)
    return `the audit of the last ${days} days knows no sign-in that ended in request ${first} (--days looks further back); for the last one of a person: countersign explain <name> <client_id>`;
  const login = canonicalLogin(first);
  const known = login !== undefined && (await records.users.byLogin(login)) !== undefined;
  const names = clients.map(({ metadata }) => metadata.client_id);
  const near = nearest(client, names);
  return [
    `the audit knows no sign-in of ${first} at ${client}`,
    ...(known ? [] : [`nobody has the sign-in name "${first}"`]),
    ...(names.includes(client)
      ? []
      : [`no client of today is called "${client}"${near === undefined ? '' : `; did you mean "${near}"?`}`]),
    `countersign audit search --client ${client} tells what there was`,
  ].join('; ');
}

const WHOSE: { readonly [from in MinimumFrom]: string } = {
  client: 'minimum_level of the client',
  resource: 'level of the resource',
  scope: 'level of a scope',
  person: 'the person always wants a second factor',
};

/** The sentences for people. */
export function explainSignIn(told: ToldSignIn, { levels }: Pick<Settings, 'levels'>): string[] {
  const { at, event, backchannel } = told;
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
    ...(withoutBrowser(told) ?? [`The session had        ${hadOf(facts)}`]),
    `Therefore              ${therefore(facts)}`,
    `So                     ${backchannel ? endOf(event, backchannel) : ending(event)}`,
  ];
}

/** What takes the place of the session where a service asked by itself (OpenID CIBA Core 1.0). */
function withoutBrowser({ event, backchannel }: ToldSignIn): string[] | undefined {
  if (!backchannel)
    return event.detail?.['kind'] === 'ciba' ? ['It was asked           without a browser (CIBA)'] : undefined;
  const { message, number } = backchannel.find((one) => one.event === 'transaction_opened')?.detail ?? {};
  const binding = number
    ? 'a number to type in its binding_message'
    : message
      ? 'a binding_message'
      : 'no binding_message';
  const answer = backchannel.find((one) => ANSWERS[one.event] !== undefined);
  return [
    `It was asked           without a browser (CIBA), with ${binding}`,
    `The phone answered     ${answer ? ANSWERS[answer.event] : 'nothing yet, or not in time'}`,
  ];
}

/** What a phone can answer. */
const ANSWERS: { readonly [event in AuditEvent['event']]?: string } = {
  transaction_approved: 'yes',
  transaction_denied: 'no',
  transaction_reported: 'that it was not them: no requests until the next sign-in with a browser',
  transaction_failed: 'with a wrong number',
};

function endOf(event: AuditEvent, backchannel: readonly AuditEvent[]): string {
  if (event.event === 'authn_level_reached') return ending(event);
  const refused = backchannel.find((one) => one.event === 'authn_level_refused');
  if (refused) return ending(refused);
  const answer = backchannel.find((one) => ANSWERS[one.event] !== undefined)?.event;
  if (answer === 'transaction_approved') return 'the service has not fetched the tokens.';
  return answer === undefined
    ? 'the service has no answer yet, or was told expired_token.'
    : 'the service was answered with access_denied.';
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

function ending({ event, reason, acr, amr, levels, detail }: AuditEvent): string {
  const { why } = detail ?? {};
  if (event === 'authn_level_refused')
    return `the service was answered with ${reason}${typeof why === 'string' ? `: ${why}` : ''}.`;
  const level = levels?.reached === undefined ? 'the sign-in' : `level ${levels.reached}`;
  return `${level} was reached; the tokens say acr ${acr ?? '-'}, amr ${amr?.join(' ') || '-'}.`;
}
