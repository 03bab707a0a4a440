// `countersign user …`: people, from the command line.
import type { Command } from 'commander';
import type { Device } from '../domain/device.ts';
import { LONGEST_PASSWORD, type PasswordProblem, passwordProblem } from '../domain/password-rules.ts';
import type { World } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import { addUser, inviteUser, removeUser, resetFactors, setUserState, unlockUser } from '../usecases/manage-users.ts';
import { shown, type UserCommandDeps, withPerson } from './user-answers.ts';
import { addGroupCommands, BAD_ATTRIBUTE, BAD_GROUP, pairs } from './users-groups.ts';
import { addTransferCommands } from './users-transfer.ts';

const ADD_PROBLEMS = {
  bad_login: 'a sign-in name has 1 to 256 characters and none that cannot be seen',
  login_taken: 'somebody has this sign-in name already',
  bad_email: 'this is not an e-mail address',
  bad_locale: 'a language is a tag such as "de" or "pt-BR"',
  bad_group: BAD_GROUP,
  bad_attribute: BAD_ATTRIBUTE,
} as const;

/** The rules are those of the pages: whoever is given a password here could not choose it there. */
const PASSWORD_PROBLEMS: { readonly [problem in PasswordProblem]: string } = {
  too_short: 'the password is shorter than password.min_length of methods.yaml',
  too_long: `the password is longer than ${LONGEST_PASSWORD} characters`,
  common: 'the password is one that everybody tries',
  personal: 'the password is hardly more than the name of the person or of this service',
  repeated: 'the password is one piece again and again, or keys in their order',
};

