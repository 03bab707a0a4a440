// Builds the world: every port, from the settings. The one place where an implementation is chosen.
import type { AuditEvent } from '../domain/audit.ts';
import type { DeviceRules, Vault, World } from '../domain/ports.ts';
import { createCourier, type RunningCourier } from '../notify/courier.ts';
import { type ClosableMailer, createMailer } from '../notify/mailer.ts';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { createOutboundFetch } from '../platform/outbound-fetch.ts';
import { createPasswords } from '../platform/passwords.ts';
import { systemRandom } from '../platform/random.ts';
import { silentPush } from '../push/silent.ts';
import { createWebPush, type WebPush, type WebPushParts } from '../push/web-push.ts';
import type { KeySettings, MailSettings, Settings } from '../settings/settings.ts';
import { createEnrolments } from '../storage/enrolments.ts';
import { createLimits } from '../storage/limits.ts';
import { startAuditChain } from '../storage/postgres/audit.ts';
import { type AuditBatches, createAuditBatches } from '../storage/postgres/audit-batches.ts';
import { type Database, openDatabase } from '../storage/postgres/database.ts';
import { startHousekeeping } from '../storage/postgres/housekeeping.ts';
import { createReplays } from '../storage/replays.ts';
import { createScratch } from '../storage/scratch.ts';
import { openState } from '../storage/state/open.ts';
import type { State } from '../storage/state/state.ts';
import { createTransactions } from '../storage/transactions.ts';
import { createVault, followingVault } from '../storage/vault.ts';
import { readJwks } from './jwks.ts';
import { countEvent, measuredLimits, measuredTransactions } from './measured.ts';
import type { NodeWatch } from './watch.ts';

/** A world with what stands behind it, to be closed at the end. */
export interface Opened {
  world: World;
  database: Database;
  state: State;
  /** For events that nobody waits for. */
  auditBatches: AuditBatches;
  /** The guarded one, for every request that we send out. */
  fetch: typeof globalThis.fetch;
  /** To be started by a server: it carries messages to services. */
  courier: RunningCourier;
  close(): Promise<void>;
}

/**
 * Opens the storage, migrates it, and builds the world.
 * @param settings read at each use, so that a reload holds.
 * @param watch told of what is done, where somebody watches.
 */
export async function openWorld(settings: () => Settings, log: Log, watch?: NodeWatch): Promise<Opened> {
  // Each connection is made with the user and the password that are right by then.
  const storage = {
    database: asItIs(() => settings().storage.database),
    state: asItIs(() => settings().storage.state),
  };
  const clock = systemClock;
  const random = systemRandom;
  const metrics = watch?.metrics;
  const observer = metrics && {
    statement: (statement: string, seconds: number, failed: boolean) => {
      metrics.statement(statement, seconds, failed);
      watch.tracing?.statement(statement, seconds, failed);
    },
    audited: (event: AuditEvent) => countEvent(metrics, event),
    dropped: () => metrics.auditDropped(),
  };
  const readOnly = () => settings().readOnly.on;
  const database = await openDatabase(storage.database, observer, readOnly);
  try {
    // Somebody else is at it then: what waits shows in readiness.
    if (!readOnly()) await database.migrate();
    const state = await openState(storage.state, { log, epochs: database.epochs });
    const mailer = createMailer(() => settings().mail, { log, clock, random });
    const vault = followingVault(() => settings().keys, vaultOf);
    const fetch = createOutboundFetch(() => settings().outbound);
    const push = openPush(settings, { devices: database.records.devices, vault, fetch, clock, random, log });
    const transactions = createTransactions(state);
    const limits = createLimits(state, () => settings().limits, log);
    const courier = createCourier({ deliveries: database.records.deliveries, vault, log });
    const world: World = {
      clock,
      random,
      log,
      records: database.records,
      atomically: database.atomically,
      transactions: metrics ? measuredTransactions(transactions, metrics) : transactions,
      enrolments: createEnrolments(state),
      limits: metrics ? measuredLimits(limits, metrics) : limits,
      replays: createReplays(state),
      scratch: createScratch(state),
      mailer,
      push: push ?? silentPush,
      courier,
      passwords: createPasswords(() => settings().methods.password, { peppers: () => settings().keys.peppers }),
      vault,
      rules: () => rulesOf(settings()),
    };
    const auditBatches = createAuditBatches(database.knex, observer);
    if (watch) {
      watchStores(watch, { database, state, mailer });
      watch.metrics.gauge('countersign_read_only', () => (readOnly() ? 1 : 0));
      watch.tell('read_only', () => ({ ok: true, on: readOnly() }));
    }
    const stopChain = startAuditChain(database.knex, log);
    const stopTidying = startHousekeeping(database.knex, log, () => settings().lifetimes);
    const close = async () => {
      stopTidying();
      await courier.close();
      await push?.close();
      await auditBatches.close();
      await stopChain();
      mailer.close();
      await state.close();
      await database.close();
    };
    return { world, database, state, auditBatches, courier, fetch, close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A part of the settings whose members are looked up at each reading, so that a reload holds for whoever has it in hand. */
function asItIs<T extends object>(now: () => T): T {
  return new Proxy(now(), { get: (_first, name) => Reflect.get(now(), name) });
}

/** The vault over these keys. @throws where one of them cannot be used. */
export function vaultOf({ kek, peppers, encryption }: KeySettings): Vault {
  return createVault({ kek, peppers, encryption: readJwks(encryption), random: systemRandom });
}

/** What readiness and the gauges ask of the stores. */
function watchStores(watch: NodeWatch, parts: { database: Database; state: State; mailer: ClosableMailer }): void {
  const { database, state, mailer } = parts;
  watch.check('database', () => database.health());
  watch.check('migrations', async () => {
    const { pending } = await database.status();
    return pending.length === 0 ? { ok: true } : { ok: false, why: `waiting: ${pending.join(', ')}` };
  });
  watch.check('state', () => state.health());
  const { fill } = state;
  if (fill) watch.metrics.gauge('countersign_embedded_state_fill_ratio', fill);
  watch.metrics.gauge('db_client_connections', () => {
    const { used, idle } = database.pool();
    return { used, idle };
  });
  watch.metrics.gauge('db_client_connection_pending_requests', () => database.pool().waiting);
  watch.metrics.gauge('outbox_lag_seconds', () => mailer.lag());
}

/** Push, where there is a key for it. */
function openPush(
  settings: () => Settings,
  parts: Pick<WebPushParts, 'devices' | 'vault' | 'fetch' | 'clock' | 'random' | 'log'>,
): WebPush | undefined {
  const { keys } = settings();
  return (
    keys.push &&
    createWebPush({
      ...parts,
      key: keys.push.reveal(),
      enabled: () => settings().devices.push.enabled,
      contact: () => settings().devices.push.contact ?? `mailto:${senderOf(settings().mail)}`,
      hosts: () => settings().devices.push.hosts,
    })
  );
}

const senderOf = ({ from }: MailSettings) => /<([^>]+)>/.exec(from)?.[1] ?? from;

function rulesOf(settings: Settings): DeviceRules {
  const { server, notices, readOnly, lifetimes, devices } = settings;
  return { issuer: server.issuer, notices, readOnly, enrolmentLife: lifetimes.enrolment, ...devices };
}
