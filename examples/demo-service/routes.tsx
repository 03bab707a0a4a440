// The addresses of the demo service: four pages, the way to the provider and back, and the two ways out.
import { readFileSync } from 'node:fs';
import Koa, { type Context, type Middleware } from 'koa';
import Router from 'koa-router';
import { AuthorizationResponseError } from 'openid-client';
import { authorizationParameters } from '../../packages/step-up/src/index.ts';
import { BankAccount, Desk, Home, html, Message, PayslipsPage } from './pages.tsx';
import { explain, explainError } from './plain-words.ts';
import type { RelyingParty, Wanted } from './relying-party.ts';
import { begin, end, endThose, find, type Session, type SignedIn } from './sessions.ts';
import type { DemoSettings } from './settings.ts';

/** Not the provider's names: cookies of all ports of localhost are in one jar. */
const COOKIE = 'harbour_payroll';

/** The level with the phone, and those above it: we check the answer ourselves and trust no address bar. */
const WITH_PHONE = ['urn:countersign:acr:mfa', 'urn:countersign:acr:phr', 'urn:countersign:acr:phrh'];

const BODY_LIMIT = 64 * 1024;

/** The demo service as a Koa application. */
export function demoService(settings: DemoSettings, relyingParty: RelyingParty): Koa {
  const router = new Router();
  pages(router, relyingParty);
  waysThroughTheProvider(router, relyingParty);
  router.get('/style.css', file('style.css', 'text/css'));
  router.get('/icon.svg', file('icon.svg', 'image/svg+xml'));
  const app = new Koa();
  // Koa marks the cookie Secure where it believes the request came over https; behind a proxy only the proxy saw that.
  app.proxy = settings.origin.startsWith('https:');
  app.use(headers(settings)).use(friendlyErrors).use(router.routes()).use(router.allowedMethods());
  return app;
}

function file(name: string, type: string): Middleware {
  const content = readFileSync(new URL(name, import.meta.url));
  return (ctx) => {
    ctx.type = type;
    ctx.set('Cache-Control', 'max-age=300');
    ctx.body = content;
  };
}

function headers(settings: DemoSettings): Middleware {
  // The sign-out form leads to the provider, and Chromium holds form-action over redirects too.
  const forms = `'self' ${new URL(settings.issuer).origin}`;
  const policy = `default-src 'none'; style-src 'self'; img-src 'self'; form-action ${forms}; base-uri 'none'; frame-ancestors 'none'`;
  return async (ctx, next) => {
    ctx.set({
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    });
    await next();
    if (ctx.status === 404 && !ctx.body) {
      say(ctx, { title: 'There is no such page', text: 'The address may be mistyped.' });
      ctx.status = 404;
    }
  };
}

/** Whatever goes wrong is told in a sentence; the reason goes to the operator's screen. */
const friendlyErrors: Middleware = async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    console.error('demo service:', error);
    say(ctx, {
      title: 'The sign-in service cannot be reached',
      text: 'It may just be starting. Wait a moment, then try again.',
      again: '/',
    });
    ctx.status = 502;
  }
};

function say(ctx: Context, message: { title: string; text: string; again?: string }): void {
  ctx.type = 'html';
  ctx.body = html(<Message who={session(ctx)?.signedIn} {...message} />);
}

function session(ctx: Context): Session | undefined {
  return find(ctx.cookies.get(COOKIE));
}

function remember(ctx: Context, { id }: Session): void {
  ctx.cookies.set(COOKIE, id, { httpOnly: true, sameSite: 'lax', overwrite: true });
}

// ── Pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function pages(router: Router, relyingParty: RelyingParty): void {
  const show = (ctx: Context, page: Parameters<typeof html>[0]) => {
    ctx.type = 'html';
    ctx.body = html(page);
  };

  router.get('/', (ctx) => show(ctx, <Home who={session(ctx)?.signedIn} />));

  router.get('/desk', async (ctx) => {
    const who = session(ctx)?.signedIn;
    if (!who) return toProvider(ctx, relyingParty, { returnTo: '/desk' });
    show(ctx, <Desk who={who} rows={explain(who.claims, Date.now())} />);
  });

  router.get('/bank-account', async (ctx) => {
    const who = session(ctx)?.signedIn;
    if (!who || !WITH_PHONE.includes(String(who.claims.acr))) {
      return toProvider(ctx, relyingParty, { returnTo: '/bank-account', essentialAcr: WITH_PHONE[0] ?? '' });
    }
    show(ctx, <BankAccount who={who} rows={explain(who.claims, Date.now())} />);
  });

  router.get('/payslips', async (ctx) => {
    const who = session(ctx)?.signedIn;
    if (!who) return toProvider(ctx, relyingParty, { returnTo: '/payslips' });
    await payslips(ctx, relyingParty, who);
  });
}

