// storage.yaml: where things are kept.
import { z } from 'zod';
import { secretKeys, text, whole } from './pieces.ts';

export const storageSchema = z
  .strictObject({
    database: z
      .strictObject({
        kind: z
          .enum(['embedded', 'postgres'])
          .optional()
          .describe('"embedded" (PGlite in a folder, one node) or "postgres"; found out from url where it is missing.'),
        folder: text()
          .optional()
          .describe('The folder of the embedded database; "database" in the data folder where it is missing.'),
        ...secretKeys('url', 'The address of PostgreSQL, postgres://user:password@host:5432/name; DATABASE_URL wins.'),
        pool_max: whole(1, 200).prefault(10).describe('At most so many connections to PostgreSQL from one node.'),
      })
      .prefault({})
      .describe('What lasts: people, phones, grants, audit.'),
    state: z
      .strictObject({
        kind: z
          .enum(['embedded', 'redis'])
          .optional()
          .describe('"embedded" (in this process, one node) or "redis"; found out from url where it is missing.'),
        ...secretKeys('url', 'The address of Redis, redis://… or rediss://…; REDIS_URL wins.'),
      })
      .prefault({})
      .describe('What may be lost: sessions, requests under way, limits.'),
  })
  .describe('Where things are kept: embedded by default, or PostgreSQL and Redis.');

export type StorageFile = z.output<typeof storageSchema>;
