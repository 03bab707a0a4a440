// The PIN on its way to what the provider checks; it is stretched in the page and never kept.
import { fromBase64url, toBase64url } from '../../src/protocol/bytes.ts';
import { derivePin } from '../../src/protocol/derivations.ts';
import type { Account } from './store.ts';

/** Everything a PIN gives on one account: `pinTag` and `offlineKey` are secrets that live for one message. */
export interface PinSecrets {
  pinTag: string;
  offlineKey: Uint8Array<ArrayBuffer>;
}

/** Stretches the PIN (600,000 rounds: about a second on a phone). @throws where the stored salt is broken. */
export async function pinSecrets(
  account: Pick<Account, 'deviceKey' | 'salt' | 'kdf'>,
  pin: string,
): Promise<PinSecrets> {
  const salt = fromBase64url(account.salt);
  if (salt?.length !== 16 || account.kdf.name !== 'PBKDF2-SHA256')
    throw new Error('this account came with an unknown salt');
  const { pinTag, offlineKey } = await derivePin(account.deviceKey, pin, salt, account.kdf.iterations);
  return { pinTag: toBase64url(pinTag), offlineKey };
}
