// The reference of the configuration (docs/reference/configuration.md), made from the schemas.
import { type JsonSchema, jsonSchemas } from './schema.ts';

const OPENING = `# Configuration

<!-- Made from the schemas by "countersign config reference". Do not edit: a test compares. -->

A configuration is a folder of YAML files. Every file may be missing except \`server.yaml\` (and, without \`demo: true\`, \`keys.yaml\` and \`mail.yaml\`);
every key that is not marked *required* has a default. Keys that we do not know are refused.

- The folder is \`config\`, or what \`--config\` or the environment variable \`COUNTERSIGN_CONFIG\` names. Paths in the files are relative to it.
- Durations are text: \`30s\`, \`5m\`, \`12h\`, \`90d\`.
- A secret is written inline, as \`\${env:NAME}\`, or in a file that a \`*_file\` key names. \`NAME_FILE\` in the environment works like \`NAME\`; both at once is a mistake.
- \`PORT\`, \`HOST\`, \`DATABASE_URL\` and \`REDIS_URL\` (the last two also with \`_FILE\`) win over the files.
- \`countersign config check\` tells every mistake with file, line, key, rule and value. \`countersign config schema\` writes the schemas for your editor;
  \`# yaml-language-server: $schema=schema/server.json\` in the first line of a file names its own.
`;

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function kind(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema['x-range']) return `duration, ${schema['x-range']}`;
  if (schema.type === 'integer') return `whole number, ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'array') return `list of ${schema.items?.type === 'object' ? 'maps' : kind(schema.items ?? {})}`;
  if (schema.type === 'object') return 'map';
  if (schema.type === 'boolean') return '`true` or `false`';
  return schema.maxLength === undefined ? 'text' : `text, at most ${schema.maxLength} characters`;
}

function fallback(schema: JsonSchema, required: boolean): string {
  if (required) return '*required*';
  if (schema.default === undefined) return '';
  const text = JSON.stringify(schema.default);
  if (text === '{}') return '';
  return text.length > 60 ? 'see [levels](../levels.md)' : `\`${text.replace(/^"(.*)"$/, '$1')}\``;
}

function rows(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const key = `${prefix}${name}`;
    const required = schema.required?.includes(name) === true && inner.default === undefined;
    const row = `| \`${key}\` | ${cell(kind(inner))} | ${cell(fallback(inner, required))} | ${cell(inner.description ?? '')} |`;
    const each =
      typeof inner.additionalProperties === 'object' ? rows(inner.additionalProperties, `${key}.<name>.`) : [];
    const items = inner.items?.properties ? rows(inner.items, `${key}[].`) : [];
    return [row, ...rows(inner, `${key}.`), ...items, ...each];
  });
}

/** The reference as Markdown. */
export function reference(): string {
  const parts = jsonSchemas().map(
    ({ file, schema }) =>
      `## \`${file}\`\n\n${schema.description ?? ''}\n\n| key | value | default | meaning |\n|---|---|---|---|\n${rows(schema, '').join('\n')}\n`,
  );
  return [OPENING, ...parts].join('\n');
}
