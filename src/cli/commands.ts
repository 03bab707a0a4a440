// Each command by its name, loaded only when it is asked for.
import type { Command } from 'commander';

/** How commands that take no words of their own speak. */
export interface Speech {
  print(line: string): void;
  /** Tells it as a mistake, and ends the process. */
  fail(line: string): never;
}

type Add = (program: Command, speech: Speech) => Promise<void>;

/** In the order of the help. */
const COMMANDS: { readonly [name: string]: Add } = {
  serve: async (program) => (await import('./serve.ts')).addServeCommand(program),
  init: async (program) => (await import('./init.ts')).addInitCommand(program),
  config: async (program) => (await import('./config.ts')).addConfigCommands(program),
  keys: async (program) => (await import('./keys.ts')).addKeyCommands(program),
  db: async (program, { print }) => (await import('./database.ts')).addDatabaseCommands(program, print),
  doctor: async (program) => (await import('./doctor.ts')).addDoctorCommand(program),
  user: async (program, { print, fail }) => {
    const [{ addUserCommands }, { withWorld }] = await Promise.all([import('./users.ts'), import('./with-world.ts')]);
    addUserCommands(program, { withWorld, print, fail });
  },
  audit: async (program) => (await import('./audit.ts')).addAuditCommands(program),
  explain: async (program) => (await import('./explain.ts')).addExplainCommand(program),
  client: async (program) => (await import('./client.ts')).addClientCommands(program),
  ciba: async (program) => (await import('./ciba.ts')).addCibaCommand(program),
  device: async (program) => (await import('./device.ts')).addDeviceCommand(program),
  phone: async (program) => (await import('./phone.ts')).addPhoneCommands(program),
};

/**
 * Adds the command that is asked for to the program.
 * @param asked its name. Where it is none of them the help is wanted, or a word that should be told from all of them: then all are added.
 */
export async function addCommands(program: Command, asked: string, speech: Speech): Promise<void> {
  for (const [name, add] of Object.entries(COMMANDS))
    if (name === asked || !Object.hasOwn(COMMANDS, asked)) await add(program, speech);
}
