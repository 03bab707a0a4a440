// `countersign serve`: reads the settings, opens everything, listens, and leaves in order.
import type { Command } from 'commander';
import { watchHandler } from '../api/watch.ts';
import { assemble, type House } from '../app/assemble.ts';
import { embeddedLine, introduce } from '../app/demo.ts';
import { type Listening, listen } from '../app/server.ts';
import { createNodeWatch, type NodeWatch } from '../app/watch.ts';
import type { AuditEvent } from '../domain/audit.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog, type Log } from '../platform/log.ts';
import { startTracing } from '../platform/tracing.ts';
import type { Settings } from '../settings/settings.ts';
import { readSettings } from './read-settings.ts';

/** How long what is under way may take at the end, in milliseconds (security page, L24). */
const DRAIN = 30_000;

/** Adds `serve` to the program. */
export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run the provider')
    .option('--config <folder>', 'configuration folder')
    .action(async (options: { config?: string }) => {
      const settings = await readSettings(options.config);
      await serve(settings, options.config);
    });
}

async function serve(settings: Settings, folder: string | undefined): Promise<void> {
  const log = createLog(settings.server.logLevel);
  // A hang-up during the start would end the process: it is too early to reload, and what is read now is new anyway.
  const tooEarly = () => log.info('still starting; nothing to reload');
  process.on('SIGHUP', tooEarly);
  const watch = createNodeWatch(systemClock, await startTracing(process.env));
  const watching = await listenToWatchers(settings, watch, log);
  const house = await assemble(settings, log, watch);
  const listening = await listen(settings.server, house.app.callback());
  watch.configurationLoaded();
  watch.nowStarted();
  log.info({ issuer: settings.server.issuer, port: listening.port }, 'listening');
  await house.world.records.audit.record({ event: 'sys_startup', outcome: 'success', actor: 'system' });
  if (settings.server.demo) await introduce(house, settings, (line) => process.stdout.write(`${line}\n`));
  else
    for (const line of [`Countersign is ready at ${settings.server.issuer}`, embeddedLine(settings) ?? []].flat())
      process.stdout.write(`${line}\n`);
  process.off('SIGHUP', tooEarly);
  process.on('SIGHUP', () => reload({ house, watch, folder, log }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stop({ house, watch, listening, watching, log, signal }));
}

/** Opens the second port, before anything else: an orchestrator sees that we are still starting. */
async function listenToWatchers(settings: Settings, watch: NodeWatch, log: Log): Promise<Listening | undefined> {
  const { watch: where } = settings.server;
  if (!where) return undefined;
  const listening = await listen(where, watchHandler(watch)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`server.yaml: watch.port ${where.port} is taken; choose another there or by WATCH_PORT`);
  });
  log.info({ port: listening.port }, 'health and metrics');
  return listening;
}

/** A server that runs. */
interface Running {
  house: House;
  watch: NodeWatch;
  log: Log;
}

/** SIGHUP: validate everything, then swap whole or change nothing. */
function reload({ house, watch, folder, log }: Running & { folder: string | undefined }): void {
  readSettings(folder)
    .then((settings) => house.reload(settings))
    .then(
      (report): AuditEvent => {
        watch.configurationLoaded();
        log.info(report, 'configuration reloaded');
        return { event: 'sys_config_reloaded', outcome: 'success', actor: 'system' };
      },
      (error: Error): AuditEvent => {
        watch.configurationRefused(error.message);
        log.error({ reason: error.message }, 'configuration refused; the old one stays in force');
        return { event: 'sys_config_refused', outcome: 'failure', actor: 'system' };
      },
    )
    .then((event) => house.world.records.audit.record(event))
    // What was done is done: a database that is away must not end the server.
    .catch((error: Error) => log.error({ err: error.message }, 'the reload could not be written to the audit'));
}

async function stop(
  running: Running & { listening: Listening; watching: Listening | undefined; signal: NodeJS.Signals },
): Promise<void> {
  const { house, watch, listening, watching, log, signal } = running;
  watch.nowDraining();
  log.info({ signal }, 'stopping');
  process.once(signal, () => process.exit(1));
  await listening.drain(DRAIN);
  await house.world.records.audit.record({ event: 'sys_shutdown', outcome: 'success', actor: 'system' });
  await house.close();
  await watching?.drain(0);
  await watch.tracing?.close().catch((error: Error) => log.warn({ err: error.message }, 'traces not sent'));
  log.info('stopped');
  process.exit(0);
}
