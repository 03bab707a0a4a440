// The database's half of the heartbeat by which a Redis that went back in time is noticed.
import type { Epochs } from '../state/redis/epoch.ts';
import { type Db, rows } from './statement.ts';

interface EpochRow {
  beat: string;
  epoch: string;
}

const toNumbers = (row: EpochRow | undefined) => {
  if (!row) throw new Error('state_epoch is empty: run the migrations');
  return { beat: Number(row.beat), epoch: Number(row.epoch) };
};

/** {@link Epochs} in the database. */
export function createEpochs(db: Db): Epochs {
  return {
    read: async () => toNumbers((await rows<EpochRow>(db, 'select beat, epoch from state_epoch where id = 1'))[0]),
    confirm: async (beat) =>
      toNumbers(
        (
          await rows<EpochRow>(
            db,
            'update state_epoch set beat = greatest(beat, ?) where id = 1 returning beat, epoch',
            [beat],
          )
        )[0],
      ),
    async raise(from) {
      await rows(db, 'update state_epoch set epoch = epoch + 1 where id = 1 and epoch = ?', [from]);
      return toNumbers((await rows<EpochRow>(db, 'select beat, epoch from state_epoch where id = 1'))[0]).epoch;
    },
  };
}
