// What oidc-provider does, told to the audit and the log. Never holds a token, a code or a cookie.
import type { KoaContextWithOIDC, default as Provider } from 'oidc-provider';
import type { AuditEvent } from '../domain/audit.ts';
import type { Audit } from '../domain/ports.ts';
import type { Log } from '../platform/log.ts';
import { fact } from '../web/request.ts';
import { levelFacts } from './level-facts.ts';
import type { AssuranceDetails } from './policy.ts';

/** Listens to one provider; a second provider after a reload gets its own listeners. */
export function auditProvider(provider: Provider, audit: Audit, log: Log): void {
  const tell = (event: AuditEvent) => {
    audit
      .record(event)
      .catch((error: unknown) => log.error({ err: error, event: event.event }, 'an audit event could not be written'));
  };
  provider.on('authorization.success', (ctx) => {
    const { session } = ctx.oidc;
    tell({
      event: 'authn_level_reached',
      outcome: 'success',
      ...who(ctx),
      ...(session?.acr === undefined ? {} : { acr: session.acr }),
      ...(session?.amr === undefined ? {} : { amr: session.amr }),
      ...why(ctx),
    });
  });
  provider.on('authorization.error', (ctx, error) => {
    const code = (error as { error?: string }).error ?? 'server_error';
    log.info({ error: code, clientId: ctx.oidc?.client?.clientId }, 'an authorization request was refused');
    if (code === 'unmet_authentication_requirements') {
      tell({ event: 'authn_level_refused', outcome: 'failure', reason: code, ...who(ctx), ...why(ctx) });
    }
  });
  provider.on('grant.error', (ctx, error) => {
    log.info({ error: error.error, clientId: ctx.oidc?.client?.clientId }, 'a token request was refused');
  });
  provider.on('grant.revoked', (ctx) => tell({ event: 'authn_token_revoked', outcome: 'success', ...who(ctx) }));
  provider.on('end_session.success', (ctx) => tell({ event: 'session_ended', outcome: 'success', ...who(ctx) }));
  provider.on('backchannel.error', (_ctx, error, client) =>
    log.warn({ clientId: client.clientId, reason: error.message }, 'a service could not be told of a sign-out'),
  );
  provider.on('server_error', (_ctx, error) => log.error({ err: error }, 'the provider failed'));
}

function who(ctx: KoaContextWithOIDC): Partial<AuditEvent> {
  const sub = ctx.oidc?.account?.accountId ?? ctx.oidc?.session?.accountId;
  const clientId = ctx.oidc?.client?.clientId ?? interactionOf(ctx)?.params.client_id;
  return { ip: ctx.ip, ...(sub === undefined ? {} : { sub }), ...(clientId === undefined ? {} : { clientId }) };
}

/** What `countersign explain` tells: which request it was, and why it had to reach its level. */
function why(ctx: KoaContextWithOIDC): Partial<AuditEvent> {
  // Who leaves from a page is refused before the policy runs: what it had noted stands in the interaction.
  const levels = levelFacts(ctx) ?? interactionOf(ctx)?.prompt.details.assurance?.facts;
  return { requestId: fact(ctx, 'id'), ...(levels === undefined ? {} : { levels }) };
}

/** The interaction that this request ends: its parameters were checked when it began. */
function interactionOf(ctx: KoaContextWithOIDC) {
  return ctx.oidc?.entities.Interaction as
    | { params: { client_id?: string }; prompt: { details: { assurance?: AssuranceDetails } } }
    | undefined;
}
