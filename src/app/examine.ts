// Looks at everything that a running server needs from outside, one thing after the other, and changes none of it: `countersign doctor`.
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { testMail } from '../notify/mailer.ts';
import type { Clock } from '../platform/clock.ts';
import { createOutbound, OutboundRefused } from '../platform/outbound.ts';
import { databaseUrls } from '../settings/addresses.ts';
import type { Secret } from '../settings/secret.ts';
import type { KeySettings, RedisSettings, Settings } from '../settings/settings.ts';
import { type Database, openDatabase } from '../storage/postgres/database.ts';
import { DatabaseInUse } from '../storage/postgres/folder-lock.ts';
import { lookAtDatabase, synchronousStandbys } from '../storage/postgres/look.ts';
import { lookAtRedis, type RedisFacts, type RedisLook } from '../storage/state/redis/look.ts';
import { readJwks } from './jwks.ts';
import { unopened } from './key-lists.ts';
import { vaultOf } from './world.ts';

/** What was found about one thing. `fail`: people cannot sign in, or a promise does not hold. */
export interface Finding {
  check: string;
  status: 'ok' | 'warn' | 'fail';
  detail: string;
}

type Found = Pick<Finding, 'status' | 'detail'>;
const ok = (detail: string): Found => ({ status: 'ok', detail });
const warn = (detail: string): Found => ({ status: 'warn', detail });
const fail = (detail: string): Found => ({ status: 'fail', detail });

/** Milliseconds for one answer from outside. */
const PATIENCE = 3000;
/** Milliseconds by which two clocks may differ before it is told, and before tokens and codes are refused for it. */
const SKEW = { told: 1000, harmful: 5000 };
/** Redis has GETDEL from 6.2 and what else we use from 7 on. */
const LEAST_REDIS = 7;
const LEAST_POSTGRES = 13;

const reason = (error: unknown): string => {
  const { message, code, cause } = error as { message?: string; code?: string; cause?: unknown };
  return [message || code, cause === undefined ? undefined : reason(cause)].filter(Boolean).join(': ');
};

/** Runs one look; what it throws is a failure with its reason. */
async function look(check: string, work: () => Promise<Found>): Promise<Finding> {
  const found = await work().catch((error: unknown) => fail(reason(error)));
  return { check, ...found };
}

/** Everything about one set of settings, in the order in which a start would meet it. */
export async function examine(settings: Settings, clock: Clock): Promise<Finding[]> {
  const findings: Finding[] = [];
  const take = async (check: string, work: () => Promise<Found>) => void findings.push(await look(check, work));
  if (settings.readOnly.on) findings.push({ check: 'read-only', ...warn(readOnly(settings)) });
  await take('keys', () => keys(settings));
  findings.push(...(await databaseFindings(settings, clock)));
  findings.push(...(await stateFindings(settings, clock)));
  await take('issuer', () => issuer(settings));
  await take('mail', () => mail(settings));
  findings.push(...(await outboundFindings(settings)));
  return findings;
}

function readOnly({ readOnly: { until } }: Settings): string {
  const told =
    until === undefined ? '' : `; people are told that it lasts until ${new Date(until * 1000).toISOString()}`;
  return `on by notices.yaml: nobody can sign in anew, nothing is changed${told}`;
}

async function keys({ keys }: Settings): Promise<Found> {
  const kinds: string[] = [];
  for (const [name, secret] of [
    ['signing', keys.signing],
    ['encryption', keys.encryption],
  ] as const satisfies [string, Secret][]) {
    const found = readJwks(secret).keys;
    // Throws where a key is not what it says it is.
    for (const key of found) await calculateJwkThumbprint(key as Parameters<typeof calculateJwkThumbprint>[0]);
    if (found.some((key) => !('d' in key))) return fail(`${secret.origin}: a key without its private part`);
    kinds.push(`${found.length} ${name} (${[...new Set(found.map((key) => key.alg ?? key.kty))].join(', ')})`);
  }
  const push = keys.push ? '' : '; none for push: phones are not woken';
  return ok(
    `${kinds.join(', ')}, ${keys.cookies.length} for cookies, ${keys.kek.length} kek, ${keys.peppers.length} pepper${push}`,
  );
}

