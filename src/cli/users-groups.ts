// `countersign user groups | attributes`: what services are told of a person beyond their name.
import type { Command } from 'commander';
import { changeAttributes, changeGroups } from '../usecases/change-groups.ts';
import { type UserCommandDeps, withPerson } from './user-answers.ts';

/** What is said where a group cannot be. */
export const BAD_GROUP =
  'a group has 1 to 64 characters that can be seen and no ";", and a person is in at most 100 groups';

/** What is said where an attribute cannot be. */
export const BAD_ATTRIBUTE =
  'an attribute is NAME=VALUE: a name of a-z, 0-9 and "_", a value of 1 to 256 characters that can be seen; at most 32 a person';

/** `NAME=VALUE` words as a map; what has no "=" gets an empty value, which no attribute has. */
export function pairs(words: readonly string[]): { [name: string]: string } {
  return Object.fromEntries(words.map((word) => [word.split('=', 1)[0] ?? '', word.split('=').slice(1).join('=')]));
}

/** Adds the two commands to `user`. */
export function addGroupCommands(user: Command, deps: UserCommandDeps): void {
  const config = ['--config <folder>', 'configuration folder'] as const;
  const json = ['--json', 'as JSON'] as const;

  user
    .command('groups <login>')
    .description('the groups of a person; with options, changes them first')
    .option('--add <group...>', 'put the person into groups')
    .option('--remove <group...>', 'take the person out of groups')
    .option('--set <group...>', 'these groups and no others')
    .option('--clear', 'no group at all, before any --add')
    .option(...json)
    .option(...config)
    .action((login: string, { add = [], remove = [], set, clear, ...options }: GroupOptions) => {
      if (set && (clear || remove.length > 0 || add.length > 0)) deps.fail('--set stands alone');
      return withPerson(deps, login, options.config, async (world, found) => {
        const begin = clear ? [] : set;
        const changed = await changeGroups(world, found, { add, remove, ...(begin && { set: begin }) });
        if (!changed.ok) return deps.fail(BAD_GROUP);
        const { groups, added, removed } = changed;
        if (options.json)
          return deps.print(JSON.stringify({ login: found.login, id: found.id, groups, added, removed }));
        for (const group of groups) deps.print(group);
        if (groups.length === 0) deps.print(`${found.login} is in no group`);
      });
    });

  user
    .command('attributes <login>')
    .description('what else is kept of a person, for claims; with options, changes it first')
    .option('--set <name=value...>', 'set attributes')
    .option('--remove <name...>', 'remove attributes')
    .option(...json)
    .option(...config)
    .action((login: string, { set = [], remove = [], ...options }: AttributeOptions) =>
      withPerson(deps, login, options.config, async (world, found) => {
        const changed = await changeAttributes(world, found, { set: pairs(set), remove });
        if (!changed.ok) return deps.fail(BAD_ATTRIBUTE);
        const { attributes } = changed;
        if (options.json) return deps.print(JSON.stringify({ login: found.login, id: found.id, attributes }));
        for (const [name, value] of Object.entries(attributes)) deps.print(`${name}=${value}`);
        if (Object.keys(attributes).length === 0) deps.print(`nothing more is kept of ${found.login}`);
      }),
    );
}

interface GroupOptions {
  add?: string[];
  remove?: string[];
  set?: string[];
  clear?: true;
  json?: true;
  config?: string;
}

interface AttributeOptions {
  set?: string[];
  remove?: string[];
  json?: true;
  config?: string;
}
