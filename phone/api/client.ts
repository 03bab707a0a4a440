// The phone's half of the device API: signed messages out, answers in, with the clock put right on the way.
import type { BiometricRequest } from '../../src/protocol/biometric.ts';
import { toBase64url } from '../../src/protocol/bytes.ts';
import {
  type Claims,
  devicePath,
  type EncryptionJwk,
  type Endpoint,
  type EnrolmentOffer,
  type EnrolmentResult,
  highestCounter,
  type Metadata,
  type PendingList,
  type PendingTransaction,
  type Self,
  sealSecrets,
  signMessage,
} from '../../src/protocol/messages.ts';
import type { DeviceKeys } from '../keys/device-key.ts';
import type { Account, Store } from '../keys/store.ts';
import { type Answer, failed, readAnswer } from './answer.ts';
import { post } from './post.ts';
import type { ServerClock } from './server-clock.ts';

/** Messages of an account that carry only a `jti`, and what each is answered with. */
interface Requests {
  pending: PendingList;
  stream: never;
  open: PendingTransaction;
  claim: PendingTransaction;
  self: Self;
  rename: unknown;
  unlink: unknown;
  push: unknown;
  'webauthn/register': unknown;
  'webauthn/remove': unknown;
  'webauthn/options': BiometricRequest;
}

/** Messages that carry the rising counter. */
type Counted = 'respond' | 'pin' | 'webauthn/register/options';

/** The device API as the screens use it. */
export interface Api {
  clock: ServerClock;
  metadata(): Promise<Answer<Metadata>>;
  begin(keys: DeviceKeys, offer: { token: string } | { code: string; login: string }): Promise<Answer<EnrolmentOffer>>;
  complete(keys: DeviceKeys, enrolmentId: string, claims: Claims): Promise<Answer<EnrolmentResult>>;
  /** A message that only needs to be new. */
  ask<E extends keyof Requests>(account: Account, endpoint: E, claims?: Claims): Promise<Answer<Requests[E]>>;
  /** A message that carries the rising counter. */
  counted<T>(account: Account, endpoint: Counted, claims: Claims): Promise<Answer<T>>;
  /** Seals secrets to the key we know, and once more to a new one where the provider has changed it (protocol section 1). */
  sealing<T>(known: EncryptionJwk, secrets: Secrets, send: (sec: string) => Promise<Answer<T>>): Promise<Answer<T>>;
  /** A signed `stream` message, ready to be sent. */
  streamMessage(account: Account): Promise<string>;
}

/** Secrets for the provider, bound to their sender. */
export type Secrets = { device: string } & Claims;

/** 16 random bytes: a message's own name. */
export const freshId = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(16)));

/** The device API of this origin. @param origin where this app came from: no message ever goes elsewhere. */
export function deviceApi(origin: string, store: Store, clock: ServerClock): Api {
  const sign = (endpoint: Endpoint, signer: Parameters<typeof signMessage>[2], claims: Claims) =>
    signMessage(endpoint, origin, signer, claims, clock.seconds());

  /** Sends what `make` signs; once more where the provider says that the clock is off or the message is not new. */
  async function send<T>(
    endpoint: Endpoint,
    make: () => Promise<string | undefined>,
    skewed?: (serverTime: number) => Promise<unknown>,
  ): Promise<Answer<T>> {
    const attempt = async () => {
      const message = await make();
      return message === undefined ? failed('no_account') : post<T>(endpoint, message);
    };
    const answer = await attempt();
    if (answer.ok) return answer;
    const { code, serverTime } = answer.failure;
    if (code === 'clock_skew' && serverTime !== undefined) {
      clock.learn(serverTime);
      await skewed?.(serverTime);
    } else if (code !== 'replayed') return answer;
    return attempt();
  }

  /** Of an account's message: a removed device loses its keys on the spot (protocol section 8). */
  async function sendFrom<T>(
    account: Account,
    endpoint: Endpoint,
    make: () => Promise<string | undefined>,
  ): Promise<Answer<T>> {
    const back = (serverTime: number) => store.lowerCounter(account.device, highestCounter(serverTime));
    const answer = await send<T>(endpoint, make, back);
    if (!answer.ok && answer.failure.code === 'device_removed') await store.remove(account.device);
    return answer;
  }

  async function metadata(): Promise<Answer<Metadata>> {
    try {
      const response = await fetch(devicePath('metadata'), {
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(10_000),
      });
      const answer = await readAnswer<Metadata>(response);
      if (!answer.ok) return answer;
      if (answer.value.app_origin !== origin || answer.value.protocol !== 1) return failed('other_server');
      clock.learn(answer.value.server_time);
      return answer;
    } catch {
      return failed('offline');
    }
  }

  return {
    clock,
    metadata,
    async begin(keys, offer) {
      const install_id = await store.installId();
      return send('enrol/begin', () =>
        sign('enrol/begin', { key: keys.signingKey, jwk: keys.publicJwk }, { ...offer, install_id, jti: freshId() }),
      );
    },
    complete: (keys, enrolmentId, claims) =>
      send('enrol/complete', () =>
        sign('enrol/complete', { key: keys.signingKey, kid: enrolmentId }, { ...claims, jti: freshId() }),
      ),
    ask: (account, endpoint, claims = {}) =>
      sendFrom(account, endpoint, () =>
        sign(endpoint, { key: account.signingKey, kid: account.device }, { ...claims, jti: freshId() }),
      ),
    counted: <T>(account: Account, endpoint: Counted, claims: Claims) =>
      sendFrom<T>(account, endpoint, async () => {
        // Kept before it is sent: a counter that was seen once is never used again.
        const ctr = await store.nextCounter(account.device, clock.now());
        if (ctr === undefined) return undefined;
        return sign(endpoint, { key: account.signingKey, kid: account.device }, { ctr, ...claims });
      }),
    async sealing(known, secrets, send) {
      const answer = await send(await sealSecrets(known, secrets));
      if (answer.ok || answer.failure.code !== 'unknown_key') return answer;
      const fresh = await metadata();
      return fresh.ok ? send(await sealSecrets(fresh.value.enc_jwk, secrets)) : fresh;
    },
    streamMessage: (account) => sign('stream', { key: account.signingKey, kid: account.device }, { jti: freshId() }),
  };
}
