// A world without doors: the stores, the mails and the settings of a house, for tests of use cases that also look into the database.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorld } from '../../src/app/world.ts';
import type { World } from '../../src/domain/ports.ts';
import { createLog } from '../../src/platform/log.ts';
import { EMBEDDED, emptyEmbedded } from './embedded.ts';
import { base, type Files, readSettings, writeFiles } from './house.ts';
import { freshDatabase, freshRedis } from './services.ts';

/** Audit events as they stand in the database. */
export type AuditRow = { event: string; outcome: string; reason?: string; factor?: string };

/** Open stores. Close them at the end of the suite. */
export interface Stores {
  world: World;
  /** Runs a statement: to move a row in time, where a test cannot wait. */
  sql(statement: string, values?: (string | number)[]): Promise<void>;
  /** A person's audit events, oldest first. */
  audit(userId: string): Promise<AuditRow[]>;
  /** All mails to an address so far, oldest first. */
  mailsTo(address: string): string[];
  close(): Promise<void>;
}

/** Opens what `serve` would open, on the embedded default or on PostgreSQL and Redis. */
export async function openStores(backend: 'embedded' | 'servers', files: Files = {}): Promise<Stores> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-stores-'));
  const closing: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  writeFiles(folder, { ...base('http://localhost:9'), ...files });
  const environment: { [name: string]: string } = {};
  if (backend === 'servers') {
    const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
    Object.assign(environment, { DATABASE_URL: database.url, REDIS_URL: redis.url });
    closing.push(database.drop, redis.close);
  } else await emptyEmbedded(join(folder, EMBEDDED));
  const settings = await readSettings(folder, environment);
  const opened = await openWorld(() => settings, createLog('silent'));
  closing.push(opened.close);
  const { knex } = opened.database;
  return {
    world: opened.world,
    sql: async (statement, values = []) => {
      await knex.raw(statement, values);
    },
    audit: async (userId) => {
      const found = await knex('audit_events').whereRaw(`event->>'sub' = ?`, [userId]).orderBy('id');
      return found.map((row) => row.event as AuditRow);
    },
    mailsTo: (address) => mailsIn(join(folder, 'data', 'outbox')).filter((mail) => mail.includes(`To: ${address}\r\n`)),
    close: async () => {
      for (const step of closing.reverse()) await step();
    },
  };
}

function mailsIn(outbox: string): string[] {
  try {
    const names = readdirSync(outbox).filter((name) => name.endsWith('.eml'));
    return names.sort().map((name) => readFileSync(join(outbox, name), 'utf8'));
  } catch {
    return [];
  }
}
