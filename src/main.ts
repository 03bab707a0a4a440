#!/usr/bin/env node
// Reads the command line, and loads only what the named command needs: a server should not read the code of the headless phone first.
import { Command } from 'commander';
import { addCommands } from './cli/commands.ts';

const program = new Command('countersign')
  .description('An OpenID Connect provider with step-up, and its own phone app as the second factor')
  .showHelpAfterError();

const print = (line: string) => void process.stdout.write(`${line}\n`);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};

await addCommands(program, process.argv[2] ?? '', { print, fail });

program.parseAsync().catch((error: Error) => fail(error.message));
