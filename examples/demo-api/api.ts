// The demo API: payslips, for whoever comes with a token that says "password and phone, not long ago".
import Koa from 'koa';
import Router from 'koa-router';
import { levelGuard } from './level-guard.ts';

/** The scope that the demo service asks for. */
export const PAYSLIPS_SCOPE = 'payslips';

/** What is enough here: the level with the phone, or one above it. */
const ENOUGH = ['urn:countersign:acr:mfa', 'urn:countersign:acr:phr', 'urn:countersign:acr:phrh'];

/** A sign-in may be a quarter of an hour old. */
const MAX_AGE = 15 * 60;

const PAYSLIPS = [
  { month: 'September 2026', gross: '€ 3,420.00', net: '€ 2,371.18' },
  { month: 'October 2026', gross: '€ 3,420.00', net: '€ 2,371.18' },
  { month: 'November 2026', gross: '€ 3,580.00', net: '€ 2,462.90' },
];

/**
 * The API as a Koa application.
 * @param issuer of the access tokens.
 * @param audience our own identifier: that of the resource in the provider's configuration.
 */
export function demoApi(issuer: string, audience: string): Koa {
  const router = new Router({ prefix: new URL(audience).pathname });
  router.get('/', (ctx) => {
    ctx.body = 'The demo API. GET payslips with an access token (Authorization: Bearer …).\n';
  });
  const guard = levelGuard({ issuer, audience, scope: PAYSLIPS_SCOPE, acrValues: ENOUGH, maxAge: MAX_AGE });
  router.get('/payslips', guard, (ctx) => {
    const { sub, acr, auth_time } = ctx.state.claims;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { of: sub, shown_because: { acr, auth_time }, payslips: PAYSLIPS };
  });
  const app = new Koa();
  app.use(router.routes()).use(router.allowedMethods());
  return app;
}
