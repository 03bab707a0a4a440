// A small relying service on a port of its own, by openid-client alone: what it learned of the person stands on its page.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import * as client from 'openid-client';
import { freePort } from './services.ts';

/** What a test asks a service to ask for: parameters of the authorization request. */
export interface RelyingService {
  /** `http://localhost:PORT` */
  origin: string;
  /** Address that sends a browser off to sign in with these parameters. */
  signIn(parameters?: Record<string, string>): string;
  /** The file of `clients/` by which the provider knows it. */
  client: { client_id: string; [name: string]: unknown };
  /** Finds the provider; call it when the provider listens. */
  discover(issuer: string): Promise<void>;
  close(): void;
}

/** Starts a service whose page shows the claims of the id_token as JSON in `#claims`, or the error in `#error`. */
export async function startRelyingService(clientId = 'desk', name = 'Travel desk'): Promise<RelyingService> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const redirect_uri = `${origin}/callback`;
  let config: client.Configuration | undefined;
  const underWay = new Map<string, string>();

  const start = async (url: URL, response: ServerResponse) => {
    if (!config) throw new Error('discover the provider first');
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    underWay.set(state, verifier);
    const address = client.buildAuthorizationUrl(config, {
      redirect_uri,
      scope: 'openid',
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...Object.fromEntries(url.searchParams),
    });
    response.writeHead(303, { location: address.href }).end();
  };
  const finish = async (url: URL, response: ServerResponse) => {
    if (!config) throw new Error('discover the provider first');
    const state = url.searchParams.get('state') ?? '';
    const error = url.searchParams.get('error');
    if (error !== null) return show(response, 'error', error);
    const checks = { pkceCodeVerifier: underWay.get(state) ?? '', expectedState: state };
    const tokens = await client.authorizationCodeGrant(config, url, checks);
    show(response, 'claims', JSON.stringify(tokens.claims()));
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', origin);
    if (url.pathname === '/sign-in') await start(url, response);
    else if (url.pathname === '/callback') await finish(url, response);
    else show(response, 'home', name);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => show(response, 'error', `broken: ${error.message}`));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    origin,
    client: {
      client_id: clientId,
      client_name: name,
      token_endpoint_auth_method: 'none',
      redirect_uris: [redirect_uri],
      grant_types: ['authorization_code'],
      first_party: true,
      homepage: `${origin}/`,
    },
    signIn: (parameters = {}) => `${origin}/sign-in?${new URLSearchParams(parameters)}`,
    discover: async (issuer) => {
      const options = { execute: [client.allowInsecureRequests] };
      config = await client.discovery(new URL(issuer), clientId, undefined, client.None(), options);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function show(response: ServerResponse, id: string, text: string): void {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(
    `<!doctype html><html lang="en"><title>Service</title><link rel="icon" href="data:,"><p id="${id}">${escaped}</p></html>`,
  );
}
