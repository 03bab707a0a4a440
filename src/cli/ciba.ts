// `countersign ciba`: plays a service that asks a person without a browser, to try OpenID CIBA against a running server.
import type { Command } from 'commander';
import { systemRandom } from '../platform/random.ts';
import { CIBA } from '../settings/sections/clients.ts';
import { PlayedService, refusal } from './played-service.ts';
import { readSettings } from './read-settings.ts';
import { addProofOptions, type ProofOptions } from './service-certificate.ts';

interface CibaOptions extends ProofOptions {
  config?: string;
  acr?: string;
  message?: string;
  scope: string;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Adds the command to the program. */
export function addCibaCommand(program: Command): void {
  const command = program
    .command('ciba')
    .description('ask a person on their phone, as a service without a browser does (OpenID CIBA), and print the claims')
    .argument('<client>', 'client_id of a client with the CIBA grant')
    .argument('<login>', 'sign-in name of the person');
  addProofOptions(command, 'private_key_jwt')
    .option('--config <folder>', 'configuration folder')
    .option('--acr <values>', 'acr_values to ask for')
    .option('--message <text>', 'binding_message; with one group of six digits it reaches more than the lowest level')
    .option('--scope <scopes>', 'scopes', 'openid')
    .action(run);
}

async function run(client: string, login: string, options: CibaOptions): Promise<void> {
  const service = await PlayedService.open(await readSettings(options.config), client, options);
  const message = options.message ?? `Number ${systemRandom.digits(6)}`;
  const { body: asked } = await service.post('backchannel_authentication_endpoint', {
    scope: options.scope,
    login_hint: login,
    binding_message: message,
    ...(options.acr === undefined ? {} : { acr_values: options.acr }),
    // Of a client with pings: the service itself is pinged, and this command polls as well as it may.
    ...(service.client.metadata['backchannel_token_delivery_mode'] === 'ping'
      ? { client_notification_token: systemRandom.id(32) }
      : {}),
  });
  if (typeof asked['auth_req_id'] !== 'string') return refusal(asked);
  print(`Asked ${login}; the request lives ${asked['expires_in']} seconds.`);
  print(`Show or tell the person: ${message}`);
  const tokens = await service.poll(
    { grant_type: CIBA, auth_req_id: asked['auth_req_id'] },
    Number(asked['interval'] ?? 5),
  );
  if (typeof tokens['id_token'] !== 'string') return refusal(tokens);
  const claims = await service.verified(tokens['id_token'], service.client.metadata['id_token_signed_response_alg']);
  print(JSON.stringify(claims, null, 2));
}
