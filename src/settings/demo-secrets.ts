// The secrets of the demo, made once into data/secrets: random, readable by their owner only, never for production.
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { parse } from 'yaml';
import { seconds, systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Memory } from './memory.ts';
import { isDemo } from './resolve-server.ts';
import { serverSchema } from './sections/server.ts';

/** The files below `data/secrets`. */
export const DEMO_FILES = {
  signing: 'signing.jwks.json',
  encryption: 'encryption.jwks.json',
  cookies: 'cookies',
  kek: 'kek',
  pepper: 'pepper',
  push: 'push',
} as const;

async function privateJwk(algorithm: string, use: 'sig' | 'enc'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, modulusLength: 3072 });
  // When it was made, for the metric of its age; never published.
  const iat = seconds(systemClock);
  return { kid: systemRandom.id(9), use, alg: algorithm, iat, ...(await exportJWK(privateKey)) } as JWK;
}

/** One new signing key of an algorithm of RFC 7518 or RFC 8037. */
export async function newSigningKey(alg: string): Promise<JWK & { kid: string; alg: string }> {
  return (await privateJwk(alg, 'sig')) as JWK & { kid: string; alg: string };
}

/** A new set of signing keys: ES256 (P-256), used by default, and RS256 (RSA-3072), for clients that ask for it. */
export async function newSigningKeys(): Promise<string> {
  return JSON.stringify({ keys: await Promise.all([privateJwk('ES256', 'sig'), privateJwk('RS256', 'sig')]) }, null, 2);
}

/** A new set with the ECDH-ES key (P-256) that phones encrypt to. */
export async function newEncryptionKeys(): Promise<string> {
  return JSON.stringify({ keys: [await privateJwk('ECDH-ES', 'enc')] }, null, 2);
}

/** 32 random bytes in base64url. */
export function newSecret(): string {
  return Buffer.from(systemRandom.bytes(32)).toString('base64url');
}

/**
 * Writes a secret unless the file exists: 0600 from the first moment, in a folder of mode 0700.
 * @returns whether it was made.
 */
export async function writeSecretOnce(file: string, make: () => string | Promise<string>): Promise<boolean> {
  if (existsSync(file)) return false;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${systemRandom.id(6)}`;
  writeFileSync(draft, `${await make()}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // A link appears whole or not at all, and never over a file that another process made meanwhile.
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8'), { logLevel: 'silent' });
  } catch {
    // What is wrong with the file is loadSettings' to tell.
    return undefined;
  }
}

function mentions(word: string, file: string, absolute: string, memory: Memory | undefined): boolean {
  try {
    return (memory ? memory.read(file, absolute) : readFileSync(absolute, 'utf8')).includes(word);
  } catch {
    return false;
  }
}

/** The client_secret_file entries of clients/ that lie in data/secrets. */
function clientSecretFiles(folder: string, secrets: string, memory: Memory | undefined): string[] {
  const clients = join(folder, 'clients');
  if (!existsSync(clients)) return [];
  return (
    readdirSync(clients)
      .filter((name) => name.endsWith('.yaml'))
      // Most of ten thousand name none: they are not parsed for that.
      .filter((name) => mentions('client_secret_file', `clients/${name}`, join(clients, name), memory))
      .map((name) => readYaml(join(clients, name)) as { client_secret_file?: unknown } | undefined)
      .map((client) => client?.client_secret_file)
      .filter((file) => typeof file === 'string')
      .map((file) => resolve(folder, file))
      .filter((file) => {
        const below = relative(secrets, file);
        return below !== '' && !below.startsWith(`..${sep}`) && below !== '..';
      })
  );
}

/**
 * Makes what the demo lacks: keys, cookie secret, kek, pepper, push key, and the secrets of its clients. A second call makes nothing.
 * Does nothing unless server.yaml says `demo: true` with an issuer on localhost. Call it before {@link loadSettings}.
 * @param folder the configuration folder. @param memory of readings before. @returns the files that were made, absolute.
 */
export async function ensureDemoSecrets(folder: string, memory?: Memory): Promise<string[]> {
  const server = serverSchema.safeParse(readYaml(join(folder, 'server.yaml')));
  if (!server.success || !isDemo(server.data)) return [];
  const secrets = join(resolve(folder, server.data.data_folder), 'secrets');
  const wanted: [string, () => string | Promise<string>][] = [
    [join(secrets, DEMO_FILES.signing), newSigningKeys],
    [join(secrets, DEMO_FILES.encryption), newEncryptionKeys],
    [join(secrets, DEMO_FILES.cookies), newSecret],
    [join(secrets, DEMO_FILES.kek), newSecret],
    [join(secrets, DEMO_FILES.pepper), newSecret],
    [join(secrets, DEMO_FILES.push), newSecret],
    ...clientSecretFiles(folder, secrets, memory).map((file): [string, () => string] => [file, newSecret]),
  ];
  const made: string[] = [];
  for (const [file, make] of wanted) if (await writeSecretOnce(file, make)) made.push(file);
  return made;
}
