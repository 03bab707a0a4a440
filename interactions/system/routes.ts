// Shows the system's own pages: for the provider (SystemPages), for the last resort (ProblemPage of src/web/errors.ts), and for a sign-in that is over.
import type { Context } from 'koa';
import type { SystemPages } from '../../src/provider/pages.ts';
import type { ToldProblem } from '../../src/web/errors.ts';
import { fact } from '../../src/web/request.ts';
import { devicePages } from '../device/routes.ts';
import { type ViewDeps, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { LoggedOutPage, LogoutPage, PassOnPage, type ProblemKind, ProblemPage } from './page.tsx';

/** What these pages need: they must work where little else does. */
export type SystemDeps = ViewDeps;

const KIND_OF_STATUS: { readonly [status: number]: ProblemKind } = {
  403: 'forbidden',
  404: 'missing',
  405: 'missing',
  410: 'over',
  413: 'large',
  429: 'many',
  503: 'busy',
};

const KIND_OF_CODE: { readonly [code: string]: ProblemKind } = {
  session_not_found: 'over',
  invalid_client: 'client',
  invalid_redirect_uri: 'client',
  unauthorized_client: 'client',
  unmet_authentication_requirements: 'level',
};

/** The kind of a problem that the provider tells. */
function kindOf(problem: { status: number; code: string; description?: string; readOnly?: boolean }): ProblemKind {
  if (problem.readOnly) return 'readonly';
  // oidc-provider says "invalid_request" of an interaction that is over; only its description tells it apart.
  if (/interaction session|session not found/.test(problem.description ?? '')) return 'over';
  if (problem.status >= 500) return problem.status === 503 ? 'busy' : 'ours';
  return KIND_OF_CODE[problem.code] ?? KIND_OF_STATUS[problem.status] ?? 'request';
}

/** What the provider shows by itself. */
export function systemPages(deps: SystemDeps): SystemPages {
  return {
    ...devicePages(deps),
    error: async (ctx, problem) => {
      const { code, description, startAgain, status, retryAfter } = problem;
      const technical = { code, ...(description !== undefined && { description }), requestId: fact(ctx, 'id') };
      const page = {
        view: viewOf(ctx, deps),
        kind: kindOf(problem),
        technical,
        ...(startAgain && { startAgain }),
        ...(retryAfter !== undefined && { retryAfter }),
      };
      show(ctx, ProblemPage(page), status);
    },
    logout: async (ctx, form, service) => {
      show(ctx, LogoutPage({ view: viewOf(ctx, deps), form, ...(service && { service }) }));
    },
    passOn: (ctx, form) => show(ctx, PassOnPage({ view: viewOf(ctx, deps), form }), ctx.status),
    loggedOut: async (ctx, service) => {
      show(ctx, LoggedOutPage({ view: viewOf(ctx, deps), ...(service && { service }) }));
    },
  };
}

/** The page of a refusal or of a surprise, for src/web/errors.ts. */
export function problemPage(deps: SystemDeps): (ctx: Context, problem: ToldProblem) => Promise<void> {
  return async (ctx, problem) => {
    const { status, code, requestId, retryAfter } = problem;
    const server = status >= 500 && status !== 503 ? 'ours' : (KIND_OF_STATUS[status] ?? 'request');
    const kind = code === 'read_only' ? 'readonly' : server;
    const page = { view: viewOf(ctx, deps), kind, technical: { code, requestId } };
    // Seconds would promise what nobody knows while the operator is at work.
    const seconds = kind === 'readonly' ? undefined : retryAfter;
    show(ctx, ProblemPage({ ...page, ...(seconds !== undefined && { retryAfter: seconds }) }), status);
  };
}

/** "This sign-in is over": expired, finished, or begun in another browser. With the service's link where we still know it. */
export function showOver(ctx: Context, deps: SystemDeps, startAgain?: { name: string; url: string }): void {
  show(ctx, ProblemPage({ view: viewOf(ctx, deps), kind: 'over', ...(startAgain && { startAgain }) }), 410);
}
