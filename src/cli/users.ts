// `countersign user …`: people, from the command line.
import type { Command } from 'commander';
import type { World } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import { addUser, findUser, inviteUser, resetFactors, setUserState } from '../usecases/manage-users.ts';

/** What the commands are handed: a world for the length of one command, and where to write. */
export interface UserCommandDeps {
  /** Opens the storage that the settings name, runs the work, and closes it again. */
  withWorld<T>(folder: string | undefined, work: (world: World, issuer: string) => Promise<T>): Promise<T>;
  print(line: string): void;
  fail(line: string): never;
}

const ADD_PROBLEMS = {
  bad_login: 'a sign-in name has 1 to 256 characters and none that cannot be seen',
  login_taken: 'somebody has this sign-in name already',
  bad_email: 'this is not an e-mail address',
} as const;

/** Adds the `user` commands to the program. */
export function addUserCommands(program: Command, deps: UserCommandDeps): void {
  const user = program.command('user').description('add, list, invite, disable people; reset their phones');
  const config = ['--config <folder>', 'configuration folder'] as const;
  const one = (
    login: string,
    folder: string | undefined,
    work: (world: World, found: User, issuer: string) => Promise<void>,
  ) =>
    deps.withWorld(folder, async (world, issuer) => {
      const found = await findUser(world, login);
      if (!found) deps.fail(`nobody has the sign-in name "${login}"`);
      await work(world, found, issuer);
    });

  user
    .command('add <login>')
    .description(
      'add a person; the password is read from standard input with --password-stdin, else an invitation is made',
    )
    .requiredOption('--name <name>', 'full name')
    .option('--email <address>', 'e-mail address')
    .option('--locale <tag>', 'language, as a BCP 47 tag')
    .option('--password-stdin', 'read the password from standard input')
    .option(...config)
    .action(
      async (
        login: string,
        options: { name: string; email?: string; locale?: string; passwordStdin?: true; config?: string },
      ) => {
        const password = options.passwordStdin ? await readAll(process.stdin) : undefined;
        const { name, email, locale } = options;
        const wanted = {
          login,
          name,
          ...(email && { email }),
          ...(locale && { locale }),
          ...(password && { password }),
        };
        await deps.withWorld(options.config, async (world, issuer) => {
          const added = await addUser(world, wanted);
          if (!added.ok) deps.fail(ADD_PROBLEMS[added.why]);
          deps.print(`added ${added.user.login} (${added.user.id})`);
          if (!password) await invite(world, added.user, issuer);
        });
      },
    );

  const invite = async (world: World, found: User, issuer: string) => {
    const { token, days } = await inviteUser(world, found);
    deps.print(`invitation, for ${found.login} alone, good for ${days} days and one use:`);
    deps.print(`${issuer}/invitation#${token}`);
  };

  user
    .command('list')
    .description('everybody')
    .option('--json', 'as JSON')
    .option(...config)
    .action((options: { json?: true; config?: string }) =>
      deps.withWorld(options.config, async (world) => {
        const people = await world.records.users.list();
        if (options.json) deps.print(JSON.stringify(people.map(shown), null, 2));
        else
          for (const person of people)
            deps.print(`${person.login}\t${person.state}\t${person.name}\t${person.email ?? ''}`);
      }),
    );

  user
    .command('invite <login>')
    .description('make a one-time link by which the person sets a password')
    .option(...config)
    .action((login: string, options: { config?: string }) => one(login, options.config, invite));

  user
    .command('disable <login>')
    .description('sign the person out everywhere and let them in no more')
    .option(...config)
    .action((login: string, options: { config?: string }) =>
      one(login, options.config, async (world, found) => {
        await setUserState(world, found, 'disabled');
        deps.print(`disabled ${found.login}; every session and token has ended`);
      }),
    );

  user
    .command('enable <login>')
    .description('let a disabled person in again')
    .option(...config)
    .action((login: string, options: { config?: string }) =>
      one(login, options.config, async (world, found) => {
        await setUserState(world, found, 'active');
        deps.print(`enabled ${found.login}`);
      }),
    );

  user
    .command('reset-factor <login>')
    .description('remove every phone of a person who lost theirs; a new one needs the second proof of methods.yaml')
    .option(...config)
    .action((login: string, options: { config?: string }) =>
      one(login, options.config, async (world, found) => {
        const phones = await resetFactors(world, found);
        deps.print(`removed ${phones} phone${phones === 1 ? '' : 's'} of ${found.login}; every session has ended`);
      }),
    );
}

function shown(person: User) {
  const { id, login, name, email, locale, state, createdAt } = person;
  return { id, login, name, email, locale, state, created_at: new Date(createdAt).toISOString() };
}

async function readAll(stream: NodeJS.ReadStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text.replace(/\r?\n$/, '');
}
