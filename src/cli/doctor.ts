// `countersign doctor`: one plain line for each thing that a server needs, and an exit code for scripts.
import type { Command } from 'commander';
import { examine, type Finding } from '../app/examine.ts';
import { systemClock } from '../platform/clock.ts';
import { type ConfigCommandDeps, processDeps } from './config.ts';
import { readSettings } from './read-settings.ts';

/** Findings as lines, the names in a column. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings.map(({ check, status, detail }) => `${status.padEnd(4)}  ${check.padEnd(width)}  ${detail}`);
}

/** Adds `doctor` to the program. It ends with 1 where something fails; what is only warned of ends with 0. */
export function addDoctorCommand(program: Command, deps: ConfigCommandDeps = processDeps): void {
  program
    .command('doctor')
    .description('look at configuration, keys, stores, clocks, issuer, mail and outbound calls; change nothing')
    .option('--config <folder>', 'configuration folder')
    .option('--json', 'print the findings as JSON')
    .action(async (options: { config?: string; json?: boolean }) => {
      const findings = await diagnose(options.config);
      if (options.json) deps.print(JSON.stringify(findings, null, 2));
      else for (const line of findingLines(findings)) deps.print(line);
      deps.exitCode(findings.some(({ status }) => status === 'fail') ? 1 : 0);
    });
}

async function diagnose(folder: string | undefined): Promise<Finding[]> {
  try {
    const settings = await readSettings(folder, 'told');
    const detail = `${settings.clients.length} services, issuer ${settings.server.issuer}`;
    return [{ check: 'config', status: 'ok', detail }, ...(await examine(settings, systemClock))];
  } catch (error) {
    // Nothing else can be looked at without settings. Each mistake is a line of its own.
    return (error as Error).message.split('\n').map((detail): Finding => ({ check: 'config', status: 'fail', detail }));
  }
}
