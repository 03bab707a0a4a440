// Puts our words for errors wherever the library tells one: in a redirect, a form, a signed answer, a JSON body, a WWW-Authenticate header.
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import { errorWords, type ToldError } from './error-words.ts';

/** What the library sends of an error. */
interface Out {
  error: string;
  error_description?: string | undefined;
}

type Handler = Parameters<Provider['registerResponseMode']>[1];

/** The error behind an answer that goes to a redirect_uri: the library tells the event first and builds the answer then. */
const thrown = new WeakMap<object, ToldError>();

/** The same answer in our words. What is not exposed is a `server_error` without any detail. */
export function inOurWords<Told extends Out>(out: Told, error: ToldError | undefined): Told {
  const words = errorWords(error?.message === out.error ? error : { ...out, message: out.error });
  return words === undefined ? out : { ...out, error_description: words };
}

/** A provider that answers a redirect_uri with errors in our words. */
export class TellingProvider extends Provider {
  // The library registers its own modes through this method too, from its constructor.
  override registerResponseMode(name: string, handler: Handler): void {
    super.registerResponseMode(name, function (this: Provider, ctx, redirectUri, payload) {
      const told = 'error' in payload ? inOurWords(payload as unknown as Out, thrown.get(ctx)) : payload;
      return handler.call(this, ctx, redirectUri, told as typeof payload);
    });
  }
}

/** Endpoints that answer errors in JSON, by the library's events. */
const EVENTS = [
  'userinfo.error',
  'grant.error',
  'revocation.error',
  'introspection.error',
  'end_session.error',
  'device_authorization.error',
  'pushed_authorization_request.error',
  'backchannel_authentication.error',
  'server_error',
] as const;

/** Listens for errors before they are sent. */
export function tellErrors(provider: Provider): void {
  provider.on('authorization.error', (ctx, error) => void thrown.set(ctx, error));
  const listen = provider.on.bind(provider) as (event: string, told: typeof inBody) => void;
  for (const event of EVENTS) listen(event, inBody);
}

function inBody(ctx: KoaContextWithOIDC, error: ToldError): void {
  const { body } = ctx;
  if (typeof body !== 'object' || body === null || !('error' in body)) return;
  const out = body as Out;
  const told = inOurWords(out, error);
  ctx.body = told;
  inHeader(ctx, out.error_description, told.error_description);
}

/** The header was written before anybody could hear of the error (RFC 6750 section 3). */
function inHeader(ctx: KoaContextWithOIDC, theirs: string | undefined, ours: string | undefined): void {
  const headers = ctx.response.headers['www-authenticate'];
  if (headers === undefined || theirs === undefined || ours === undefined) return;
  const quoted = theirs.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const retold = [headers]
    .flat()
    .map((header) => String(header).replace(`error_description="${quoted}"`, () => `error_description="${ours}"`));
  ctx.set('WWW-Authenticate', retold);
}