/** Adds the `user` commands to the program. */
export function addUserCommands(program: Command, deps: UserCommandDeps): void {
  const user = program
    .command('user')
    .description('add, import, list, show, invite, disable, unlock people; their groups; reset their phones');
  const json = ['--json', 'as JSON'] as const;
  /** An answer: a JSON document, or a line for people. */
  const tell = (options: { json?: true }, facts: object, line: string) =>
    deps.print(options.json ? JSON.stringify(facts) : line);
  addTransferCommands(user, deps);
  addGroupCommands(user, deps);
  const config = ['--config <folder>', 'configuration folder'] as const;

  user
    .command('add <login>')
    .description(
      'add a person; the password is read from standard input with --password-stdin, else an invitation is made',
    )
    .requiredOption('--name <name>', 'full name')
    .option('--email <address>', 'e-mail address')
    .option('--locale <tag>', 'language, as a BCP 47 tag')
    .option('--group <group...>', 'groups that the person is in')
    .option('--attribute <name=value...>', 'what else is kept of them, for claims')
    .option('--password-stdin', 'read the password from standard input')
    .option(...json)
    .option(...config)
    .action(
      async (
        login: string,
        options: {
          name: string;
          email?: string;
          locale?: string;
          group?: string[];
          attribute?: string[];
          passwordStdin?: true;
          json?: true;
          config?: string;
        },
      ) => {
        const password = options.passwordStdin ? await readAll(process.stdin) : undefined;
        if (password === '') deps.fail('--password-stdin: there was no password on standard input; nobody was added');
        const { name, email, locale } = options;
        const wanted = {
          login,
          name,
          ...(email && { email }),
          ...(locale && { locale }),
          ...(password && { password }),
          ...(options.group && { groups: options.group }),
          ...(options.attribute && { attributes: pairs(options.attribute) }),
        };
        await deps.withWorld(options.config, async (world, issuer, { methods, branding }) => {
          const context = [login, name, email ?? '', branding.name];
          const { minLength } = methods.password;
          const problem = password ? passwordProblem(password, { minLength, context }) : undefined;
          if (problem) deps.fail(`--password-stdin: ${PASSWORD_PROBLEMS[problem]}; nobody was added`);
          const added = await addUser(world, wanted);
          if (!added.ok) deps.fail(ADD_PROBLEMS[added.why]);
          const invited = password ? undefined : await invitation(world, added.user, issuer);
          tell(options, { ...shown(added.user), ...invited }, `added ${added.user.login} (${added.user.id})`);
          if (invited && !options.json) printInvitation(added.user, invited);
        });
      },
    );

  const invitation = async (world: World, found: User, issuer: string) => {
    const { token, days } = await inviteUser(world, found);
    return { invitation: `${issuer}/invitation#${token}`, days };
  };
  const printInvitation = (found: User, made: { invitation: string; days: number }) => {
    deps.print(`invitation, for ${found.login} alone, good for ${made.days} days and one use:`);
    deps.print(made.invitation);
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
    .command('show <login>')
    .description('one person, with phones and what is counted against them')
    .option(...json)
    .option(...config)
    .action((login: string, options: Options) =>
      withPerson(deps, login, options.config, async (world, found) => {
        const phones = (await world.records.devices.ofUser(found.id)).map(shownPhone);
        const facts = {
          ...shown(found),
          always_second_factor: found.alwaysSecondFactor,
          wrong_numbers: found.wrongNumbers,
          offline_failures: found.offlineFailures,
          phones,
        };
        if (options.json) deps.print(JSON.stringify(facts, null, 2));
        else for (const line of described(facts)) deps.print(line);
      }),
    );

  /** A command about one person. */
  const about = (
    name: string,
    description: string,
    work: (world: World, found: User, issuer: string) => Promise<{ facts: object; lines: string[] }>,
  ) =>
    user
      .command(`${name} <login>`)
      .description(description)
      .option(...json)
      .option(...config)
      .action((login: string, options: Options) =>
        withPerson(deps, login, options.config, async (world, found, issuer) => {
          const { facts, lines } = await work(world, found, issuer);
          if (options.json) deps.print(JSON.stringify({ login: found.login, id: found.id, ...facts }));
          else for (const line of lines) deps.print(line);
        }),
      );
  const phonesOf = (count: number) => `${count} phone${count === 1 ? '' : 's'}`;

  about('invite', 'make a one-time link by which the person sets a password', async (world, found, issuer) => {
    const made = await invitation(world, found, issuer);
    const first = `invitation, for ${found.login} alone, good for ${made.days} days and one use:`;
    return { facts: made, lines: [first, made.invitation] };
  });
  about('disable', 'sign the person out everywhere and let them in no more', async (world, found) => {
    await setUserState(world, found, 'disabled');
    return { facts: { state: 'disabled' }, lines: [`disabled ${found.login}; every session and token has ended`] };
  });
  about('enable', 'let a disabled person in again', async (world, found) => {
    await setUserState(world, found, 'active');
    return { facts: { state: 'active' }, lines: [`enabled ${found.login}`] };
  });
  about('remove', 'delete a disabled person and everything that is kept of them, for good', async (world, found) => {
    if (!(await removeUser(world, found)))
      deps.fail(`${found.login} is not disabled: "countersign user disable ${found.login}" comes first`);
    return { facts: { state: 'removed' }, lines: [`removed ${found.login}; the sign-in name is free`] };
  });
  about('unlock', 'unlock phones that wrong PINs locked, and forget wrong tries', async (world, found) => {
    const { unlocked, cloned } = await unlockUser(world, found);
    const copies = cloned > 0 ? [`${phonesOf(cloned)} stay locked as copies: "user reset-factor" removes them`] : [];
    return { facts: { unlocked, cloned }, lines: [`unlocked ${phonesOf(unlocked)} of ${found.login}`, ...copies] };
  });
  about(
    'reset-factor',
    'remove every phone of a person who lost theirs; a new one needs the second proof of methods.yaml',
    async (world, found) => {
      const phones = await resetFactors(world, found);
      return {
        facts: { removed: phones },
        lines: [`removed ${phonesOf(phones)} of ${found.login}; every session has ended`],
      };
    },
  );
}

interface Options {
  json?: true;
  config?: string;
}

function shownPhone(device: Device) {
  const { id, name, state, lockReason } = device;
  return { id, name, state, ...(lockReason === undefined ? {} : { lock_reason: lockReason }) };
}

/** Facts a line each; a list as lines below its name. */
function described(facts: object): string[] {
  return Object.entries(facts).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value !== 'object') return [`${name}: ${String(value)}`];
    const lines = Array.isArray(value)
      ? value.map(line)
      : Object.entries(value as object).map(([key, text]) => `${key}: ${text}`);
    return [`${name}: ${lines.length}`, ...lines.map((text) => `  ${text}`)];
  });
}

function line(one: unknown): string {
  return typeof one === 'string' ? one : Object.values(one as object).join('  ');
}

async function readAll(stream: NodeJS.ReadStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text.replace(/\r?\n$/, '');
}
