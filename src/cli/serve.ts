// `countersign serve`: reads the settings, opens everything, listens, and leaves in order.
import cluster from 'node:cluster';
import { setTimeout as wait } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { watchHandler } from '../api/watch.ts';
import { assemble, type House } from '../app/assemble.ts';
import { embeddedLine, introduce } from '../app/demo.ts';
import { type Listening, listen } from '../app/server.ts';
import { createNodeWatch, type NodeWatch } from '../app/watch.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog, type Log } from '../platform/log.ts';
import { startTracing } from '../platform/tracing.ts';
import { Unavailable } from '../platform/unavailable.ts';
import type { Settings } from '../settings/settings.ts';
import { readSettings } from './read-settings.ts';
import { createReloader, type Reloadable, watchFilesFor } from './reload.ts';
import { isFirstWorker, onOrder, runWorkers, sayReady, workerPlace, workersRefused } from './workers.ts';

const MOST_WORKERS = 64;

function workerCount(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MOST_WORKERS)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST_WORKERS}.`);
  return count;
}

/** Adds `serve` to the program. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run the provider')
    .option('--config <folder>', 'configuration folder')
    .option(
      '--workers <count>',
      'processes that share the port; more than one needs PostgreSQL and Redis',
      workerCount,
      1,
    )
    .action(async (options: { config?: string; workers: number }) => {
      const settings = await readSettings(options.config, 'told');
      if (options.workers === 1 || cluster.isWorker) return serve(settings, options.config);
      const refused = workersRefused(settings, options.workers);
      if (refused !== undefined) throw new Error(refused);
      const log = createLog(settings.server.logLevel);
      const { reload } = runWorkers(options.workers, settings, log);
      if (settings.server.reloadOnChange) watchFilesFor(options.config, settings, log, reload);
    });
}

async function serve(settings: Settings, folder: string | undefined): Promise<void> {
  const log = createLog(settings.server.logLevel);
  // A hang-up during the start would end the process: it is too early to reload, and what is read now is new anyway.
  const tooEarly = () => log.info('still starting; nothing to reload');
  const stopTooEarly = onOrder({ reload: tooEarly, stop: () => process.exit(0) });
  const watch = createNodeWatch(systemClock, await startTracing(process.env));
  const watching = await listenToWatchers(settings, watch, log);
  const house = await whenTheStoresAnswer(() => assemble(settings, log, watch), log);
  const listening = await listen(settings.server, house.handler);
  watch.configurationLoaded();
  watch.nowStarted();
  log.info({ issuer: settings.server.issuer, port: listening.port }, 'listening');
  await noteInAudit(house, 'sys_startup', log);
  if (isFirstWorker()) await greet(house, settings);
  stopTooEarly();
  const reloader = createReloader({ house, listening, watch, folder, log }, settings);
  // Workers are told by the process that watches over them.
  const changes = settings.server.reloadOnChange && !cluster.isWorker ? reloader.watchFiles() : undefined;
  onOrder({
    reload: reloader.reload,
    stop: (signal) => {
      changes?.stop();
      return stop({ house, watch, listening, watching, log, signal });
    },
  });
  sayReady();
}

/** Milliseconds between two tries to reach the stores at the start. */
const AGAIN = 500;

/**
 * Tries until PostgreSQL and Redis answer: whoever starts first must not be started again and again. Meanwhile the second port says
 * that we live and are not ready; a wrong password, and every other mistake, still ends us at once.
 */
async function whenTheStoresAnswer<T>(work: () => Promise<T>, log: Log): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      const { message } = error.cause instanceof Error ? error.cause : error;
      log.warn({ err: error.message, why: message }, 'a store does not answer yet; trying again');
      await wait(AGAIN);
    }
  }
}

/** A database that is away keeps nobody from starting or stopping. */
async function noteInAudit({ world }: House, event: 'sys_startup' | 'sys_shutdown', log: Log): Promise<void> {
  try {
    await world.records.audit.record({ event, outcome: 'success', actor: 'system' });
  } catch (error) {
    log.error({ err: error, event }, 'not written into the audit');
  }
}

async function greet(house: House, settings: Settings): Promise<void> {
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  if (settings.server.demo) await introduce(house, settings, print);
  else
    for (const line of [`Countersign is ready at ${settings.server.issuer}`, embeddedLine(settings) ?? []].flat())
      print(line);
}

/** Opens the second port, before anything else: an orchestrator sees that we are still starting. Each worker has its own. */
async function listenToWatchers(settings: Settings, watch: NodeWatch, log: Log): Promise<Listening | undefined> {
  const { watch: where } = settings.server;
  if (!where) return undefined;
  const own = { ...where, port: where.port + workerPlace(), exclusive: true };
  const listening = await listen(own, watchHandler(watch)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`server.yaml: watch.port ${own.port} is taken; choose another there or by WATCH_PORT`);
  });
  log.info({ port: listening.port }, 'health and metrics');
  return listening;
}

let leaving = false;

/** SIGTERM: proxies are given time to notice, what is under way is finished, and then we go. A second signal ends it at once. */
async function stop(
  running: Omit<Reloadable, 'folder'> & { listening: Listening; watching: Listening | undefined; signal: string },
): Promise<void> {
  if (leaving) process.exit(1);
  leaving = true;
  const { house, watch, listening, watching, log, signal } = running;
  const { shutdown } = house.settings().server;
  watch.nowDraining();
  log.info({ signal, ...shutdown }, 'stopping');
  listening.announce();
  // Somebody at the keyboard does not want to wait.
  if (signal === 'SIGTERM') await wait(shutdown.delay * 1000);
  await listening.drain(shutdown.grace * 1000);
  await noteInAudit(house, 'sys_shutdown', log);
  await house.close();
  await watching?.drain(0);
  await watch.tracing?.close().catch((error: Error) => log.warn({ err: error.message }, 'traces not sent'));
  log.info('stopped');
  process.exit(0);
}
