#!/usr/bin/env node
// Reads the command line, and loads only what the named command needs: a server should not read the code of the headless phone first.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addCommands } from './cli/commands.ts';

/** Of package.json; the build takes it along. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('countersign')
  .description('An OpenID Connect provider with step-up, and its own phone app as the second factor')
  .version(version)
  .showHelpAfterError();

const print = (line: string) => void process.stdout.write(`${line}\n`);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};

const asked = process.argv[2] ?? '';

/** What a shell tells of a program that wrote to somebody who had gone (128 and SIGPIPE), such as `… | head`. */
const NOBODY_READS = 141;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // A server goes on for those who sign in, whoever read its words.
    if (asked !== 'serve') process.exit(NOBODY_READS);
  });

await addCommands(program, asked, { print, fail });

program.parseAsync().catch((error: Error) => fail(error.message));
