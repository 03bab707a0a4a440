// `countersign client …`: plays a client of the configuration against the running provider, to see what its service will see.
import type { Command } from 'commander';
import { addTryCommand } from './client-try.ts';

/** Adds the `client` commands to the program. */
export function addClientCommands(program: Command): void {
  const client = program.command('client').description('a client of the configuration: try it');
  addTryCommand(client);
}
