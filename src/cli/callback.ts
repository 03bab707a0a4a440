// Where the answer of an authorization request arrives: at the client's own loopback address, or pasted by the person who tries it.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { decodeJwt } from 'jose';
import { isLoopback } from '../settings/addresses.ts';
import type { ClientSettings } from '../settings/settings.ts';

/** A place for the answer. */
export interface Callback {
  /** What the request names. */
  redirectUri: string;
  /** What the person has to do for the answer to arrive. */
  hint: string;
  /** Parameters of the answer. Rejects where nobody listens and nothing was pasted. */
  answer: Promise<URLSearchParams>;
  close(): void;
}

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Answer received</title><link rel="icon" href="data:,">
<p>The answer was received. You can close this page and go back to the terminal.</p></html>`;

const PASTE = 'paste the whole address that the browser ends at, and press Enter';

/** The redirect URIs that one can choose from. @throws Error where the client has no such one. */
function choices({ metadata, file }: ClientSettings, chosen: string | undefined): string[] {
  const registered = (metadata['redirect_uris'] ?? []) as string[];
  const uris = chosen === undefined ? registered : registered.filter((uri) => uri === chosen);
  if (uris.length > 0) return uris;
  throw new Error(
    registered.length === 0
      ? `${file} has no redirect_uris: this client signs nobody in by a browser`
      : `redirect_uris of ${file} are ${registered.join(', ')}`,
  );
}

/**
 * Listens at one of the client's redirect URIs where it is on this machine and its port is free. An address can be pasted in any case: the
 * browser may be on another machine.
 * @param state only an answer to this request is taken. @param chosen one of the client's redirect_uris, in place of the first that fits.
 */
export async function openCallback(client: ClientSettings, state: string, chosen?: string): Promise<Callback> {
  const uris = choices(client, chosen);
  const local = uris.find((uri) => uri.startsWith('http:') && isLoopback(new URL(uri).hostname));
  // RFC 8252 section 7.3: an app on this machine may take any port.
  const native = client.metadata['application_type'] === 'native';
  let take: (parameters: URLSearchParams) => void = () => undefined;
  let lose: (error: Error) => void = () => undefined;
  const answer = new Promise<URLSearchParams>((resolve, reject) => {
    take = resolve;
    lose = reject;
  });
  // It may be lost before anybody waits for it.
  answer.catch(() => undefined);
  const listening = local === undefined ? undefined : await listen(local, native, state, take);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const parameters = answerIn(line.trim(), state);
    if (parameters) take(parameters);
    else if (line.trim() !== '') process.stderr.write(`This is not the answer to this request: ${PASTE}.\n`);
  });
  if (!listening) lines.once('close', () => lose(new Error('no address was pasted, so nothing more can be tried')));
  return {
    redirectUri: listening?.uri ?? local ?? uris[0] ?? '',
    hint: listening
      ? `The answer is awaited at ${listening.uri}. If your browser is on another machine, ${PASTE}.`
      : `${local === undefined ? 'The answer goes to the service itself' : `Something listens at ${local} already, the service itself perhaps`}: ${PASTE}.`,
    answer,
    close: () => {
      lines.close();
      listening?.close();
    },
  };
}

/** The parameters of an address or a query, where they answer the request with this state. */
function answerIn(text: string, state: string): URLSearchParams | undefined {
  const parameters = URL.canParse(text) ? new URL(text).searchParams : new URLSearchParams(text.replace(/^\?/, ''));
  const signed = parameters.get('response');
  return (signed === null ? parameters.get('state') : stateIn(signed)) === state ? parameters : undefined;
}

/** Not verified yet: it only says which request is answered. */
function stateIn(response: string): unknown {
  try {
    return decodeJwt(response)['state'];
  } catch {
    return undefined;
  }
}

/** Listens at the address; undefined where the port is taken. */
async function listen(
  registered: string,
  anyPort: boolean,
  state: string,
  take: (parameters: URLSearchParams) => void,
): Promise<{ uri: string; close(): void } | undefined> {
  const uri = new URL(registered);
  const handle: RequestListener = (request, response) => {
    const url = new URL(request.url ?? '/', uri);
    const parameters = url.pathname === uri.pathname ? answerIn(url.href, state) : undefined;
    response.writeHead(parameters ? 200 : 404, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; img-src data:",
      'cache-control': 'no-store',
      // The address holds the code.
      'referrer-policy': 'no-referrer',
    });
    response.end(parameters ? PAGE : '');
    if (parameters) take(parameters);
  };
  // Browsers take either address for localhost; where the machine has no IPv6, the first will do.
  const [host = '', second] =
    uri.hostname === '[::1]' ? ['::1'] : uri.hostname.endsWith('localhost') ? ['127.0.0.1', '::1'] : [uri.hostname];
  const server = createServer(handle);
  const port = anyPort ? 0 : Number(uri.port || 80);
  if (!(await opened(server, port, host))) return undefined;
  const own = (server.address() as AddressInfo).port;
  const servers = [server];
  if (second !== undefined) {
    const other = createServer(handle);
    if (await opened(other, own, second)) servers.push(other);
  }
  if (anyPort) uri.port = String(own);
  const close = () => {
    for (const one of servers) {
      one.close();
      one.closeAllConnections();
    }
  };
  return { uri: anyPort ? uri.href : registered, close };
}

function opened(server: Server, port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => resolve(true));
  });
}
