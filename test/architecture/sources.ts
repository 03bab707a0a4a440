// The source files of the house, and what each of them imports of the others.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** One file of TypeScript. */
export interface Source {
  path: string;
  text: string;
  /** Paths of our own files; `types` where only types are taken, which vanish when compiled. */
  imports: { path: string; types: boolean }[];
}

const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/g;

/** Every `.ts` and `.tsx` file below these folders; not what `npm pack` has compiled there. */
export function sourcesOf(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name) && !/(^|\/)(node_modules|dist)\//.test(name))
      .map((name) => read(join(folder, name))),
  );
}

function read(path: string): Source {
  const text = readFileSync(path, 'utf8');
  const to = (target: string) => normalize(join(dirname(path), target));
  const fixed = [...text.matchAll(IMPORT)].map(([, types, target = '']) => ({
    path: to(target),
    types: types !== undefined,
  }));
  // `import('./x.ts').Type` stands in types too: it counts for the floors, never for circles.
  const dynamic = [...text.matchAll(DYNAMIC)].map(([, target = '']) => ({ path: to(target), types: true }));
  return { path, text, imports: [...fixed, ...dynamic] };
}

/** The text without comments and without what stands in quotes: what is left is code. */
export function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")
    .replace(/(^|[^:])\/\/.*$/gm, '$1');
}
