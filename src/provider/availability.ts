// A store that does not answer, told by oidc-provider's own endpoints: 503 with Retry-After instead of "server_error".
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, type default as Provider } from 'oidc-provider';
import { RETRY_AFTER, RETRY_AFTER_READ_ONLY, ReadOnly, Unavailable } from '../platform/unavailable.ts';

/**
 * What oidc-provider is thrown. It is not sent to the service as a redirect (RFC 6749 section 4.1.2.1 would allow that): on our
 * own page the person can simply try again.
 */
class Busy extends errors.OIDCProviderError {
  override allow_redirect = false;
  override expose = true;
  override error_description: string;
  override readonly cause: Unavailable;

  constructor(cause: Unavailable) {
    super(503, 'temporarily_unavailable');
    this.cause = cause;
    this.error_description =
      cause instanceof ReadOnly
        ? 'the provider is read-only for a while, and this would have to be kept; try again later'
        : 'the service is not available for a moment; try again';
  }
}

/** Where oidc-provider was told {@link Busy}: whether because nothing may be written. */
export const isReadOnly = (error: unknown): boolean => error instanceof Busy && error.cause instanceof ReadOnly;

/** Where a store does not answer, oidc-provider hears so in its own words. */
function refuse(error: unknown): never {
  throw error instanceof Unavailable ? new Busy(error) : error;
}

/** The same port or adapter, whose methods tell of a store that does not answer in oidc-provider's words. */
export function tellingBusy<Port extends object>(port: Port): Port {
  // Made once for each method: the provider calls some of them several times a request.
  const telling = new Map<unknown, (...given: unknown[]) => Promise<unknown>>();
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      const known = telling.get(member);
      if (known) return known;
      const made = async (...given: unknown[]) => {
        try {
          return await Reflect.apply(member, target, given);
        } catch (error) {
          return refuse(error);
        }
      };
      telling.set(member, made);
      return made;
    },
  });
}

/** What the provider did not answer itself, by the request. */
const escaped = new WeakMap<IncomingMessage, unknown>();

/**
 * Adds Retry-After to each 503 of the provider, and keeps what its own handlers did not catch: a session is saved after them, so a
 * store that fails then would be told by Koa in one bare word, without any header of ours.
 * @param readOnly whether nothing may be written now.
 */
export function tellWhenToRetry(provider: Provider, readOnly: () => boolean): void {
  provider.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      escaped.set(ctx.req, error);
      ctx.respond = false;
      return;
    }
    if (ctx.status === 503) ctx.set('Retry-After', String(readOnly() ? RETRY_AFTER_READ_ONLY : RETRY_AFTER));
  });
}

/**
 * Answers a request by the provider, as its callback does.
 * @throws what its handlers did not catch; the answer is then as it was before, so that ours can tell the error.
 */
export async function answerBy(
  callback: ReturnType<Provider['callback']>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const before = new Set(response.getHeaderNames());
  await callback(request, response);
  if (!escaped.has(request)) return;
  if (!response.headersSent)
    for (const name of response.getHeaderNames()) if (!before.has(name)) response.removeHeader(name);
  throw escaped.get(request);
}
