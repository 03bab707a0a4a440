// `countersign serve --workers N`: one process watches over N that serve, starts a new one where one dies, and passes signals on.
import cluster, { type Worker } from 'node:cluster';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Settings } from '../settings/settings.ts';

/** What whoever started us may ask. */
export interface Orders {
  reload(): void;
  stop(signal: string): unknown;
}

/** What the watching process sends to those that serve. */
type Order = { order: 'reload' } | { order: 'stop'; signal: string };

const READY = 'countersign:ready';
/** Tells a worker its place, and whether it is the first one ever in it. */
const PLACE = 'COUNTERSIGN_WORKER_PLACE';
const FIRST = 'COUNTERSIGN_FIRST_WORKER';
const STOPS = ['SIGTERM', 'SIGINT'] as const;

/** Milliseconds before a worker that died is started again: doubled each time, and forgotten after one that lived long. */
const AGAIN = { least: 200, most: 30_000, livedLong: 60_000 };

/** Why these settings cannot have more than one process, in one line; undefined where they can. */
export function workersRefused(settings: Settings, count: number): string | undefined {
  const { database, state } = settings.storage;
  const { port, watch } = settings.server;
  const missing = [
    ...(database.kind === 'embedded' ? ['DATABASE_URL (PostgreSQL)'] : []),
    ...(state.kind === 'embedded' ? ['REDIS_URL (Redis)'] : []),
  ];
  if (missing.length > 0)
    return `--workers needs ${missing.join(' and ')}: the embedded store belongs to one process. Set it, or leave --workers out.`;
  if (watch && port >= watch.port && port < watch.port + count)
    return `--workers ${count} takes the ports ${watch.port} to ${watch.port + count - 1} for health and metrics, one a worker, and ${port} is ours: choose another watch.port.`;
  return undefined;
}

/** This worker's place, from 0 on; a worker that is started again has that of the one that died. */
export function workerPlace(): number {
  return cluster.isWorker ? Number(process.env[PLACE] ?? 0) : 0;
}

/** Whether this process is the one that says to the operator where everything is. */
export function isFirstWorker(): boolean {
  return !cluster.isWorker || process.env[FIRST] === '1';
}

/** Tells the watching process, where there is one, that requests are answered. */
export function sayReady(): void {
  if (cluster.isWorker) process.send?.(READY);
}

/**
 * Hears SIGHUP, SIGTERM and SIGINT; as a worker what the watching process passes on, and no signals of its own: a terminal and some
 * service managers send them to every process, and each would be heard twice.
 * @returns stops hearing.
 */
export function onOrder(orders: Orders): () => void {
  const heard: [NodeJS.Signals | 'message', (...given: unknown[]) => void][] = cluster.isWorker
    ? [
        ...(['SIGHUP', ...STOPS] as const).map((signal): [NodeJS.Signals, () => void] => [signal, () => undefined]),
        [
          'message',
          (message) => {
            const { order, signal } = message as { order?: string; signal?: string };
            if (order === 'reload') orders.reload();
            if (order === 'stop') orders.stop(signal ?? 'SIGTERM');
          },
        ],
      ]
    : [
        ['SIGHUP', () => orders.reload()],
        ...STOPS.map((signal): [NodeJS.Signals, () => void] => [signal, () => orders.stop(signal)]),
      ];
  for (const [name, listener] of heard) process.on(name, listener);
  return () => {
    for (const [name, listener] of heard) process.off(name, listener);
  };
}

/**
 * Starts the workers and watches over them. The process ends with code 0 when all of them have left in order, and with 1 where one cannot
 * even start, or where one had to be cut.
 * @returns tells all of them to read the configuration again.
 */
export function runWorkers(count: number, settings: Settings, log: Log): Pick<Orders, 'reload'> {
  const { delay, grace } = settings.server.shutdown;
  let stopping = false;
  let everReady = false;
  let clean = true;
  let deaths = 0;

  function start(place: number, first: boolean): void {
    const began = systemClock.now();
    const worker = cluster.fork({ [PLACE]: String(place), [FIRST]: first ? '1' : '0' });
    worker.on('message', (message) => {
      if (message !== READY) return;
      everReady = true;
      log.info({ worker: place, worker_pid: worker.process.pid }, 'worker ready');
    });
    worker.once('exit', (code, signal) => ended(place, { code, signal, lived: systemClock.now() - began }));
  }

  function ended(place: number, how: { code: number | null; signal: string | null; lived: number }): void {
    const { code, signal, lived } = how;
    if (stopping) {
      clean &&= code === 0;
      if (workers().length === 0) process.exit(clean ? 0 : 1);
      return;
    }
    // Its reason is on the screen already: a configuration or a store that does not do, which no second try mends.
    if (!everReady) {
      stopping = true;
      clean = false;
      if (workers().length === 0) process.exit(1);
      for (const worker of workers()) worker.process.kill('SIGKILL');
      return;
    }
    deaths = lived >= AGAIN.livedLong ? 0 : deaths + 1;
    const pause = deaths === 0 ? AGAIN.least : Math.min(AGAIN.least * 2 ** (deaths - 1), AGAIN.most);
    log.error({ worker: place, code, signal, again_in_ms: pause }, 'a worker died');
    setTimeout(() => !stopping && start(place, false), pause);
  }

  function stop(signal: string): void {
    // A second signal: whoever sent it does not want to wait.
    if (stopping) {
      for (const worker of workers()) worker.process.kill('SIGKILL');
      process.exit(1);
    }
    stopping = true;
    log.info({ signal }, 'stopping');
    if (workers().length === 0) process.exit(0);
    for (const worker of workers()) tell(worker, { order: 'stop', signal });
    // A worker that does not even hear us must not hold us.
    setTimeout(
      () => {
        log.error({ workers: workers().length }, 'workers did not leave in time and are cut');
        for (const worker of workers()) worker.process.kill('SIGKILL');
      },
      (delay + grace + 5) * 1000,
    ).unref();
  }

  const reload = () => {
    for (const worker of workers()) tell(worker, { order: 'reload' });
  };
  onOrder({ reload, stop });
  for (let place = 0; place < count; place += 1) start(place, place === 0);
  return { reload };
}

const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

/** One that dies at this very moment is told in vain. */
const tell = (worker: Worker, order: Order): void => {
  if (worker.isConnected()) worker.send(order, () => undefined);
};
