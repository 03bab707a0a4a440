// A phone without a screen: the whole device protocol as a class, for tests and for people who build against us. Independent of a browser.
import { type Clock, systemClock } from '../platform/clock.ts';
import { type Random, systemRandom } from '../platform/random.ts';
import { fromBase64url, toBase64url } from '../protocol/bytes.ts';
import { contextHash } from '../protocol/context.ts';
import { derivePin, deviceId, importDeviceKey, type PublicJwk } from '../protocol/derivations.ts';
import { type Link, type LinkProblem, readFragment, readScan } from '../protocol/links.ts';
import {
  type Claims,
  type Endpoint,
  type EnrolmentOffer,
  type EnrolmentResult,
  highestCounter,
  MESSAGE_TYPES,
  type Metadata,
  type PendingList,
  type PendingTransaction,
  type RespondResult,
  type Self,
  sealSecrets,
  signMessage,
} from '../protocol/messages.ts';
import { offlineCode } from '../protocol/ocra.ts';
import type { PhoneAccount, PhoneEnrolling, PhoneState, PhoneStore, PrivateJwk } from './phone-state.ts';
import { PhoneProblem, PhoneWire, Unreachable } from './phone-wire.ts';

/** What this phone cannot do as it stands: said to the person, nothing was sent. */
export class PhoneCannot extends Error {
  override name = 'PhoneCannot';
  readonly why: 'not_enrolled' | 'nothing_pending' | 'several_pending' | LinkProblem | 'wrong_link';

  constructor(why: PhoneCannot['why']) {
    super(why);
    this.why = why;
  }
}

/** Parts of a phone. `origin`: needed before the first enrolment only. */
export interface HeadlessOptions {
  origin?: string;
  state: PhoneStore;
  fetch?: typeof fetch;
  clock?: Clock;
  random?: Random;
  /** At most 40 characters. */
  platform?: string;
}

/** How the enrolment is named: the QR code's link, or the typed code with the sign-in name. */
export type EnrolBy = { link: string } | { code: string; login: string };

const bytesOf = (text: string) => fromBase64url(text) ?? new Uint8Array(0);

/** One account on one phone. */
export class HeadlessPhone {
  readonly #options: HeadlessOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #turns: Promise<unknown> = Promise.resolve();
  #writes: Promise<unknown> = Promise.resolve();

