// How a language counts: what its plurals must tell apart, by CLDR.
import type { IntlMessageFormat } from 'intl-messageformat';

type Ast = ReturnType<IntlMessageFormat['getAst']>;
type Part = { type: number; options?: { [name: string]: { value: Ast } }; children?: Ast };

/** Whole numbers that a page or the app may show. */
const COUNTS = Array.from({ length: 200 }, (_, count) => count);

/** Kinds of number that a message lacks, or names and the language does not have; a plural with `other` alone is a number that never is one. */
export function wrongPlurals(ast: Ast, language: string): string[] {
  const rules = new Intl.PluralRules(language);
  const needed = new Set(COUNTS.map((count) => rules.select(count)));
  const known = new Set<string>(rules.resolvedOptions().pluralCategories);
  const walk = (parts: Ast): string[] =>
    (parts as unknown as Part[]).flatMap(({ type, options = {}, children = [] }) => {
      const inner = [...Object.values(options).map(({ value }) => value), children].flatMap(walk);
      // 6 is a plural; `=0` and the like stand beside the language's own kinds.
      const kinds = Object.keys(options).filter((kind) => !kind.startsWith('='));
      if (type !== 6 || kinds.length === 1) return inner;
      const lacking = [...needed].filter((kind) => !kinds.includes(kind)).map((kind) => `lacks ${kind}`);
      const unknown = kinds.filter((kind) => !known.has(kind)).map((kind) => `has no ${kind}`);
      return [...inner, ...lacking, ...unknown];
    });
  return walk(ast);
}
