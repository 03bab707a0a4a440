// The law of the house, checked by reading the sources: floors, circles, time and dice, names, first lines.
import { expect } from 'chai';
import { BROWSER_SCRIPT, EMPTY_NAMES, FLOORS, MAY_ASK_THE_MACHINE, SHARED_WITH_PHONE } from './floors.ts';
import { codeOf, type Source, sourcesOf } from './sources.ts';

const server = sourcesOf('src', 'interactions', 'migrations').filter(({ path }) => !path.endsWith('vite.config.ts'));
const phone = sourcesOf('phone');
const packages = sourcesOf('packages');
const everything = [...server, ...phone, ...sourcesOf('examples', 'bench', 'test', 'packages')];

function floorOf(path: string): number | undefined {
  return FLOORS.find(({ paths }) => paths.some((start) => path.startsWith(start)))?.floor;
}

/** Imports that go up, one line each. */
function climbs(sources: Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports
      .filter((target) => (floorOf(target.path) ?? Number.POSITIVE_INFINITY) > (floorOf(path) ?? -1))
      .map((target) => `${path} (floor ${floorOf(path)}) imports ${target.path} (floor ${floorOf(target.path)})`),
  );
}

/** The first circle of imports that is left when the program runs; undefined where there is none. */
function circle(sources: Source[]): string | undefined {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  function walk(path: string, way: string[]): string | undefined {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path].join(' → ');
    if (done.has(path)) return undefined;
    for (const target of byPath.get(path)?.imports ?? []) {
      const found = target.types ? undefined : walk(target.path, [...way, path]);
      if (found !== undefined) return found;
    }
    done.add(path);
    return undefined;
  }
  for (const { path } of sources) {
    const found = walk(path, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Lines of code that match, as `file:line`. */
function lines(sources: Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) =>
    codeOf(text)
      .split('\n')
      .flatMap((line) => (pattern.test(line) ? [`${path}: ${line.trim()}`] : [])),
  );
}

describe('architecture', () => {
  it('puts every file of the server on a floor', () => {
    expect(server.filter(({ path }) => floorOf(path) === undefined).map(({ path }) => path)).to.deep.equal([]);
  });

  it('lets a file import its own floor or a lower one', () => {
    expect(climbs(server)).to.deep.equal([]);
  });

  it('shares the wire alone with the phone', () => {
    const outside = phone.flatMap(({ path, imports }) =>
      imports
        .filter(
          (target) =>
            !target.path.startsWith('phone/') && !SHARED_WITH_PHONE.some((start) => target.path.startsWith(start)),
        )
        .map((target) => `${path} imports ${target.path}`),
    );
    expect(outside).to.deep.equal([]);
  });

  it('lets a package stand alone: its own files, and what its package.json names', () => {
    const outside = packages.flatMap(({ path, text, imports }) => {
      const home = path.split('/').slice(0, 3).join('/');
      const named = [...text.matchAll(/^(?:import|export)[^'"]*from '([^.'][^']*)'/gm)].map(([, name = '']) => name);
      return [
        ...imports.map((target) => target.path).filter((target) => !target.startsWith(home)),
        ...named.filter((name) => !name.startsWith('node:') && name !== 'jose'),
      ].map((target) => `${path} imports ${target}`);
    });
    expect(packages).to.not.deep.equal([]);
    expect(outside).to.deep.equal([]);
  });

  it('has no circles', () => {
    expect(circle(server)).to.equal(undefined);
    expect(circle(phone)).to.equal(undefined);
    expect(circle(packages)).to.equal(undefined);
  });

  it('takes time and dice from the ports', () => {
    const bound = server.filter(({ path }) => !MAY_ASK_THE_MACHINE.test(path) && !BROWSER_SCRIPT.test(path));
    expect(
      lines(bound, /\bDate\.now\b|\bMath\.random\b|\brandomUUID\b|\bnew Date\(\s*\)|\brandomBytes\b/),
    ).to.deep.equal([]);
  });

  it('has no any and no non-null assertion', () => {
    expect(lines(everything, /(:|<|\bas)\s*any\b|[\w)\]]!(\.|;|,|\)|\[)/)).to.deep.equal([]);
  });

  it('begins every file with one sentence about it', () => {
    const silent = everything.filter(({ text }) => !/^(#!.*\n)?(\/\/|\/\*\*?) ?\S.{15,}/.test(text));
    expect(silent.map(({ path }) => path)).to.deep.equal([]);
  });

  it('names files by their subject', () => {
    expect(everything.filter(({ path }) => EMPTY_NAMES.test(path)).map(({ path }) => path)).to.deep.equal([]);
  });
});

describe('architecture: the checks themselves', () => {
  const file = (path: string, ...targets: string[]): Source => ({
    path,
    text: '',
    imports: targets.map((target) => ({ path: target, types: false })),
  });

  it('see an import that goes up', () => {
    expect(climbs([file('src/domain/a.ts', 'src/storage/b.ts')])).to.have.length(1);
    expect(climbs([file('src/storage/b.ts', 'src/domain/a.ts')])).to.have.length(0);
  });

  it('see a circle', () => {
    expect(circle([file('a.ts', 'b.ts'), file('b.ts', 'c.ts'), file('c.ts', 'a.ts')])).to.equal(
      'a.ts → b.ts → c.ts → a.ts',
    );
  });

  it('see code, not comments and not words in quotes', () => {
    const text = "const a = Date.now(); // Date.now\nconst b = 'Date.now';\n/* Date.now */";
    expect(lines([{ path: 'x.ts', text, imports: [] }], /Date\.now/)).to.deep.equal(['x.ts: const a = Date.now();']);
  });
});