  constructor(options: HeadlessOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  /** `metadata` of the server. */
  async metadata(): Promise<Metadata> {
    return this.#wire(await this.#state()).metadata();
  }

  /** Begins and completes: the PIN is the one that was set on the account page, or with `pin.setup: phone` a new one. */
  async enrol(by: EnrolBy, pin: string): Promise<EnrolmentResult> {
    await this.begin(by);
    return this.complete(pin);
  }

  /** E2: a fresh key claims the enrolment. The offer names the account; show it before asking the PIN. */
  async begin(by: EnrolBy): Promise<EnrolmentOffer> {
    const claims = 'link' in by ? { token: this.#enrolToken(by.link) } : { code: by.code, login: by.login };
    const kept = await this.#options.state.load();
    const origin = 'link' in by ? new URL(by.link).origin : (this.#options.origin ?? kept?.origin);
    if (origin === undefined) throw new PhoneCannot('not_enrolled');
    const state: PhoneState = {
      version: 1,
      clockOffset: 0,
      ...kept,
      origin,
      installId: kept?.installId ?? this.#random.id(),
    };
    const facts = await this.#wire(state).metadata();
    state.clockOffset = facts.server_time * 1000 - this.#clock.now();
    const begunBy = JSON.stringify(claims);
    const going = kept?.enrolling?.by === begunBy ? kept.enrolling : undefined;
    const key = going?.key ?? (await newKey());
    const offer = await this.#begin(state, key, claims).catch((error: unknown) => {
      // Over for a beginning, but perhaps because our own `complete` came through: completing again tells.
      if (going && error instanceof PhoneProblem && error.code === 'enrolment_expired') return offerOf(going);
      throw error;
    });
    await this.#options.state.save({
      ...state,
      enrolling: {
        by: begunBy,
        enrolmentId: offer.enrolment_id,
        deviceId: offer.device_id,
        nonce: offer.nonce,
        account: offer.account,
        deviceName: offer.device_name,
        salt: offer.salt,
        kdf: offer.kdf,
        key,
        secret: going?.secret ?? this.#random.id(32),
      },
    });
    return offer;
  }

  async #begin(state: PhoneState, key: PrivateJwk, claims: Claims): Promise<EnrolmentOffer> {
    const signer = { key: await signingKey(key), jwk: publicPart(key) };
    const whole = { ...claims, install_id: state.installId, jti: this.#random.id() };
    const jws = await signMessage('enrol/begin', state.origin, signer, whole, this.#now(state));
    const offer = (await this.#wire(state).post('enrol/begin', jws)) as EnrolmentOffer;
    if (offer.device_id !== (await deviceId(publicPart(key))))
      throw new Unreachable('the server answered for another key');
    return offer;
  }

  #enrolToken(link: string): string {
    const read = readScan(link, URL.canParse(link) ? new URL(link).origin : '');
    if ('problem' in read) throw new PhoneCannot(read.problem);
    if (read.kind !== 'enrol') throw new PhoneCannot('wrong_link');
    return read.token;
  }

  /** E3: sends what the PIN derives. The account stands in the state before this resolves. */
  async complete(pin: string): Promise<EnrolmentResult> {
    const state = await this.#state();
    const { enrolling } = state;
    if (!enrolling) throw new PhoneCannot('not_enrolled');
    const facts = await this.#wire(state).metadata();
    const derived = await derive(enrolling, pin);
    const sec = await sealSecrets(facts.enc_jwk, {
      device: enrolling.deviceId,
      ...(facts.pin.setup === 'browser' ? { pin } : {}),
      pin_tag: toBase64url(derived.pinTag),
      k_off: toBase64url(derived.offlineKey),
    });
    const platform = (this.#options.platform ?? 'Countersign headless phone').slice(0, 40);
    const post = async () => {
      const claims = { nonce: enrolling.nonce, platform, sec, jti: this.#random.id() };
      const signer = { key: await signingKey(enrolling.key), kid: enrolling.enrolmentId };
      const jws = await signMessage('enrol/complete', state.origin, signer, claims, this.#now(state));
      return (await this.#wire(state).post('enrol/complete', jws)) as EnrolmentResult;
    };
    const result = await post().catch((error: unknown) => {
      // The answer may be what was lost: the same again gets the same answer (protocol section 4, E3).
      if (error instanceof Unreachable) return post();
      throw error;
    });
    const { by: _, enrolmentId: __, nonce: ___, ...account } = enrolling;
    const { enrolling: ____, ...rest } = state;
    await this.#options.state.save({ ...rest, account: { ...account, ratchet: result.ratchet, counter: 0 } });
    return result;
  }

  /** The account on this phone, for people: never its keys. */
  async account(): Promise<{ deviceId: string; account: string; deviceName: string; origin: string }> {
    const { deviceId, account, deviceName, origin } = await this.#enrolled();
    return { deviceId, account, deviceName, origin };
  }

  /** Requests that wait for this phone. */
  async pending(): Promise<PendingList> {
    return (await this.request('pending')) as PendingList;
  }

  /** Follows the live list until the server ends it or `signal` fires. */
  async watch(listener: (list: PendingList) => void, signal: AbortSignal): Promise<void> {
    const state = await this.#enrolled();
    await this.#wire(state).follow(await this.sign('stream', {}), listener, signal);
  }

  /** Opens a request by its id or its `o1` link: the number must be typed. */
  async open(txnOrLink: string): Promise<PendingTransaction> {
    const txn = await this.#txnOf(txnOrLink);
    return (await this.request('open', { txn })) as PendingTransaction;
  }

  /** Claims a request by the link in its QR code, as the phone's camera would. */
  async claim(link: string): Promise<PendingTransaction> {
    const { origin } = await this.#enrolled();
    const read = readScan(link, origin);
    if ('problem' in read) throw new PhoneCannot(read.problem);
    if (read.kind !== 'signin') throw new PhoneCannot('wrong_link');
    const { txn, i, mac } = read;
    return (await this.request('claim', { txn, i, mac })) as PendingTransaction;
  }

  /** Approves a request. A phone whose answer was lost asks again and reads `approved` as success (protocol section 1). */
  async approve(request: PendingTransaction, proof: { pin: string; number?: string }): Promise<RespondResult> {
    const { pinTag } = await derive(await this.#enrolled(), proof.pin);
    const claims = {
      ...(await answerTo(request)),
      decision: 'approve',
      ...(proof.number === undefined ? {} : { number: proof.number }),
      uv: 'pin',
      pin_tag: toBase64url(pinTag),
    };
    return this.#inTurn(async () => {
      try {
        return (await this.ratcheted('respond', claims)) as RespondResult;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        return await this.#askAgain(claims);
      }
    });
  }

  async #askAgain(claims: Claims): Promise<RespondResult> {
    try {
      return (await this.ratcheted('respond', claims)) as RespondResult;
    } catch (error) {
      if (error instanceof PhoneProblem && error.code === 'approved') return { state: 'approved' };
      throw error;
    }
  }

  /** Denies a request. */
  async deny(request: PendingTransaction): Promise<RespondResult> {
    return (await this.request('respond', { ...(await answerTo(request)), decision: 'deny' })) as RespondResult;
  }

  /** "It was not me": denies, pauses push and tells the person by mail. */
  async report(request: PendingTransaction): Promise<RespondResult> {
    return (await this.request('respond', { ...(await answerTo(request)), decision: 'report' })) as RespondResult;
  }

  /** The eight digits for a QR link, without any network (protocol section 5.3). `context` is what the person must be shown. */
  async offlineCode(link: string, pin: string): Promise<{ code: string; context: PendingTransaction['ctx'] }> {
    const account = await this.#enrolled();
    const read = readScan(link, account.origin);
    if ('problem' in read) throw new PhoneCannot(read.problem);
    if (read.kind !== 'signin') throw new PhoneCannot('wrong_link');
    const { offlineKey } = await derive(account, pin);
    return { code: await offlineCode(offlineKey, bytesOf(read.txn), read.context), context: read.context };
  }

  /** What the server knows of this phone. */
  async self(): Promise<Self> {
    return (await this.request('self')) as Self;
  }

  /** Gives this phone another name. @returns the name as it is kept. */
  async rename(name: string): Promise<string> {
    const { name: kept } = (await this.request('rename', { name })) as { name: string };
    await this.#update((account) => ({ account: { ...account, deviceName: kept } }));
    return kept;
  }

  /** Takes this phone off the account, then deletes its keys. */
  async unlink(): Promise<void> {
    await this.request('unlink');
    await this.forget();
  }

  /** Deletes this account's keys: also after `device_removed`. */
  async forget(): Promise<void> {
    const { account: _, enrolling: __, ...rest } = await this.#state();
    await this.#options.state.save(rest);
  }

  /** A new PIN; salt and kdf stay. */
  async changePin(oldPin: string, newPin: string): Promise<void> {
    const account = await this.#enrolled();
    const [old, fresh] = [await derive(account, oldPin), await derive(account, newPin)];
    const facts = await this.#wire(account).metadata();
    const sec = await sealSecrets(facts.enc_jwk, {
      device: account.deviceId,
      old_tag: toBase64url(old.pinTag),
      pin_tag: toBase64url(fresh.pinTag),
      k_off: toBase64url(fresh.offlineKey),
    });
    await this.#inTurn(() => this.ratcheted('pin', { sec }));
  }

  /** Signs and posts; after `clock_skew` once more by the server's clock. @throws PhoneProblem, Unreachable, PhoneCannot */
  async request(endpoint: Exclude<Endpoint, 'enrol/begin' | 'enrol/complete'>, claims: Claims = {}): Promise<unknown> {
    const state = await this.#enrolled();
    const wire = this.#wire(state);
    try {
      return await wire.post(endpoint, await this.sign(endpoint, claims));
    } catch (error) {
      if (!(await this.#tookServerTime(error, state.counter))) throw error;
      return wire.post(endpoint, await this.sign(endpoint, claims));
    }
  }

  /** A signed message of this device, with `jti`, or with `ctr` stored before it can be sent. */
  async sign(endpoint: Exclude<Endpoint, 'enrol/begin' | 'enrol/complete'>, claims: Claims): Promise<string> {
    const counted = MESSAGE_TYPES[endpoint] !== 'dev-req+jwt';
    const unique = counted ? { ctr: await this.#nextCounter() } : { jti: this.#random.id() };
    const account = await this.#enrolled();
    const signer = { key: await signingKey(account.key), kid: account.deviceId };
    return signMessage(endpoint, account.origin, signer, { ...unique, ...claims }, this.#now(account));
  }

  /** A message with the ratchet: the new value is stored before the caller hears of success, or of a refusal that carries one. */
  async ratcheted(endpoint: 'respond' | 'pin' | 'webauthn/register/options', claims: Claims): Promise<unknown> {
    const { ratchet } = await this.#enrolled();
    try {
      const answer = await this.request(endpoint, { ...claims, ratchet });
      await this.#keepRatchet(answer as { ratchet?: string });
      return answer;
    } catch (error) {
      if (error instanceof PhoneProblem) await this.#keepRatchet(error.problem);
      throw error;
    }
  }

  async #keepRatchet({ ratchet }: { ratchet?: string }): Promise<void> {
    if (ratchet !== undefined) await this.#update((account) => ({ account: { ...account, ratchet } }));
  }

  /** One message with a ratchet at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  /** Changes the account in the stored state, one change after the other. */
  #update(
    change: (account: PhoneAccount, state: PhoneState) => { account: PhoneAccount; clockOffset?: number },
  ): Promise<PhoneAccount> {
    const written = this.#writes.then(async () => {
      const state = await this.#state();
      if (!state.account) throw new PhoneCannot('not_enrolled');
      const next = change(state.account, state);
      await this.#options.state.save({ ...state, ...next });
      return next.account;
    });
    this.#writes = written.catch(() => undefined);
    return written;
  }

  async #nextCounter(): Promise<number> {
    const { counter } = await this.#update((account, { clockOffset }) => ({
      account: { ...account, counter: Math.max(account.counter + 1, this.#clock.now() + clockOffset) },
    }));
    return counter;
  }

  /** After `clock_skew` the server's clock counts; the counter that it refused was never taken. */
  async #tookServerTime(error: unknown, counter: number): Promise<boolean> {
    if (!(error instanceof PhoneProblem) || error.code !== 'clock_skew') return false;
    const { server_time } = error.problem;
    if (server_time === undefined) return false;
    const clockOffset = server_time * 1000 - this.#clock.now();
    const taken = Math.min(counter, highestCounter(server_time));
    await this.#update((account) => ({ clockOffset, account: { ...account, counter: taken } }));
    return true;
  }

  async #txnOf(text: string): Promise<string> {
    if (!text.includes('#')) return text;
    const { origin } = await this.#enrolled();
    const read: Link | { problem: LinkProblem } = text.startsWith('#') ? readFragment(text) : readScan(text, origin);
    if ('problem' in read) throw new PhoneCannot(read.problem);
    if (read.kind === 'enrol') throw new PhoneCannot('wrong_link');
    return read.txn;
  }

  async #state(): Promise<PhoneState> {
    const state = await this.#options.state.load();
    if (state) return state;
    const { origin } = this.#options;
    if (origin === undefined) throw new PhoneCannot('not_enrolled');
    return { version: 1, origin, installId: this.#random.id(), clockOffset: 0 };
  }

  async #enrolled(): Promise<PhoneAccount & Pick<PhoneState, 'origin' | 'clockOffset'>> {
    const { account, origin, clockOffset } = await this.#state();
    if (!account) throw new PhoneCannot('not_enrolled');
    return { ...account, origin, clockOffset };
  }

  #wire({ origin }: Pick<PhoneState, 'origin'>): PhoneWire {
    return new PhoneWire(origin, this.#options.fetch);
  }

  /** Whole seconds by the server's clock as this phone knows it. */
  #now({ clockOffset }: Pick<PhoneState, 'clockOffset'>): number {
    return Math.floor((this.#clock.now() + clockOffset) / 1000);
  }
}

async function answerTo({ txn, nonce, ctx }: PendingTransaction): Promise<Claims> {
  return { txn, nonce, ctx_hash: await contextHash(ctx) };
}

/** What the PIN gives on this device (protocol section 2). */
async function derive({ secret, salt, kdf }: Pick<PhoneEnrolling, 'secret' | 'salt' | 'kdf'>, pin: string) {
  return derivePin(await importDeviceKey(bytesOf(secret)), pin, bytesOf(salt), kdf.iterations);
}

function publicPart({ kty, crv, x, y }: PrivateJwk): PublicJwk {
  return { kty, crv, x, y };
}

/** What the server offered, as it was kept; its time is over. */
function offerOf(going: PhoneEnrolling): EnrolmentOffer {
  const { enrolmentId, deviceId, nonce, deviceName, account, salt, kdf } = going;
  const named = { enrolment_id: enrolmentId, device_id: deviceId, device_name: deviceName };
  return { ...named, nonce, account, salt, kdf, expires_in: 0 };
}

async function newKey(): Promise<PrivateJwk> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { x = '', y = '', d = '' } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  return { kty: 'EC', crv: 'P-256', x, y, d };
}

function signingKey(key: PrivateJwk): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', { ...key }, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}
