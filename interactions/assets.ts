// Where the built scripts and styles of the pages are: names from Vite's manifest, so that a page never guesses a hash.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Addresses of built files. */
export interface Assets {
  /** Address of an entry: `login` for interactions/login/script.ts, `pages` for the style sheet. @throws Error where it was not built. */
  url(entry: string): string;
}

/** Where the browser finds built files. */
export const ASSETS_PATH = '/assets/';

/**
 * Reads the manifest of a build.
 * @param folder `dist/assets`.
 * @throws Error with the command to run where nothing was built.
 */
export function loadAssets(folder: string): Assets {
  const path = join(folder, 'manifest.json');
  if (!existsSync(path))
    throw new Error(`the scripts of the pages are not built (${path} is missing): run npm run build`);
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { [source: string]: { file: string } };
  const files = new Map(Object.entries(manifest).map(([source, entry]) => [entryName(source), entry.file]));
  return {
    url: (entry) => {
      const file = files.get(entry);
      if (file === undefined) throw new Error(`no built file for ${entry}: run npm run build`);
      return `${ASSETS_PATH}${file}`;
    },
  };
}

/** interactions/login/script.ts → login; interactions/assets/pages.css → pages. */
function entryName(source: string): string {
  return /interactions\/(\w+)\/script\.ts$/.exec(source)?.[1] ?? /([\w-]+)\.css$/.exec(source)?.[1] ?? source;
}