/** The API decides. Where it wants more, we ask the provider for what its challenge names (RFC 9470 section 4), but only once. */
async function payslips(ctx: Context, relyingParty: RelyingParty, who: SignedIn): Promise<void> {
  const answer = await relyingParty.payslips(who.accessToken);
  if (answer.ok) {
    ctx.type = 'html';
    ctx.body = html(<PayslipsPage who={who} answer={answer.body as Parameters<typeof PayslipsPage>[0]['answer']} />);
    return;
  }
  if (answer.why === 'failed') {
    ctx.status = 502;
    return say(ctx, {
      title: 'The payslip service does not answer',
      text: `It answered with status ${answer.status}. Please try again.`,
      again: '/payslips',
    });
  }
  const more = authorizationParameters(answer.challenge);
  if (ctx.query.asked !== undefined || more === undefined) {
    return say(ctx, {
      title: 'The payslip service still says no',
      text: `We did what it asked, and it answered “${answer.challenge.error}” again.`,
      again: '/payslips',
    });
  }
  return toProvider(ctx, relyingParty, {
    returnTo: '/payslips?asked=1',
    ...(more.acr_values === undefined ? {} : { acrValues: more.acr_values }),
    ...(more.max_age === undefined ? {} : { maxAge: Number(more.max_age) }),
  });
}

// ── To the provider and back ───────────────────────────────────────────────────────────────────────────────────────

async function toProvider(ctx: Context, relyingParty: RelyingParty, wanted: Wanted): Promise<void> {
  const { url, state, asked } = await relyingParty.ask(wanted);
  const own = session(ctx) ?? begin();
  own.asked.set(state, asked);
  remember(ctx, own);
  ctx.redirect(url);
}

function waysThroughTheProvider(router: Router, relyingParty: RelyingParty): void {
  router.get('/sign-in', (ctx) => toProvider(ctx, relyingParty, { returnTo: '/' }));
  router.get('/callback', (ctx) => callback(ctx, relyingParty));

  router.post('/sign-out', async (ctx) => {
    const own = session(ctx);
    if (own) end(own);
    ctx.status = 303;
    ctx.redirect(own?.signedIn ? await relyingParty.signOut(own.signedIn.idToken) : '/');
  });

  router.post('/backchannel-logout', async (ctx) => {
    const token = new URLSearchParams(await body(ctx)).get('logout_token') ?? '';
    try {
      const count = endThose(await relyingParty.loggedOut(token));
      ctx.body = `${count} sessions ended\n`;
    } catch {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: 'That is not a logout token for us.' };
    }
  });
}

async function callback(ctx: Context, relyingParty: RelyingParty): Promise<void> {
  const own = session(ctx);
  const state = String(ctx.query.state ?? '');
  const asked = own?.asked.get(state);
  if (!own || !asked) {
    ctx.status = 400;
    return say(ctx, {
      title: 'This answer is not one we asked for',
      text: 'The sign-in was started in another browser, or it was finished before.',
      again: '/desk',
    });
  }
  own.asked.delete(state);
  try {
    const signedIn = await relyingParty.answered(ctx.querystring, state, asked);
    const fresh = begin(own);
    fresh.signedIn = signedIn;
    remember(ctx, fresh);
    ctx.redirect(asked.returnTo);
  } catch (error) {
    if (!(error instanceof AuthorizationResponseError)) throw error;
    say(ctx, { ...explainError(error.error, error.error_description), again: asked.returnTo });
  }
}

async function body(ctx: Context): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of ctx.req as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_LIMIT) ctx.throw(413);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