async function databaseFindings({ storage, keys, readOnly }: Settings, clock: Clock): Promise<Finding[]> {
  let database: Database;
  try {
    database = await openDatabase(storage.database);
  } catch (error) {
    if (error instanceof DatabaseInUse)
      return [{ check: 'database', ...warn('embedded, and open in a running server: stop it to look inside') }];
    return [{ check: 'database', ...fail(reason(error)) }];
  }
  try {
    const answers = await look('database', async () => {
      const begun = clock.now();
      const { version } = await lookAtDatabase(database.knex);
      const took = clock.now() - begun;
      const health = await database.health();
      if (!health.ok && readOnly.on) return warn(`answers, and cannot be written to: ${health.why}`);
      if (!health.ok) return fail(`answers, but cannot be written to: ${health.why}; set read_only in notices.yaml`);
      if (database.kind === 'embedded') return warn('embedded (PGlite): one node only');
      const major = Number.parseInt(version, 10);
      if (major < LEAST_POSTGRES) return fail(`PostgreSQL ${version}: ${LEAST_POSTGRES} or newer is needed`);
      const answered = `PostgreSQL ${version}, answered in ${took} ms, can be written to`;
      const hosts = storage.database.kind === 'postgres' ? databaseUrls(storage.database.url.reveal()).length : 1;
      if (hosts === 1) return ok(answered);
      const several = `${answered}, primary of ${hosts} hosts`;
      const standbys = await synchronousStandbys(database.knex);
      if (standbys === 0) return warn(`${several}; no synchronous standby: a fail-over loses what was answered last`);
      return ok(`${several}, ${standbys} synchronous standby`);
    });
    if (answers.status === 'fail') return [answers];
    return [
      answers,
      await look('migrations', () => migrations(database)),
      await look('stored secrets', () => storedSecrets(database, keys)),
      await look('clock', () => databaseClock(database, clock)),
    ];
  } finally {
    await database.close();
  }
}

async function migrations(database: Database): Promise<Found> {
  const { done, pending } = await database.status();
  if (pending.length === 0) return ok(`${done.length} applied, none waiting`);
  return warn(`waiting: ${pending.join(', ')}; the next start applies them, or "countersign db migrate"`);
}

/** Whether the keys of keys.yaml are those that the rows stand under. Before the first start there is no table to look into. */
async function storedSecrets(database: Database, keys: KeySettings): Promise<Found> {
  if ((await database.status()).pending.length > 0) return ok('not looked at while migrations wait');
  const lost = await unopened(database.knex, vaultOf(keys), keys);
  if (lost.length > 0) return fail(`${lost.join('; ')}: put it back into keys.yaml, from a copy`);
  return ok('each row stands under a kek or a pepper of keys.yaml');
}

async function databaseClock(database: Database, clock: Clock): Promise<Found> {
  const before = clock.now();
  const { now } = await lookAtDatabase(database.knex);
  return skew('the database', now - (before + clock.now()) / 2);
}

function skew(whose: string, difference: number): Found {
  const apart = Math.abs(Math.round(difference));
  const text = `${apart} ms ${difference < 0 ? 'ahead of' : 'behind'} ${whose}`;
  if (apart > SKEW.harmful)
    return fail(`this machine is ${text}: tokens and codes will be refused; set the clock (NTP)`);
  if (apart > SKEW.told) return warn(`this machine is ${text}: set the clock (NTP)`);
  return ok(`this machine and ${whose} are ${apart} ms apart`);
}

async function stateFindings({ storage: { state } }: Settings, clock: Clock): Promise<Finding[]> {
  if (state.kind === 'embedded')
    return [{ check: 'redis', ...warn('none: what is pending lives in the one process and ends with it') }];
  const before = clock.now();
  let found: RedisLook;
  try {
    found = await lookAtRedis(state, clock, PATIENCE);
  } catch (error) {
    return [{ check: 'redis', ...fail(reason(error)) }];
  }
  const took = clock.now() - before;
  const several = found.primaries.length > 1;
  const ofEach = (facts: RedisFacts): Finding[] => {
    const named = (name: string) => (several ? `${name} ${facts.server}` : name);
    return [
      { check: named('redis'), ...redisServer(facts, took, state.kind) },
      { check: named('redis eviction'), ...redisEviction(facts) },
      { check: named('redis persistence'), ...redisPersistence(facts) },
      { check: named('redis clock'), ...skew('Redis', facts.now - facts.asked) },
    ];
  };
  return [...(state.kind === 'redis' ? [] : [redisTogether(state, found)]), ...found.primaries.flatMap(ofEach)];
}

