#!/usr/bin/env node
// Reads the command line.
import { Command } from 'commander';
import { addConfigCommands } from './cli/config.ts';
import { addDatabaseCommands } from './cli/database.ts';
import { addKeyCommands } from './cli/keys.ts';
import { addPhoneCommands } from './cli/phone.ts';
import { addServeCommand } from './cli/serve.ts';
import { addUserCommands } from './cli/users.ts';
import { withWorld } from './cli/with-world.ts';

const program = new Command('countersign')
  .description('An OpenID Connect provider with step-up, and its own phone app as the second factor')
  .showHelpAfterError();

const print = (line: string) => void process.stdout.write(`${line}\n`);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};

addServeCommand(program);
addConfigCommands(program);
addKeyCommands(program);
addDatabaseCommands(program, print);
addUserCommands(program, { withWorld, print, fail });
addPhoneCommands(program);

program.parseAsync().catch((error: Error) => fail(error.message));
