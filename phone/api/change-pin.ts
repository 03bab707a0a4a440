// A new PIN for an account (protocol section 8): checked and counted by the provider like any other try.
import { toBase64url } from '../../src/protocol/bytes.ts';
import { pinSecrets } from '../keys/pin.ts';
import { withRatchet } from '../keys/ratchet.ts';
import type { Account } from '../keys/store.ts';
import { type Answer, failed } from './answer.ts';
import { noteBiometric } from './biometric.ts';
import type { Progress, Services } from './services.ts';

/** Replaces the PIN. After `offline` nobody knows which one holds: the words say "use the new one; if it is refused, the old one". */
export async function changePin(
  services: Services,
  account: Account,
  pins: { old: string; new: string },
  progress: Progress,
): Promise<Answer<{ ratchet?: string }>> {
  const { store, api } = services;
  progress('pin');
  const old = await pinSecrets(account, pins.old);
  const next = await pinSecrets(account, pins.new);
  progress('send');
  const secrets = {
    device: account.device,
    old_tag: old.pinTag,
    pin_tag: next.pinTag,
    k_off: toBase64url(next.offlineKey),
  };
  const answer = await withRatchet<{ ratchet?: string }>(store, account.device, (now) =>
    api.sealing(now.metadata.enc_jwk, secrets, (sec) => api.counted(now, 'pin', { ratchet: now.ratchet, sec })),
  );
  // The provider has ended it together with the old PIN.
  if (answer?.ok) await noteBiometric(services, account.device, false);
  return answer ?? failed('no_account');
}
