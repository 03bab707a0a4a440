// JSON Schema (draft 2020-12) of every file, made from the same schemas that check it: editors complete and check by it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FILES, FOLDERS } from './sections/index.ts';

/** A JSON Schema as a plain object. */
export interface JsonSchema {
  title?: string;
  description?: string;
  type?: string;
  properties?: { [name: string]: JsonSchema };
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  required?: string[];
  enum?: (string | number)[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  /** Ours: the bounds of a duration. */
  'x-range'?: string;
}

function made(schema: z.ZodType, title: string): JsonSchema {
  return { ...(z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema), title };
}

/** One schema for each kind of file, by the name of its schema file. */
export function jsonSchemas(): { name: string; file: string; schema: JsonSchema }[] {
  const single = Object.entries(FILES).map(([name, schema]) => ({
    name,
    file: `${name}.yaml`,
    schema: made(schema, `Countersign: ${name}.yaml`),
  }));
  return [
    ...single,
    {
      name: 'client',
      file: 'clients/<client_id>.yaml',
      schema: made(FOLDERS.clients, 'Countersign: clients/<client_id>.yaml'),
    },
    {
      name: 'resource',
      file: 'resources/<name>.yaml',
      schema: made(FOLDERS.resources, 'Countersign: resources/<name>.yaml'),
    },
  ];
}

/** The text of a schema file. */
export function schemaText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Writes every schema into a folder as `<name>.json`. @returns the files, in order. */
export function writeSchemas(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return jsonSchemas().map(({ name, schema }) => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, schemaText(schema));
    return file;
  });
}
