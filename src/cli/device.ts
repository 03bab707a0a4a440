// `countersign device`: plays a device without a keyboard, to try the device flow (RFC 8628) against a running server.
import type { Command } from 'commander';
import QRCode from 'qrcode';
import { DEVICE } from '../settings/sections/clients.ts';
import { PlayedService, refusal } from './played-service.ts';
import { readSettings } from './read-settings.ts';
import { addProofOptions, type ProofOptions } from './service-certificate.ts';

interface DeviceOptions extends ProofOptions {
  config?: string;
  acr?: string;
  scope: string;
  qr: boolean;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Adds the command to the program. */
export function addDeviceCommand(program: Command): void {
  const command = program
    .command('device')
    .description('sign a device without a keyboard in, as a television does (device flow), and print the claims')
    .argument('<client>', 'client_id of a client with the device grant');
  addProofOptions(command, 'private_key_jwt')
    .option('--acr <values>', 'acr_values to ask for')
    .option('--scope <scopes>', 'scopes', 'openid')
    .option('--no-qr', 'print no QR code')
    .option('--config <folder>', 'configuration folder')
    .action(run);
}

async function run(client: string, options: DeviceOptions): Promise<void> {
  const { config, acr, scope, qr } = options;
  const service = await PlayedService.open(await readSettings(config), client, options);
  const fields = { scope, ...(acr === undefined ? {} : { acr_values: acr }) };
  const { body } = await service.post('device_authorization_endpoint', fields);
  if (typeof body['device_code'] !== 'string') return refusal(body);
  print(`Open ${body['verification_uri']} on a computer or phone and type: ${body['user_code']}`);
  print(`The code lives ${body['expires_in']} seconds. A device shows both, and this link as a QR code:`);
  print(String(body['verification_uri_complete']));
  if (qr) print(await QRCode.toString(String(body['verification_uri_complete']), { type: 'utf8' }));
  const code = { grant_type: DEVICE, device_code: body['device_code'] };
  const tokens = await service.poll(code, Number(body['interval'] ?? 5));
  if (typeof tokens['id_token'] !== 'string') return refusal(tokens);
  const claims = await service.verified(tokens['id_token'], service.client.metadata['id_token_signed_response_alg']);
  print(JSON.stringify(claims, null, 2));
}
