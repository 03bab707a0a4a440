// The outbox: messages to services, taken by one worker at a time, whichever node it runs on.
import type { Delivery } from '../../domain/delivery.ts';
import type { Sealed } from '../../domain/device.ts';
import type { Deliveries } from '../../domain/ports.ts';
import { type Db, rows } from './statement.ts';

interface Row {
  id: string;
  kind: Delivery['kind'];
  client_id: string;
  sealed: Sealed;
  tries: number;
}

/** A worker that died gives its messages back after so long (seconds); longer than any request may take. */
const LEASE = 45;

/** The port {@link Deliveries}. */
export function createDeliveries(db: Db): Deliveries {
  return {
    async add({ id, kind, clientId, content }, { dueIn, expiresIn }) {
      await rows(
        db,
        `insert into deliveries (id, kind, client_id, sealed, due_at, expires_at)
         values (?, ?, ?, ?, clock_timestamp() + make_interval(secs => ?::float8), clock_timestamp() + make_interval(secs => ?::float8))
         on conflict (id) do nothing`,
        [id, kind, clientId, JSON.stringify(content), dueIn ?? null, expiresIn],
      );
    },
    async due(id, seconds) {
      await rows(
        db,
        `update deliveries set due_at = clock_timestamp() + make_interval(secs => ?::float8) where id = ?`,
        [seconds, id],
      );
    },
    async take(most) {
      const taken = await rows<Row>(
        db,
        `update deliveries set tries = tries + 1, due_at = clock_timestamp() + make_interval(secs => ${LEASE})
         where id in (select id from deliveries where due_at <= clock_timestamp() and expires_at > clock_timestamp()
                      order by due_at limit ? for update skip locked)
         returning id, kind, client_id, sealed, tries`,
        [most],
      );
      return taken.map(({ id, kind, client_id, sealed, tries }) => ({
        id,
        kind,
        clientId: client_id,
        content: sealed,
        tries,
      }));
    },
    async done(id) {
      await rows(db, 'delete from deliveries where id = ?', [id]);
    },
  };
}