/** What only several servers can lack. */
function redisTogether(
  state: Exclude<RedisSettings, { kind: 'redis' }>,
  { primaries, homeless, silent }: RedisLook,
): Finding {
  const check = state.kind === 'redis-cluster' ? 'redis cluster' : 'redis sentinel';
  const alone = primaries.filter(({ replicas }) => replicas === 0).map(({ server }) => server);
  if (homeless > 0) return { check, ...fail(`${homeless} of 16384 slots have no primary`) };
  if (silent.length > 0) return { check, ...warn(`does not answer: ${silent.join(', ')}`) };
  if (alone.length > 0) return { check, ...warn(`without a replica, so nobody takes over: ${alone.join(', ')}`) };
  return state.kind === 'redis-cluster'
    ? { check, ...ok(`${primaries.length} primaries, each with a replica, hold all slots`) }
    : { check, ...ok(`${state.nodes.length} Sentinels answer and name a primary with a replica`) };
}

function redisServer({ version, role, inCluster }: RedisFacts, took: number, kind: RedisSettings['kind']): Found {
  if (Number.parseInt(version, 10) < LEAST_REDIS) return fail(`Redis ${version}: ${LEAST_REDIS} or newer is needed`);
  if (role !== 'master') return fail(`Redis ${version} is a ${role}: it cannot be written to`);
  if (inCluster && kind !== 'redis-cluster')
    return fail(`Redis ${version} is a member of a cluster: write state.cluster in storage.yaml instead of a url`);
  return ok(`Redis ${version}, primary, connected and answered in ${took} ms`);
}

function redisEviction({ policy, maxMemory, usedMemory }: RedisFacts): Found {
  if (policy !== 'noeviction')
    return fail(`maxmemory-policy is ${policy}: a used code that is thrown away can be used again; set noeviction`);
  if (maxMemory === 0) return warn('maxmemory-policy is noeviction, but maxmemory is not set: the machine may run out');
  const share = Math.round((usedMemory / maxMemory) * 100);
  if (share > 80) return warn(`${share} % of maxmemory is in use; when it is full nobody can sign in`);
  return ok(`noeviction, ${share} % of maxmemory in use`);
}

function redisPersistence({ appendOnly, snapshots, lastWriteOk }: RedisFacts): Found {
  if (!lastWriteOk) return fail('Redis could not write to its disk');
  if (appendOnly) return ok('append-only file');
  if (snapshots) return warn('snapshots only: a restart loses minutes, and people sign in again; set appendonly yes');
  return warn('none: a restart signs everybody out (and lets nobody in); set appendonly yes');
}

async function issuer({ server }: Settings): Promise<Found> {
  const url = `${server.issuer}/.well-known/openid-configuration`;
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: 'manual' });
  } catch (error) {
    return warn(
      `${url} does not answer from here (${reason(error)}): is the server running, and does its name lead to it?`,
    );
  }
  if (answer.status !== 200) return fail(`${url} answers ${answer.status}`);
  const { issuer: found } = (await answer.json().catch(() => ({}))) as { issuer?: unknown };
  if (found !== server.issuer) return fail(`${url} says it is ${JSON.stringify(found)}, not ${server.issuer}`);
  return ok(`${server.issuer} answers as itself`);
}

async function mail({ mail }: Settings): Promise<Found> {
  if (mail.transport.kind === 'outbox') {
    const { folder } = mail.transport;
    // The folder is made with the first mail.
    await access(folder, constants.W_OK).catch(() => access(dirname(folder), constants.W_OK));
    return warn(`written into ${folder}: something else has to send it`);
  }
  await testMail(mail.transport.url.reveal());
  return ok('the mail server answers and takes our name and password; no mail was sent');
}

/** The addresses that we call ourselves, each once: asked with HEAD, and any answer is one. */
async function outboundFindings({ clients, outbound }: Settings): Promise<Finding[]> {
  const calls = clients.flatMap(({ metadata, file }) =>
    (['jwks_uri', 'sector_identifier_uri', 'backchannel_logout_uri'] as const).flatMap((key) => {
      const url = metadata[key];
      return typeof url === 'string' ? [{ url, key, file }] : [];
    }),
  );
  if (calls.length === 0) return [{ check: 'outbound', ...ok('no service has an address that we call') }];
  const guarded = createOutbound({ ...outbound, timeoutMs: PATIENCE });
  const findings = await Promise.all(
    calls.map(({ url, key, file }) =>
      look('outbound', async () => {
        try {
          const { status } = await guarded.fetch(url, { method: 'HEAD' });
          return ok(`${file} ${key}: ${new URL(url).host} answers (${status})`);
        } catch (error) {
          const refused = [error, (error as { cause?: unknown }).cause].some((one) => one instanceof OutboundRefused);
          return refused
            ? fail(`${file} ${key}: ${reason(error)}; if it is yours, add it to allow in outbound.yaml`)
            : warn(`${file} ${key}: ${new URL(url).host} does not answer (${reason(error)})`);
        }
      }),
    ),
  );
  await guarded.close();
  return findings;
}
