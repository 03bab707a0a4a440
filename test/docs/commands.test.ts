// The pages for operators: every `countersign …` that they print is one that exists, with options that exist; every link leads to a file.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Command } from 'commander';
import { addCommands } from '../../src/cli/commands.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = ['README.md', 'CONTRIBUTING.md', ...pagesIn('docs'), ...pagesIn('packages')];

function pagesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md') && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const text = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** Commands of a page: of its shell blocks, without what follows a `#`, and those that stand in a sentence. */
function commands(page: string): string[] {
  const blocks = [...text(page).matchAll(/```(?:sh|console|bash)[^\n]*\n([\s\S]+?)```/g)].map(
    ([, block]) => block ?? '',
  );
  const spoken = [...text(page).matchAll(/`((?:countersign|node dist\/src\/main\.js) [^`]+)`/g)].map(
    ([, one]) => one ?? '',
  );
  return [...blocks, ...spoken]
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => line.replace(/\s#.*$/, '').split(/\s(?:\||&&)\s/))
    .map((line) => /(?:^|\s)(?:countersign|node dist\/src\/main\.js) (.+)$/.exec(line.trim())?.[1])
    .filter((command) => command !== undefined);
}

const program = new Command('countersign');

/** What `countersign PATH --help` says; undefined where there is no such command. */
function help(path: readonly string[]): string | undefined {
  const found = path.reduce<Command | undefined>(
    (command, name) => command?.commands.find((one) => one.name() === name),
    program,
  );
  return found?.helpInformation();
}

/** Why a command cannot be run as it is printed; empty where it can. */
function faults(command: string): string[] {
  const parts = command.split(/\s+/).filter((part) => part !== '');
  const path: string[] = [];
  let said = help([]);
  for (const part of parts) {
    if (
      said === undefined ||
      !new RegExp(`^ {2}${part.replace(/[^\w-]/g, '')}\\b`, 'm').test(said) ||
      part.startsWith('-')
    )
      break;
    path.push(part);
    said = help(path);
  }
  if (path.length === 0 && !parts[0]?.startsWith('-')) return [`there is no command "${parts[0]}"`];
  const rest = parts.slice(path.length);
  const group = said !== undefined && /^Commands:/m.test(said);
  return [
    ...(group && rest[0] !== undefined && !rest[0].startsWith('-') ? [`"${path.join(' ')}" has no "${rest[0]}"`] : []),
    ...rest
      .filter((part) => part.startsWith('--') && part !== '--')
      .map((part) => part.split('=')[0] ?? '')
      .filter((option) => !new RegExp(`(^|\\s)${option}\\b`, 'm').test(said ?? ''))
      .map((option) => `"${path.join(' ')}" has no ${option}`),
  ];
}

describe('the pages', function () {
  this.timeout(120_000);

  before(() =>
    addCommands(program, '', {
      print: () => undefined,
      fail: (line) => {
        throw new Error(line);
      },
    }),
  );

  it('print commands that exist, with options that exist', () => {
    const printed = PAGES.flatMap((page) => commands(page).map((command) => ({ page, command })));
    expect(printed.length).to.be.greaterThan(20);
    const wrong = printed.flatMap(({ page, command }) =>
      faults(command).map((fault) => `${page}: ${command}: ${fault}`),
    );
    expect(wrong).to.deep.equal([]);
    expect(faults('user nothing')).to.not.deep.equal([]);
    expect(faults('db migrate --nothing')).to.not.deep.equal([]);
  });

  it('lead only to files that are there', () => {
    const broken = PAGES.flatMap((page) =>
      [...text(page).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
        .map(([, to]) => to ?? '')
        .filter((to) => !existsSync(join(ROOT, dirname(page), to)))
        .map((to) => `${page}: ${to}`),
    );
    expect(broken).to.deep.equal([]);
  });
});
