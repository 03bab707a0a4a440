// The phone's live list (protocol section 5.1, `stream`): the same as `pending`, sent again whenever it may have changed.
import type { Context } from 'koa';
import type { Device } from '../../domain/device.ts';
import type { World } from '../../domain/ports.ts';
import { deviceRefusal } from '../../usecases/check-pin.ts';
import { listPending } from '../../usecases/list-pending.ts';
import { type EventStream, openEvents } from '../../web/sse.ts';

/** Streams that one device may hold on one node; the oldest gives way, so that a phone that reconnects never waits. */
const STREAMS_PER_DEVICE = 3;

/** Opens streams and remembers which device holds which. */
export function createStreams(world: Pick<World, 'records' | 'transactions' | 'clock' | 'rules' | 'log'>) {
  const held = new Map<string, EventStream[]>();

  function hold(deviceId: string, events: EventStream): void {
    const streams = [...(held.get(deviceId) ?? []), events];
    held.set(deviceId, streams);
    events.onClose(() => {
      const left = (held.get(deviceId) ?? []).filter((one) => one !== events);
      if (left.length === 0) held.delete(deviceId);
      else held.set(deviceId, left);
    });
    if (streams.length > STREAMS_PER_DEVICE) streams[0]?.close();
  }

  /** Answers with events until the phone goes, or the device is removed or locked. */
  return async function stream(ctx: Context, device: Device): Promise<void> {
    const events = openEvents(ctx);
    hold(device.id, events);
    const tell = async () => {
      const now = await world.records.devices.byId(device.id);
      if (!now || deviceRefusal(now)) events.close();
      else events.send('pending', await listPending(world, now));
    };
    const changed = inTurn(tell, (error) => {
      world.log.warn({ err: error }, 'a stream could not be kept');
      events.close();
    });
    // Watch first, list second: what happens between the two is told twice rather than never.
    try {
      const unwatch = await world.transactions.watchUser(device.userId, changed);
      events.onClose(unwatch);
    } catch (error) {
      world.log.warn({ err: error }, 'a stream could not be opened');
      events.close();
    }
    changed();
  };
}

/** Runs `work` once at a time; a call while it runs makes it run once more. */
function inTurn(work: () => Promise<void>, failed: (error: unknown) => void): () => void {
  let running = false;
  let again = false;
  const run = () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    work()
      .catch(failed)
      .finally(() => {
        running = false;
        if (!again) return;
        again = false;
        run();
      });
  };
  return run;
}
