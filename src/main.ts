#!/usr/bin/env node
// Reads the command line, and loads only what the named command needs: a server should not read the code of the headless phone first.
import { Command } from 'commander';

const program = new Command('countersign')
  .description('An OpenID Connect provider with step-up, and its own phone app as the second factor')
  .showHelpAfterError();

const print = (line: string) => void process.stdout.write(`${line}\n`);
const fail = (line: string): never => {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};

/** Each command by its name, in the order of the help. */
const COMMANDS: { readonly [name: string]: () => Promise<void> } = {
  serve: async () => (await import('./cli/serve.ts')).addServeCommand(program),
  init: async () => (await import('./cli/init.ts')).addInitCommand(program),
  config: async () => (await import('./cli/config.ts')).addConfigCommands(program),
  keys: async () => (await import('./cli/keys.ts')).addKeyCommands(program),
  db: async () => (await import('./cli/database.ts')).addDatabaseCommands(program, print),
  doctor: async () => (await import('./cli/doctor.ts')).addDoctorCommand(program),
  user: async () => {
    const [{ addUserCommands }, { withWorld }] = await Promise.all([
      import('./cli/users.ts'),
      import('./cli/with-world.ts'),
    ]);
    addUserCommands(program, { withWorld, print, fail });
  },
  audit: async () => (await import('./cli/audit.ts')).addAuditCommands(program),
  explain: async () => (await import('./cli/explain.ts')).addExplainCommand(program),
  client: async () => (await import('./cli/client.ts')).addClientCommands(program),
  ciba: async () => (await import('./cli/ciba.ts')).addCibaCommand(program),
  device: async () => (await import('./cli/device.ts')).addDeviceCommand(program),
  phone: async () => (await import('./cli/phone.ts')).addPhoneCommands(program),
};

const asked = process.argv[2] ?? '';
for (const [name, add] of Object.entries(COMMANDS)) {
  // Where it is none of them the help is wanted, or a word that should be told from all of them.
  if (name === asked || !Object.hasOwn(COMMANDS, asked)) await add();
}

program.parseAsync().catch((error: Error) => fail(error.message));
