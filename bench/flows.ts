// The five flows that are measured, the same for every contestant.
import { createHash } from 'node:crypto';
import type { BenchKeys } from './keys.ts';
import { PERSON, REDIRECT, RESOURCE, RESOURCE_SCOPE } from './keys.ts';
import { type Answer, type Connections, Visitor } from './visitor.ts';

/** A flow by name: one call is one operation. */
export type Flows = { [name in FlowName]: () => Promise<void> };

export const FLOW_NAMES = [
  'discovery',
  'client_credentials',
  'authorize + token',
  'password login',
  'introspection',
] as const;

export type FlowName = (typeof FLOW_NAMES)[number];

/** PKCE is the load generator's work, so one pair does for all. */
const VERIFIER = 'bench-verifier-0123456789-0123456789-0123456789';
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

const AUTHORIZE = (client: string) =>
  `/auth?${new URLSearchParams({
    client_id: client,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid',
    state: 'bench',
    nonce: 'bench',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  })}`;

function expectOk(answer: Answer, what: string): Answer {
  if (answer.status !== 200) throw new Error(`${what} answered ${answer.status}: ${answer.body.slice(0, 300)}`);
  return answer;
}

function basic({ id, secret }: { id: string; secret: string }): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

/** The flows of one contestant. Signs the person in once, for those that need a session or a token. */
export async function flowsOf(server: Connections, keys: BenchKeys): Promise<Flows> {
  const post = (path: string, client: { id: string; secret: string }, fields: Record<string, string>) =>
    server.send({
      method: 'POST',
      path,
      headers: { authorization: basic(client), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });

  async function redeem(back: URL): Promise<string> {
    const code = back.searchParams.get('code');
    if (code === null) throw new Error(`no code came back: ${back.href}`);
    const fields = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: VERIFIER };
    return expectOk(await post('/token', keys.web, fields), 'token').body;
  }

  async function signIn(): Promise<{ visitor: Visitor; token: string }> {
    const visitor = new Visitor(server);
    const back = await visitor.journey(AUTHORIZE(keys.web.id), { ...PERSON });
    return { visitor, token: JSON.parse(await redeem(back)).access_token };
  }

  const { visitor: signedIn } = await signIn();
  // Taken when it is first needed: the memory adapter forgets its oldest entries.
  let token: Promise<string> | undefined;
  const forApi = { grant_type: 'client_credentials', resource: RESOURCE, scope: RESOURCE_SCOPE };

  return {
    discovery: async () =>
      void expectOk(await server.send({ method: 'GET', path: '/.well-known/openid-configuration' }), 'discovery'),
    client_credentials: async () => void expectOk(await post('/token', keys.machine, forApi), 'client_credentials'),
    // A copy of the cookies for each run: browsers do not share a jar that another request is just changing.
    'authorize + token': async () =>
      void (await redeem(await new Visitor(server, signedIn).journey(AUTHORIZE(keys.web.id)))),
    'password login': async () => void (await signIn()),
    introspection: async () => {
      token ??= signIn().then((fresh) => fresh.token);
      const answer = expectOk(await post('/token/introspection', keys.web, { token: await token }), 'introspection');
      if (!JSON.parse(answer.body).active) throw new Error('the token is not active');
    },
  };
}
