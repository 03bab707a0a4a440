// The database's half of the heartbeat by which a Redis that may have forgotten something is noticed.
import { ReadOnly } from '../../platform/unavailable.ts';
import type { Epochs, Known } from '../state/redis/epoch.ts';
import { type Db, one, rows } from './statement.ts';

interface EpochRow {
  beat: string;
  epoch: string;
  servers: Known['servers'];
  age: number | null;
}

const EMPTY = 'state_epoch is empty: run the migrations';

async function read(db: Db): Promise<Known> {
  const [found] = await rows<EpochRow>(
    db,
    `select beat, epoch, servers, extract(epoch from clock_timestamp() - seen_at)::float8 as age
       from state_epoch where id = 1`,
  );
  if (!found) throw new Error(EMPTY);
  const { beat, epoch, servers, age } = found;
  return { beat: Number(beat), epoch: Number(epoch), servers, age: age ?? undefined };
}

async function confirm(db: Db, beat: number, servers: Known['servers']): Promise<number> {
  const [found] = await rows<Pick<EpochRow, 'epoch'>>(
    db,
    `update state_epoch set beat = greatest(beat, ?), servers = servers || ?::jsonb, seen_at = clock_timestamp()
      where id = 1 returning epoch`,
    [beat, JSON.stringify(servers)],
  );
  if (!found) throw new Error(EMPTY);
  return Number(found.epoch);
}

/** {@link Epochs} in the database. */
export function createEpochs(db: Db): Epochs {
  return {
    read: () => read(db),
    async confirm(beat, servers) {
      try {
        return await confirm(db, beat, servers);
      } catch (error) {
        if (!(error instanceof ReadOnly)) throw error;
        // Nothing can be noted now. The servers that stood there before are good without it; another one is not trusted.
        const known = await read(db);
        if (Object.entries(servers).some(([place, id]) => known.servers[place] !== id)) throw error;
        return known.epoch;
      }
    },
    raise: (from, servers, whole) =>
      one(
        db,
        `update state_epoch set epoch = epoch + 1, seen_at = clock_timestamp(),
                servers = (case when ? then '{}'::jsonb else servers end) || ?::jsonb
          where id = 1 and epoch = ? returning epoch`,
        [whole, JSON.stringify(servers), from],
      ),
  };
}
