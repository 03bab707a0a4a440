// storage.yaml: where things are kept.
import { z } from 'zod';
import { secretKeys, text, whole } from './pieces.ts';

/** What both forms of several Redis servers have. */
const redisAccess = {
  username: text().optional().describe('The user that we are to Redis (ACL); the default one where it is missing.'),
  ...secretKeys('password', 'The password for Redis.'),
  tls: z.boolean().prefault(false).describe('Encrypt the connections, and check the names of the servers.'),
};
const nodes = (what: string) =>
  z.array(text()).min(1).describe(`${what}, each as host:port; one that answers is enough.`);

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
        ...secretKeys(
          'url',
          'The address of PostgreSQL, postgres://user:password@host:5432/name; of several hosts (host1:5432,host2:5432) the primary is used. DATABASE_URL wins.',
        ),
        pool_max: whole(1, 200).prefault(10).describe('At most so many connections to PostgreSQL from one node.'),
      })
      .prefault({})
      .describe('What lasts: people, phones, grants, audit.'),
    state: z
      .strictObject({
        kind: z
          .enum(['embedded', 'redis'])
          .optional()
          .describe(
            '"embedded" (in this process, one node) or "redis"; found out from the other keys where it is missing.',
          ),
        ...secretKeys('url', 'The address of Redis, redis://… or rediss://…; REDIS_URL wins.'),
        ca_file: text()
          .optional()
          .describe(
            'The authorities that sign the certificates of Redis and Sentinel, PEM, relative to the configuration folder; those that Node knows where it is missing.',
          ),
        sentinel: z
          .strictObject({
            name: text().describe('The name under which Sentinel watches the primary, such as mymaster.'),
            nodes: nodes('The Sentinels'),
            database: whole(0, 1_000_000).prefault(0).describe('The number of the logical database.'),
            ...redisAccess,
            sentinel_username: text().optional().describe('The user that we are to Sentinel.'),
            ...secretKeys('sentinel_password', 'The password for Sentinel itself.'),
          })
          .optional()
          .describe('A primary with replicas that Redis Sentinel watches, instead of url.'),
        cluster: z
          .strictObject({ nodes: nodes('Members of the cluster'), ...redisAccess })
          .optional()
          .describe('A Redis Cluster, instead of url.'),
      })
      .prefault({})
      .describe('What may be lost: sessions, requests under way, limits.'),
  })
  .describe('Where things are kept: embedded by default, or PostgreSQL and Redis.');

export type StorageFile = z.output<typeof storageSchema>;
