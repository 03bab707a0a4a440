// Everything that lasts, on a pool (each call commits by itself) or on a transaction (all commit together).
import type { AuditEvent } from '../../domain/audit.ts';
import type { KnownBrowsers, Records, Spent, Tickets } from '../../domain/ports.ts';
import { createAudit } from './audit.ts';
import { createConsents } from './consents.ts';
import { createDeliveries } from './deliveries.ts';
import { createDevices } from './devices.ts';
import { type Db, one, rows } from './statement.ts';
import { createUsers } from './users.ts';

/** A known browser's life in days (protocol section 5). */
const KNOWN_DAYS = 90;

/** The port {@link KnownBrowsers}. */
export function createKnownBrowsers(db: Db): KnownBrowsers {
  return {
    async find(hash) {
      const found = await rows<{ user_id: string }>(
        db,
        'select user_id from known_browsers where hash = ? and expires_at > clock_timestamp()',
        [hash],
      );
      return found[0] && { userId: found[0].user_id };
    },
    async remember(userId, hash, previous) {
      await rows(
        db,
        `with gone as (delete from known_browsers where hash = ?)
         insert into known_browsers (hash, user_id, expires_at)
         values (?, ?, clock_timestamp() + make_interval(days => ${KNOWN_DAYS}))`,
        [previous ?? '', hash, userId],
      );
    },
    async forgetAll(userId) {
      await rows(db, 'delete from known_browsers where user_id = ?', [userId]);
    },
  };
}

/** The port {@link Tickets}. */
export function createTickets(db: Db): Tickets {
  const OPEN = 'hash = ? and purpose = ? and spent_at is null and expires_at > clock_timestamp()';
  return {
    async insert({ hash, userId, purpose, expiresInSeconds }) {
      await rows(
        db,
        `insert into tickets (hash, user_id, purpose, expires_at) values (?, ?, ?, clock_timestamp() + make_interval(secs => ?))`,
        [hash, userId, purpose, expiresInSeconds],
      );
    },
    async peek(hash, purpose) {
      const found = await rows<{ user_id: string }>(db, `select user_id from tickets where ${OPEN}`, [hash, purpose]);
      return found[0]?.user_id;
    },
    async spend(hash, purpose) {
      const found = await rows<{ user_id: string }>(
        db,
        `update tickets set spent_at = clock_timestamp() where ${OPEN} returning user_id`,
        [hash, purpose],
      );
      return found.length === 1 ? found[0]?.user_id : undefined;
    },
    async cancelAll(userId) {
      await rows(db, 'delete from tickets where user_id = ?', [userId]);
    },
  };
}

/** The port {@link Spent}. */
export function createSpent(db: Db): Spent {
  return {
    transaction: (id) =>
      one(db, 'insert into spent_transactions (id) values (?) on conflict do nothing returning id', [id]),
  };
}

/** All of {@link Records} on a pool or a transaction. @param written told of each audit event. */
export function createRecords(db: Db, written?: (event: AuditEvent) => void): Records {
  return {
    users: createUsers(db),
    devices: createDevices(db),
    knownBrowsers: createKnownBrowsers(db),
    tickets: createTickets(db),
    spent: createSpent(db),
    audit: createAudit(db, written),
    deliveries: createDeliveries(db),
    consents: createConsents(db),
  };
}
