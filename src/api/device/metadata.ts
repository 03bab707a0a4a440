// What a phone learns before anything else (protocol section 1, `metadata`).
import type { World } from '../../domain/ports.ts';
import type { Metadata } from '../../protocol/messages.ts';
import { OFFLINE_SUITE } from '../../protocol/ocra.ts';

/** The public facts of this server. */
export function metadata(world: Pick<World, 'rules' | 'vault' | 'clock' | 'push'>): Metadata {
  const rules = world.rules();
  return {
    issuer: rules.issuer,
    app_origin: rules.appOrigin,
    protocol: 1,
    enc_jwk: world.vault.encryptionJwk(),
    pin: { setup: rules.pin.setup, min: rules.pin.min, max: rules.pin.max },
    kdf: { name: 'PBKDF2-SHA256', iterations: rules.kdfIterations },
    ocra_suite: OFFLINE_SUITE,
    number_digits: rules.numberDigits,
    accounts_per_device: rules.accountsPerDevice,
    offline: rules.offline,
    ...(world.push.publicKey === undefined ? {} : { vapid_public_key: world.push.publicKey }),
    server_time: Math.floor(world.clock.now() / 1000),
  };
}
