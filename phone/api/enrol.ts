// Adding an account to this phone (protocol section 4): claim the offer, show whose it is, prove the PIN, keep the keys.
import { toBase64url, utf8 } from '../../src/protocol/bytes.ts';
import { deviceId, digest } from '../../src/protocol/derivations.ts';
import type { EnrolmentOffer, EnrolmentResult, Metadata } from '../../src/protocol/messages.ts';
import { makeKeys } from '../keys/device-key.ts';
import { pinSecrets } from '../keys/pin.ts';
import { type Account, askToPersist, type Draft } from '../keys/store.ts';
import { type Answer, failed } from './answer.ts';
import { platformName } from './platform.ts';
import type { Progress, Services } from './services.ts';

/** What the person brought: the token of a QR code, or a typed code with the sign-in name. */
export type Ticket = { token: string } | { code: string; login: string };

/** An enrolment that this phone has claimed. */
export interface Enrolling {
  draft: Draft;
  offer: EnrolmentOffer;
  metadata: Metadata;
}

/** More rounds than this are a mistake: the phone would seem to hang. */
const MOST_ITERATIONS = 10_000_000;
/** Seconds that the person has to type the check digits (protocol section 4, E3). */
const CHECK_LIFE = 300;

/** Claims the offer with a key of its own; the same code tried again uses the same key. */
export async function beginEnrolment({ api, store }: Services, ticket: Ticket): Promise<Answer<Enrolling>> {
  const metadata = await api.metadata();
  if (!metadata.ok) return metadata;
  // Only a hash of the code is kept: the code itself opens the enrolment.
  const id = toBase64url(await digest(utf8('token' in ticket ? ticket.token : `${ticket.login}\n${ticket.code}`)));
  const draft = (await store.draft(id)) ?? { id, madeAt: Date.now(), ...(await makeKeys()) };
  await store.putDraft(draft);
  const offer = await api.begin(draft, ticket);
  if (!offer.ok) return offer;
  if (!(await isOurs(offer.value, draft))) return failed('unreadable');
  return { ok: true, value: { draft, offer: offer.value, metadata: metadata.value } };
}

async function isOurs(offer: EnrolmentOffer, draft: Draft): Promise<boolean> {
  const { name, iterations } = offer.kdf;
  const known =
    name === 'PBKDF2-SHA256' && Number.isSafeInteger(iterations) && iterations > 0 && iterations <= MOST_ITERATIONS;
  return known && offer.device_id === (await deviceId(draft.publicJwk));
}

/** Finishes with the PIN: typed again as on the account page, or chosen here (`pin.setup: phone`), when it never leaves the phone. */
export async function completeEnrolment(
  services: Services,
  enrolling: Enrolling,
  pin: string,
  progress: Progress,
): Promise<Answer<Account>> {
  const { draft, offer, metadata } = enrolling;
  progress('pin');
  const secrets = await pinSecrets({ ...draft, salt: offer.salt, kdf: offer.kdf }, pin);
  progress('send');
  const sealed = {
    device: offer.device_id,
    ...(metadata.pin.setup === 'browser' && { pin }),
    pin_tag: secrets.pinTag,
    k_off: toBase64url(secrets.offlineKey),
  };
  const send = () =>
    services.api.sealing(metadata.enc_jwk, sealed, (sec) =>
      services.api.complete(draft, offer.enrolment_id, { nonce: offer.nonce, platform: platformName(), sec }),
    );
  let answer = await send();
  // The answer may be what was lost: the same key and nonce get it again (protocol section 4, E3).
  if (!answer.ok && answer.failure.code === 'offline') answer = await send();
  return answer.ok ? { ok: true, value: await keep(services, enrolling, answer.value) } : answer;
}

async function keep({ store, origin }: Services, enrolling: Enrolling, result: EnrolmentResult): Promise<Account> {
  const { draft, offer, metadata } = enrolling;
  const account: Account = {
    device: offer.device_id,
    origin,
    name: offer.account,
    deviceName: offer.device_name,
    signingKey: draft.signingKey,
    publicJwk: draft.publicJwk,
    deviceKey: draft.deviceKey,
    salt: offer.salt,
    kdf: offer.kdf,
    ctr: 0,
    ratchet: result.ratchet,
    metadata,
    state: result.state,
    ...(result.state === 'confirm' && {
      check: { digits: result.check, until: Math.floor(Date.now() / 1000) + CHECK_LIFE },
    }),
  };
  await store.put(account);
  await store.setCurrentDevice(account.device);
  await store.removeDraft(draft.id);
  await askToPersist();
  return account;
}

/** Whether the person has typed the check digits by now: from then on the provider knows this device. */
export async function confirmed({ store, api }: Services, account: Account): Promise<'yes' | 'not_yet' | 'over'> {
  const answer = await api.ask(account, 'self');
  if (answer.ok) {
    await store.change(account.device, ({ check: _, ...rest }) => ({ ...rest, state: 'active' }));
    return 'yes';
  }
  if ((account.check?.until ?? 0) > Math.floor(Date.now() / 1000) && answer.failure.code !== 'device_removed')
    return 'not_yet';
  if (['offline', 'unavailable', 'read_only'].includes(answer.failure.code)) return 'not_yet';
  await store.remove(account.device);
  return 'over';
}
