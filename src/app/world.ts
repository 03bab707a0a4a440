// Builds the world: every port, from the settings. The one place where an implementation is chosen.
import type { DeviceRules, World } from '../domain/ports.ts';
import { createMailer } from '../notify/mailer.ts';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { createOutboundFetch } from '../platform/outbound-fetch.ts';
import { createPasswords } from '../platform/passwords.ts';
import { systemRandom } from '../platform/random.ts';
import { silentPush } from '../push/silent.ts';
import { createWebPush, type WebPush, type WebPushParts } from '../push/web-push.ts';
import type { Settings } from '../settings/settings.ts';
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
import { createVault } from '../storage/vault.ts';
import { readJwks } from './jwks.ts';

/** A world with what stands behind it, to be closed at the end. */
export interface Opened {
  world: World;
  database: Database;
  state: State;
  /** For events that nobody waits for. */
  auditBatches: AuditBatches;
  close(): Promise<void>;
}

/**
 * Opens the storage, migrates it, and builds the world.
 * @param settings read at each use, so that a reload holds.
 */
export async function openWorld(settings: () => Settings, log: Log): Promise<Opened> {
  const { storage, keys, methods, mail } = settings();
  const clock = systemClock;
  const random = systemRandom;
  const database = await openDatabase(storage.database);
  try {
    await database.migrate();
    const state = await openState(storage.state, { log, epochs: database.epochs });
    const mailer = createMailer(mail, { log, clock, random });
    const vault = createVault({ kek: keys.kek, peppers: keys.peppers, encryption: readJwks(keys.encryption), random });
    const push = openPush(settings, { devices: database.records.devices, vault, clock, random, log });
    const world: World = {
      clock,
      random,
      log,
      records: database.records,
      atomically: database.atomically,
      transactions: createTransactions(state),
      enrolments: createEnrolments(state),
      limits: createLimits(state, () => settings().limits, log),
      replays: createReplays(state),
      scratch: createScratch(state),
      mailer,
      push: push ?? silentPush,
      passwords: createPasswords(methods.password, { peppers: keys.peppers }),
      vault,
      rules: () => rulesOf(settings()),
    };
    const auditBatches = createAuditBatches(database.knex);
    const stopChain = startAuditChain(database.knex, log);
    const stopTidying = startHousekeeping(database.knex, log);
    const close = async () => {
      stopTidying();
      await push?.close();
      await auditBatches.close();
      await stopChain();
      mailer.close();
      await state.close();
      await database.close();
    };
    return { world, database, state, auditBatches, close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Push, where the operator has it on and there is a key for it. */
function openPush(
  settings: () => Settings,
  parts: Pick<WebPushParts, 'devices' | 'vault' | 'clock' | 'random' | 'log'>,
): WebPush | undefined {
  const { keys, devices, mail, outbound } = settings();
  if (!devices.push.enabled || !keys.push) return undefined;
  const sender = /<([^>]+)>/.exec(mail.from)?.[1] ?? mail.from;
  return createWebPush({
    ...parts,
    key: keys.push.reveal(),
    contact: devices.push.contact ?? `mailto:${sender}`,
    hosts: () => settings().devices.push.hosts,
    fetch: createOutboundFetch(outbound),
  });
}

function rulesOf(settings: Settings): DeviceRules {
  return { issuer: settings.server.issuer, ...settings.devices };
}
