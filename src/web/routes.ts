// The pattern of a request's path, as metrics and traces name it: one of a fixed set, whatever a caller asks for.
import type { Context } from 'koa';

/** Paths of oidc-provider that hold nothing of a caller's making. */
const FIXED = new Set([
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/auth',
  '/jwks',
  '/me',
  '/request',
  '/session/end',
  '/session/end/confirm',
  '/session/end/success',
  '/token',
  '/token/introspection',
  '/token/revocation',
]);

/** The pattern: what our routers matched, a path of the provider, a folder of files, or `other`. */
export function routeOf(ctx: Context): string {
  const { _matchedRoute: matched } = ctx as { _matchedRoute?: unknown };
  if (typeof matched === 'string') return matched;
  const { path } = ctx;
  if (FIXED.has(path)) return path;
  if (/^\/auth\/[^/]+$/.test(path)) return '/auth/:uid';
  for (const folder of ['/assets/', '/phone/']) if (path.startsWith(folder)) return `${folder}*`;
  return 'other';
}
