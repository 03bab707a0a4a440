// Whatever stands in a file: loading answers, it never throws and never hangs.
import { expect } from 'chai';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { loadSettings } from '../../src/settings/load.ts';
import { formatProblem } from '../../src/settings/problems.ts';
import { jsonSchemas } from '../../src/settings/schema.ts';
import { nearest } from '../../src/settings/spelling.ts';
import { folderOf } from './folders.ts';

const FILES = [
  'server',
  'storage',
  'keys',
  'levels',
  'methods',
  'devices',
  'lifetimes',
  'branding',
  'mail',
  'limits',
  'outbound',
];
const PATHS = [...FILES.map((name) => `${name}.yaml`), 'clients/a.yaml', 'resources/a.yaml'];

/** Every key of every schema, so that random maps reach the checks behind the first one. */
function words(): string[] {
  const found = JSON.stringify(jsonSchemas()).matchAll(/"([a-z_]{2,40})":\{"(?:description|default)"/g);
  return [...new Set([...found].map(([, word]) => word ?? ''))];
}

const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '5m',
    '12h',
    'https://a.example.org',
    'http://localhost:1',
    'org.a:/x',
    'postgres://a:%zz@b/c',
    'redis://x',
    '\u0024{env:X}',
    '${env:',
    '::1/8',
  ),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom(...words(), '__proto__', 'constructor', 'toString'), fc.string({ maxLength: 6 })),
      tie('any'),
      { maxKeys: 6 },
    ),
  ),
})).any;

function answers(files: Record<string, string>): void {
  const loaded = loadSettings(folderOf(files), { X: 'x' });
  const lines = loaded.ok ? [] : loaded.problems.map(formatProblem);
  expect(loaded.ok || lines.length > 0).to.equal(true);
}

describe('settings: random files', () => {
  it('random text never throws', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .array(
          fc.constantFrom(
            'a',
            ':',
            ' ',
            '\n',
            '-',
            '[',
            '{',
            '}',
            '"',
            "'",
            '&',
            '*',
            '!',
            '|',
            '>',
            '#',
            '%',
            '\t',
            '? ',
            '<<',
            '---',
          ),
          { maxLength: 60 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), text, (path, content) =>
        answers({ 'server.yaml': 'issuer: https://id.example.org\n', [path]: content }),
      ),
      { numRuns: 400 },
    );
  });

  it('random values under known keys never throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), value, (path, content) =>
        answers({ 'server.yaml': 'issuer: https://id.example.org\n', [path]: stringify(content) ?? '' }),
      ),
      { numRuns: 400 },
    );
  });

  it('random values beside each other never throw', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...PATHS), value), { maxLength: 6 }), (entries) =>
        answers(Object.fromEntries(entries.map(([path, content]) => [path, stringify(content) ?? '']))),
      ),
      { numRuns: 150 },
    );
  });

  it('a suggestion is always one of the known words', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (written, known) =>
        [undefined, ...known].includes(nearest(written, known)),
      ),
    );
  });
});
