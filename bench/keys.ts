// What all contestants of the bench share: keys, clients, the person and her password, the cost of a hash.
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** The person of the bench. */
export const PERSON = { login: 'bench', password: 'seven quiet harbours at dawn' };

/** Where codes are sent; nobody listens there, the load generator reads the redirect. */
export const REDIRECT = 'http://localhost:9/callback';

/** The API that client_credentials asks for: with a resource the access token is a JWT. */
export const RESOURCE = 'https://api.bench.example';

/** The scope of that API. */
export const RESOURCE_SCOPE = 'read';

/** argon2id as the project's targets name it. */
export const HASH = { memoryCost: 47_104, timeCost: 1, parallelism: 1 };

/** Handed to every contestant. */
export interface BenchKeys {
  signing: { keys: JWK[] };
  cookie: string;
  web: { id: string; secret: string };
  machine: { id: string; secret: string };
}

/** New keys and client secrets for one run. */
export async function benchKeys(): Promise<BenchKeys> {
  async function key(alg: 'ES256' | 'RS256'): Promise<JWK> {
    const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 3072 });
    return { ...(await exportJWK(privateKey)), kid: `bench-${alg}`, alg, use: 'sig' };
  }
  const secret = () => randomBytes(32).toString('base64url');
  return {
    // RS256 is mandatory to have; nothing in the bench signs with it.
    signing: { keys: [await key('ES256'), await key('RS256')] },
    cookie: secret(),
    web: { id: 'bench-web', secret: secret() },
    machine: { id: 'bench-machine', secret: secret() },
  };
}
