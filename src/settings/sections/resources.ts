// resources/*.yaml: services that take our access tokens (RFC 8707), and the levels that their scopes need.
import { z } from 'zod';
import type { ResourceSettings } from '../settings.ts';
import { claimsSchema, resolveClaims } from './claims.ts';
import { duration, present, text } from './pieces.ts';

export const resourceSchema = z
  .strictObject({
    identifier: text().describe(
      'The absolute URI that requests name as resource and that tokens carry as aud; without a fragment.',
    ),
    name: z.string().min(1).max(80).describe('The name that people read.'),
    scopes: z
      .record(
        z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'a scope has no spaces, quotes or backslashes'),
        z.strictObject({
          level: text().optional().describe('The level that a request for this scope needs.'),
          description: z
            .string()
            .min(1)
            .max(120)
            .optional()
            .describe('What the scope allows, as the consent page says it.'),
        }),
      )
      .prefault({})
      .describe('The scopes of this resource.'),
    level: text().optional().describe('The level that every token for this resource needs.'),
    token_format: z
      .enum(['jwt', 'opaque'])
      .prefault('jwt')
      .describe('"jwt": the resource checks the token itself; "opaque": it asks us (introspection).'),
    introspection_clients: z
      .array(text())
      .prefault([])
      .describe('Clients (client_id) that may ask us about tokens for this resource.'),
    claims: claimsSchema('in access tokens for this resource, and in what introspection says of them'),
    access_token: duration('30s', '24h')
      .optional()
      .describe('How long its access tokens live, where it differs from lifetimes.yaml.'),
  })
  .describe('A service that takes our access tokens.');

export type ResourceFile = z.output<typeof resourceSchema>;

/** As the house reads it. */
export function resolveResource(resource: ResourceFile, file: string): ResourceSettings {
  const { identifier, name, level, token_format, introspection_clients, access_token, claims } = resource;
  const scopes = Object.fromEntries(Object.entries(resource.scopes).map(([scope, about]) => [scope, present(about)]));
  return {
    identifier,
    name,
    scopes,
    tokenFormat: token_format,
    introspectionClients: introspection_clients,
    claims: resolveClaims(claims),
    file,
    ...present({ level, accessToken: access_token }),
  };
}
