// The demo API: payslips, for whoever comes with a token that says "password and phone, not long ago".
import Koa from 'koa';
import Router from 'koa-router';
import { ResourceServer } from '../../packages/step-up/src/index.ts';
import { guard, tokenOf } from '../../packages/step-up/src/koa.ts';

/** What the payslips need: the scope that the demo service asks for, the level with the phone or one above it, a quarter of an hour. */
const PAYSLIPS_NEED = { scopes: ['payslips'], level: 'mfa', maxAge: 15 * 60 };

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
  const server = new ResourceServer({ issuer, audience, realm: 'payslips' });
  const router = new Router({ prefix: new URL(audience).pathname });
  router.get('/', (ctx) => {
    ctx.body = 'The demo API. GET payslips with an access token (Authorization: Bearer …).\n';
  });
  router.get('/payslips', guard(server, PAYSLIPS_NEED), (ctx) => {
    const { subject, acr, authTime } = tokenOf(ctx);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { of: subject, shown_because: { acr, auth_time: authTime }, payslips: PAYSLIPS };
  });
  const app = new Koa();
  app.use(router.routes()).use(router.allowedMethods());
  return app;
}
