// What docs/relying-services/errors.md says of an error, for who meets it in a terminal. The build takes the page along.
import { readFileSync } from 'node:fs';

const PAGE = 'docs/relying-services/errors.md';

/** The page's section on an error code, and where it stands; a sentence about the page where it has none. */
export function explainError(code: string): { text: string; page: string } {
  const page = `${PAGE}#${code}`;
  const text = sections().get(code) ?? 'The page of errors does not know it.';
  return { text, page };
}

function sections(): Map<string, string> {
  const parts = readFileSync(new URL(`../../${PAGE}`, import.meta.url), 'utf8').split(/^## /m);
  return new Map(
    parts.flatMap((part) => {
      const [, code, text] = /^`([a-z_]+)`\n([\s\S]+)$/.exec(part) ?? [];
      return code === undefined || text === undefined ? [] : [[code, plain(text)]];
    }),
  );
}

/** Its Markdown as text of one paragraph, without the list of descriptions: who asks has one of them already. */
function plain(text: string): string {
  return text
    .replace(/^- `[\s\S]*$/m, '')
    .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replace(/[`*]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
