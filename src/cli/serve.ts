// `countersign serve`: reads the settings, opens everything, listens, and leaves in order.
import type { Command } from 'commander';
import { assemble, type House } from '../app/assemble.ts';
import { embeddedLine, introduce } from '../app/demo.ts';
import { type Listening, listen } from '../app/server.ts';
import { createLog, type Log } from '../platform/log.ts';
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
  const house = await assemble(settings, log);
  const listening = await listen(settings.server, house.app.callback());
  log.info({ issuer: settings.server.issuer, port: listening.port }, 'listening');
  await house.world.records.audit.record({ event: 'sys_startup', outcome: 'success', actor: 'system' });
  if (settings.server.demo) await introduce(house, settings, (line) => process.stdout.write(`${line}\n`));
  else
    for (const line of [`Countersign is ready at ${settings.server.issuer}`, embeddedLine(settings) ?? []].flat())
      process.stdout.write(`${line}\n`);
  process.off('SIGHUP', tooEarly);
  process.on('SIGHUP', () => reload(house, folder, log));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(house, listening, log, signal));
}

/** SIGHUP: validate everything, then swap whole or change nothing. */
function reload(house: House, folder: string | undefined, log: Log): void {
  readSettings(folder)
    .then((settings) => house.reload(settings))
    .then(async (report) => {
      log.info(report, 'configuration reloaded');
      await house.world.records.audit.record({ event: 'sys_config_reloaded', outcome: 'success', actor: 'system' });
    })
    .catch(async (error: Error) => {
      log.error({ reason: error.message }, 'configuration refused; the old one stays in force');
      await house.world.records.audit.record({ event: 'sys_config_refused', outcome: 'failure', actor: 'system' });
    });
}

async function stop(house: House, listening: Listening, log: Log, signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  process.once(signal, () => process.exit(1));
  await listening.drain(DRAIN);
  await house.world.records.audit.record({ event: 'sys_shutdown', outcome: 'success', actor: 'system' });
  await house.close();
  log.info('stopped');
  process.exit(0);
}
