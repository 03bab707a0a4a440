// A bare oidc-provider, the thing to compare with: `node control.js PORT memory|redis` with keys and Redis from the environment.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hash, verify } from '@node-rs/argon2';
import { Redis } from 'ioredis';
import Provider, { type Configuration } from 'oidc-provider';
import { type BenchKeys, HASH, PERSON, REDIRECT, RESOURCE_SCOPE } from './keys.ts';
import { plainRedisAdapter } from './plain-redis-adapter.ts';

const [, , port = '0', kind = 'memory'] = process.argv;
const issuer = `http://localhost:${port}`;
const keys = JSON.parse(process.env.BENCH_KEYS ?? '{}') as BenchKeys;
const stored = await hash(PERSON.password, HASH);
const redis = kind === 'redis' ? new Redis(process.env.REDIS_URL ?? '') : undefined;

const configuration: Configuration = {
  ...(redis ? { adapter: plainRedisAdapter(redis) } : {}),
  clients: [
    {
      client_id: keys.web.id,
      client_secret: keys.web.secret,
      redirect_uris: [REDIRECT],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    {
      client_id: keys.machine.id,
      client_secret: keys.machine.secret,
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  jwks: keys.signing as NonNullable<Configuration['jwks']>,
  cookies: { keys: [keys.cookie] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true },
    claimsParameter: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined as unknown as string,
      getResourceServerInfo: () => ({
        scope: RESOURCE_SCOPE,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
      useGrantedResource: () => false,
    },
  },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  // First-party: no consent page, as our own client of the bench.
  async loadExistingGrant(ctx) {
    const { session, client, provider } = ctx.oidc;
    const known = client && session?.grantIdFor(client.clientId);
    if (known) return provider.Grant.find(known);
    const grant = new provider.Grant({ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
  ttl: {
    AccessToken: 600,
    AuthorizationCode: 60,
    ClientCredentials: 600,
    Grant: 86_400,
    IdToken: 600,
    Interaction: 600,
    Session: 86_400,
  },
};

const provider = new Provider(issuer, configuration);

/** The plainest sign-in page that there is. */
async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html');
    const form = `<form method="post" action="/interaction/${details.uid}"><input name="login"><input name="password" type="password"></form>`;
    response.end(`<!doctype html><title>Sign in</title>${form}`);
    return;
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const fields = new URLSearchParams(body);
  if (fields.get('login') !== PERSON.login || !(await verify(stored, fields.get('password') ?? ''))) {
    response.statusCode = 401;
    response.end('wrong');
    return;
  }
  await provider.interactionFinished(request, response, { login: { accountId: PERSON.login, amr: ['pwd'] } });
}

const oidc = provider.callback();
const server = createServer((request, response) => {
  const answer = request.url?.startsWith('/interaction/') === true ? interaction : oidc;
  void Promise.resolve(answer(request, response)).catch((error: unknown) => {
    console.error(error);
    response.statusCode = 500;
    response.end();
  });
});
server.listen(Number(port), '127.0.0.1');
