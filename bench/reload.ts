// `npm run bench -- reload`: ten thousand client files taken over while requests are answered. Reports; asserts nothing.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Node, startWorld } from '../test/support/world.ts';

const CLIENTS = 10_000;
/** Requests that are under way at once, and milliseconds of rest after each: some hundred a second. */
const [VISITORS, REST] = [4, 10];

function writeClient(folder: string, index: number, name: string): void {
  const id = `service-${index}`;
  const lines = [
    `client_id: ${id}`,
    `client_name: ${name} ${index}`,
    `client_secret: ${createHash('sha256').update(id).digest('hex')}`,
    'redirect_uris:',
    `  - https://${id}.example.org/callback`,
    `post_logout_redirect_uris: [https://${id}.example.org/]`,
    'grant_types: [authorization_code, refresh_token]',
    'minimum_level: mfa',
  ];
  writeFileSync(join(folder, 'clients', `${id}.yaml`), `${lines.join('\n')}\n`);
}

const agent = new Agent({ keepAlive: true });

function request(url: string): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(performance.now() - began));
    }).once('error', reject);
  });
}

/** Asks for a sign-in again and again until the work is done. @returns the latencies in milliseconds, sorted. */
async function whileAsking(origin: string, work: () => Promise<void>): Promise<number[]> {
  const query = new URLSearchParams({
    client_id: 'payroll',
    redirect_uri: 'http://localhost:9/callback',
    response_type: 'code',
    scope: 'openid',
    prompt: 'none',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  const taken: number[] = [];
  let done = false;
  const visit = async () => {
    while (!done) {
      taken.push(await request(`${origin}/auth?${query}`));
      await wait(REST);
    }
  };
  const visitors = Array.from({ length: VISITORS }, visit);
  await work();
  done = true;
  await Promise.all(visitors);
  return taken.toSorted((a, b) => a - b);
}

async function reloaded(node: Node): Promise<void> {
  const count = () => node.output().split('configuration reloaded').length;
  const before = count();
  node.hangUp();
  while (count() === before) await wait(5);
}

/** Measures, and prints what it found. */
export async function benchReload(): Promise<void> {
  const world = await startWorld({ backend: 'servers' });
  try {
    const [node] = world.nodes as [Node];
    const report = async (what: string, work: () => Promise<void>) => {
      let milliseconds = 0;
      const latencies = await whileAsking(node.origin, async () => {
        const began = performance.now();
        await work();
        milliseconds = performance.now() - began;
      });
      const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)]?.toFixed(0);
      console.log(
        `${what}: ${milliseconds.toFixed(0)} ms; ${latencies.length} requests meanwhile, p50 ${at(0.5)}, p99 ${at(0.99)}, slowest ${at(1)} ms`,
      );
    };
    mkdirSync(join(node.folder, 'clients'), { recursive: true });
    await report('no reload (3 s)', () => wait(3000));
    const all = (name: string) => {
      for (let index = 0; index < CLIENTS; index += 1) writeClient(node.folder, index, name);
    };
    all('Service');
    await report(`${CLIENTS} files are new`, () => reloaded(node));
    writeClient(node.folder, 7, 'Another');
    await report('one of them changed', () => reloaded(node));
    await report('none of them changed', () => reloaded(node));
    all('Renamed');
    await report('all of them changed', () => reloaded(node));
  } finally {
    await world.close();
  }
}
