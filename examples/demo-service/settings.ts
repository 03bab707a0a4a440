// What the demo service needs to know, from the environment; every value has a default that fits the example configuration.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Settings of the demo service. */
export interface DemoSettings {
  issuer: string;
  clientId: string;
  /** Read when it is first needed: the provider makes it at its first start, perhaps after ours. */
  clientSecret(): string;
  /** Our own address as the browser sees it. */
  origin: string;
  port: number;
  /** The API's address, which is its identifier too (RFC 8707). */
  api: string;
}

/** Reads ISSUER, DEMO_PORT, DEMO_ORIGIN (behind a proxy), DEMO_CLIENT_ID, DEMO_CLIENT_SECRET or DEMO_CLIENT_SECRET_FILE. */
export function demoSettings(env: NodeJS.ProcessEnv = process.env): DemoSettings {
  const port = Number(env.DEMO_PORT ?? 3001);
  const file = env.DEMO_CLIENT_SECRET_FILE ?? join('data', 'secrets', 'demo-client-secret');
  const origin = env.DEMO_ORIGIN ?? `http://localhost:${port}`;
  return {
    issuer: env.ISSUER ?? 'http://localhost:3000',
    clientId: env.DEMO_CLIENT_ID ?? 'demo',
    clientSecret: () => env.DEMO_CLIENT_SECRET ?? readFileSync(file, 'utf8').trim(),
    origin,
    port,
    api: `${origin}/api`,
  };
}
