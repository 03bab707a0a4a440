// `countersign ciba`: plays a service that asks a person without a browser, to try OpenID CIBA against a running server.
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { decodeJwt } from 'jose';
import { systemRandom } from '../platform/random.ts';
import { readSettings } from './read-settings.ts';

interface CibaOptions {
  config?: string;
  acr?: string;
  message?: string;
  scope: string;
}

/** The service that is played: its own proof at our endpoints. */
interface Service {
  issuer: string;
  headers: { authorization: string };
}

type Answer = { readonly [name: string]: unknown };

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Adds the command to the program. */
export function addCibaCommand(program: Command): void {
  program
    .command('ciba')
    .description('ask a person on their phone, as a service without a browser does (OpenID CIBA), and print the claims')
    .argument('<client>', 'client_id of a client with the CIBA grant, whose secret the configuration holds')
    .argument('<login>', 'sign-in name of the person')
    .option('--config <folder>', 'configuration folder')
    .option('--acr <values>', 'acr_values to ask for')
    .option('--message <text>', 'binding_message; with one group of six digits it reaches more than the lowest level')
    .option('--scope <scopes>', 'scopes', 'openid')
    .action(run);
}

async function run(client: string, login: string, options: CibaOptions): Promise<void> {
  const service = await serviceOf(client, options.config);
  const number = systemRandom.digits(6);
  const message = options.message ?? `Number ${number}`;
  const asked = await post(service, '/backchannel', {
    scope: options.scope,
    login_hint: login,
    binding_message: message,
    ...(options.acr === undefined ? {} : { acr_values: options.acr }),
  });
  if (typeof asked['auth_req_id'] !== 'string') return refused(asked);
  print(`Asked ${login}; the request lives ${asked['expires_in']} seconds.`);
  print(`Show or tell the person: ${message}`);
  const tokens = await answerTo(service, asked['auth_req_id'], Number(asked['interval'] ?? 5));
  if (typeof tokens['id_token'] !== 'string') return refused(tokens);
  print(JSON.stringify(decodeJwt(tokens['id_token']), null, 2));
}

/** Polls as CIBA section 7.3 says: never quicker than told, and five seconds slower after each `slow_down`. */
async function answerTo(service: Service, authReqId: string, interval: number): Promise<Answer> {
  let pause = interval;
  for (;;) {
    await wait(pause * 1000);
    const fields = { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: authReqId };
    const answer = await post(service, '/token', fields);
    if (answer['error'] === 'slow_down') pause += 5;
    else if (answer['error'] !== 'authorization_pending') return answer;
  }
}

async function serviceOf(clientId: string, folder: string | undefined): Promise<Service> {
  const { clients, server } = await readSettings(folder);
  const found = clients.find(({ metadata }) => metadata.client_id === clientId);
  if (!found) throw new Error(`there is no client ${clientId} in the configuration`);
  const { client_secret: secret, token_endpoint_auth_method: method } = found.metadata;
  if (typeof secret !== 'string' || method !== 'client_secret_basic')
    throw new Error(
      `${found.file}: this command can play clients with token_endpoint_auth_method client_secret_basic only`,
    );
  const proof = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
  return { issuer: server.issuer, headers: { authorization: `Basic ${Buffer.from(proof).toString('base64')}` } };
}

async function post({ issuer, headers }: Service, path: string, fields: Record<string, string>): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(`${issuer}${path}`, { method: 'POST', headers, body: new URLSearchParams(fields) });
  } catch (error) {
    throw new Error(`cannot reach ${issuer}: is the server running?`, { cause: error });
  }
  return (await response.json()) as Answer;
}

function refused({ error, error_description }: Answer): never {
  const why = error_description === undefined ? '' : `: ${error_description}`;
  throw new Error(`refused with ${error}${why}`);
}
