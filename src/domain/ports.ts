// The ports: what a use case may touch. `World` is their sum; a use case names what it needs by Pick<World, …>.
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { WebauthnCredential } from '../platform/webauthn.ts';
import type { AuditEvent } from './audit.ts';
import type { Consent } from './consent.ts';
import type { Delivery } from './delivery.ts';
import type { Device, PinVerifier, Sealed } from './device.ts';
import type { Enrolment, EnrolmentState } from './enrolment.ts';
import type { Letter } from './letters.ts';
import type { Notice, ReadOnlyMode } from './notices.ts';
import type { Transaction, TransactionMode, TransactionState } from './transaction.ts';
import type { User } from './user.ts';

/** Where the PIN is chosen: on the account page (as people know it), or on the phone alone (SP 800-63B-4 section 3.2.10). */
export type PinSetup = 'browser' | 'phone';

// ── What lasts (PostgreSQL, or PGlite in the embedded default) ─────────────────────────────────────────────────────

/** Somebody who signs in with a password. `passwordFailures`: wrong ones since the last right one. */
export interface PersonWithPassword {
  user: User;
  passwordHash?: string;
  passwordFailures: number;
}

/** People. */
export interface Users {
  byId(id: string): Promise<User | undefined>;
  /** @param login in its canonical spelling. */
  byLogin(login: string): Promise<User | undefined>;
  /** A person with the stored password hash, in one query. @param login in its canonical spelling. */
  withPassword(login: string): Promise<PersonWithPassword | undefined>;
  /** The same of a mail address that one person alone has. @param email compared without regard to case. */
  withPasswordByEmail(email: string): Promise<PersonWithPassword | undefined>;
  /** @param email compared without regard to case. */
  byEmail(email: string): Promise<User[]>;
  list(): Promise<User[]>;
  /** False where the sign-in name is taken. */
  insert(user: User, passwordHash?: string): Promise<boolean>;
  passwordHash(id: string): Promise<string | undefined>;
  /**
   * Some person's password hash, the same for the same place as long as nobody comes in between; undefined where nobody has one.
   * @param place any text, spread as evenly as the ids of people are.
   */
  passwordHashAt(place: string): Promise<string | undefined>;
  /** A new password: wrong ones before it count no longer. */
  setPasswordHash(id: string, hash: string): Promise<void>;
  /** Counts one more wrong password; answers the new count. */
  passwordFailed(id: string): Promise<number>;
  /** A right one: the count starts again. */
  clearPasswordFailures(id: string): Promise<void>;
  /** The same password hashed anew. False, and nothing is written, where the person has another hash by now. */
  renewPasswordHash(id: string, old: string, hash: string): Promise<boolean>;
  setState(id: string, state: User['state']): Promise<boolean>;
  /** Deletes the person with phones, known browsers, links, consents, grants and refresh tokens. False where they are not disabled. */
  remove(id: string): Promise<boolean>;
  setLocale(id: string, locale: string): Promise<void>;
  /** The person, whom no other transaction changes before this one ends. */
  forUpdate(id: string): Promise<User | undefined>;
  setGroups(id: string, groups: User['groups']): Promise<void>;
  setAttributes(id: string, attributes: User['attributes']): Promise<void>;
  /** The person's own switch "always ask for my second factor". */
  setAlwaysSecondFactor(id: string, always: boolean): Promise<void>;
  /**
   * Ends every session and token of the person at once, on every node: moves `sessionsValidAfter` to now and deletes their grants.
   * @returns the clients that had any of those.
   */
  endSessions(id: string): Promise<string[]>;
  /** Notes that one session was signed out of. @param session the hash of its uid. @param seconds how long it would have lived. */
  sessionEnded(id: string, session: string, seconds: number): Promise<void>;
  /** Raises `factorsVersion` by one. */
  factorsChanged(id: string): Promise<void>;
  setPushPaused(id: string, paused: boolean): Promise<void>;
  /** Counts one more wrong number before it is checked; answers the new count. */
  reserveNumber(id: string): Promise<number>;
  /** Counts one more offline code before it is checked; undefined where the way is closed (50, protocol section 5.3). */
  reserveOffline(id: string): Promise<number | undefined>;
  /** A success: the count of the way that was used starts again. */
  clearNumbers(id: string): Promise<void>;
  clearOffline(id: string): Promise<void>;
}

/** A device as it is first written. */
export interface NewDevice {
  device: Device;
  installHash: string;
  verifier: PinVerifier;
  offline: Sealed;
  /** SHA-256 of the first ratchet value, base64url. */
  ratchet: string;
}

/** Answer of the PIN counter's reservation (protocol section 6). `retryAfter` in seconds. */
export type PinReservation =
  | { ok: true; failures: number; verifier: PinVerifier }
  | { ok: false; why: 'locked' }
  | { ok: false; why: 'blocked'; retryAfter: number }
  | { ok: false; why: 'removed' };

/** Phones. Statements are those of protocol section 6, each one atomic. */
export interface Devices {
  /** Any device that ever was, also a removed one. */
  byId(id: string): Promise<Device | undefined>;
  /** Active and locked ones, oldest first. */
  ofUser(userId: string): Promise<Device[]>;
  /** How many devices, active or locked, other than this person's carry one of these install hashes. */
  othersWithInstall(installHashes: readonly string[], userId: string): Promise<number>;
  /** False where a device of this id exists. */
  insert(device: NewDevice): Promise<boolean>;
  rename(id: string, userId: string, name: string): Promise<boolean>;
  /** Sets `removed` and deletes the verifier, the offline key and the push address. False where it is not this person's or already removed. */
  remove(id: string, userId: string): Promise<boolean>;
  /** Commits a strictly rising counter; false where it is not higher than the last. */
  commitCounter(id: string, counter: number): Promise<boolean>;
  /** Whether the ratchet (SHA-256, base64url) is the newest or the one before. */
  ratchetKnown(id: string, presented: string): Promise<boolean>;
  /** Takes any ratchet of each phone once, with its PIN or biometric. @returns how many phones. */
  reopenRatchets(): Promise<number>;
  reservePin(id: string): Promise<PinReservation>;
  /** The right PIN after reservation `n`: clears the count, moves the ratchet, remakes the verifier. False: refused. */
  settleRightPin(id: string, n: number, presented: string, next: string, verifier: PinVerifier): Promise<boolean>;
  /** The biometric's credential of an active device. */
  biometric(id: string): Promise<WebauthnCredential | undefined>;
  /** Sets or replaces the biometric while `ratchet` (hashed) is the newest and the device is active. */
  setBiometric(id: string, ratchet: string, credential: WebauthnCredential): Promise<boolean>;
  /** False where there was none. */
  clearBiometric(id: string): Promise<boolean>;
  /** An approval by this very credential: moves the ratchet and the authenticator's count, and nothing about the PIN. False: refused. */
  settleBiometric(
    id: string,
    use: { credentialId: string; counter: number; presented: string; next: string },
  ): Promise<boolean>;
  /** Locks after the fifth wrong PIN; true where this call locked it. */
  lockAfterWrongPin(id: string): Promise<boolean>;
  /** Locks a copied device; true where this call locked it. */
  lockCloned(id: string): Promise<boolean>;
  /** Unlocks by another strong factor: two tries are left. A cloned device is never unlocked. */
  unlock(id: string, userId: string): Promise<boolean>;
  /** The sealed offline key of an active device. */
  offlineKey(id: string): Promise<Sealed | undefined>;
  /** A new PIN: verifier, offline key and ratchet in one statement (protocol section 8). */
  changePin(
    id: string,
    n: number,
    presented: string,
    next: string,
    verifier: PinVerifier,
    offline: Sealed,
  ): Promise<boolean>;
  touch(id: string): Promise<void>;
  /** Keeps a sealed push subscription, or deletes it; false where the device is removed. */
  setPush(id: string, subscription: Sealed | undefined): Promise<boolean>;
  /** The sealed push subscriptions of a person's active phones. */
  pushOf(userId: string): Promise<{ id: string; subscription: Sealed }[]>;
  /** Deletes a subscription that its service no longer knows, unless the phone has made a new one meanwhile. */
  dropPush(id: string, subscription: Sealed): Promise<boolean>;
}

/** Browsers on which a person has finished with a phone before (protocol section 5). Never lowers what is proven. */
export interface KnownBrowsers {
  /** The person whom this cookie value (hashed) belongs to, where not expired. */
  find(hash: string): Promise<{ userId: string } | undefined>;
  /** Replaces `previous` (if given) with a new value for 90 days. */
  remember(userId: string, hash: string, previous?: string): Promise<void>;
  forgetAll(userId: string): Promise<void>;
}

/** Purposes of a one-time link or code that is sent to a person. */
export type TicketPurpose = 'invite' | 'password_reset';

/** One-time links, kept by hash. */
export interface Tickets {
  insert(ticket: { hash: string; userId: string; purpose: TicketPurpose; expiresInSeconds: number }): Promise<void>;
  /** The person of an open ticket, without spending it. */
  peek(hash: string, purpose: TicketPurpose): Promise<string | undefined>;
  /** Spends it: exactly one caller gets the person. */
  spend(hash: string, purpose: TicketPurpose): Promise<string | undefined>;
  cancelAll(userId: string): Promise<void>;
}

/** Facts "used" that outlive a loss of Redis. */
export interface Spent {
  /** True for exactly one caller. */
  transaction(id: string): Promise<boolean>;
}

/** The append-only, hash-chained audit. */
export interface Audit {
  record(event: AuditEvent): Promise<void>;
}

/** Messages to services, until they have them. Times are the database's. */
export interface Deliveries {
  /** Keeps one. Without `dueIn` it waits for {@link Deliveries.due}. Seconds. */
  add(delivery: Delivery, times: { dueIn?: number; expiresIn: number }): Promise<void>;
  /** To be sent in so many seconds; nothing where there is no such message. */
  due(id: string, seconds: number): Promise<void>;
  /** Takes what is due, each for one worker; what is neither done nor made due again comes back after a while. */
  take(most: number): Promise<(Delivery & { tries: number })[]>;
  done(id: string): Promise<void>;
}

/** What people have allowed services that are not first-party, until they take it back. */
export interface Consents {
  of(userId: string, clientId: string): Promise<Consent | undefined>;
  /** Newest first. `givenAt` in milliseconds, the last time that something was allowed. */
  all(userId: string): Promise<{ clientId: string; givenAt: number }[]>;
  /** Adds to what was allowed before. */
  add(userId: string, clientId: string, consent: Consent): Promise<void>;
  /** Forgets it, with the grants and refresh tokens that the service has of this person; false where nothing was allowed. */
  takeBack(userId: string, clientId: string): Promise<boolean>;
}

/** Everything that lasts. In `World.records` each call commits by itself; in `World.atomically` all of them commit together. */
export interface Records {
  users: Users;
  devices: Devices;
  knownBrowsers: KnownBrowsers;
  tickets: Tickets;
  spent: Spent;
  deliveries: Deliveries;
  consents: Consents;
  audit: Audit;
}

// ── What may be lost (Redis, or this process in the embedded default) ──────────────────────────────────────────────

/** Answer of an atomic move. */
export type Move<T> = { ok: true; now: T } | { ok: false; now: T | undefined };

/** Sign-in requests to phones. Every time is taken from the store's clock. */
export interface Transactions {
  /** Milliseconds by the store's clock. */
  now(): Promise<number>;
  /** Opens one; ends the oldest beyond 10 open of the user and 5 of the browser, and the user's open push where this is a push. */
  open(
    transaction: Omit<
      Transaction,
      'state' | 'startedAt' | 'expiresAt' | 'codeTries' | 'claimedBy' | 'openedBy' | 'device' | 'means'
    >,
    lifeSeconds: number,
  ): Promise<Transaction>;
  /** A transaction, `expired` where its time is over and it was still pending; kept findable for a while after its end. */
  find(id: string): Promise<Transaction | undefined>;
  /** Pending transactions of a user, oldest first. */
  pendingOf(userId: string): Promise<Transaction[]>;
  /** First good claim wins; false where another device has it or it is no longer pending. */
  claim(id: string, deviceId: string): Promise<Move<Transaction>>;
  /** Notes that a device opened the link: it now stands in that device's pending list. */
  opened(id: string, deviceId: string): Promise<Move<Transaction>>;
  /** pending → approved | denied | reported | failed, once. */
  answer(
    id: string,
    to: Extract<TransactionState, 'approved' | 'denied' | 'reported' | 'failed'>,
    by?: { device: string; means: NonNullable<Transaction['means']> },
  ): Promise<Move<Transaction>>;
  /** approved → consumed for this browser and this interaction, once. */
  consume(id: string, bind: string, interaction: string): Promise<Move<Transaction>>;
  /** Adds 120 s while pending, up to 600 s in all. */
  extend(id: string, bind: string): Promise<Move<Transaction>>;
  /** pending → expired: replaced, cancelled, or another way was taken. */
  end(id: string): Promise<void>;
  /** Reserves one offline try of a pending transaction before it is checked; answers the count, undefined where none is left. */
  reserveCode(id: string): Promise<number | undefined>;
  /** Calls back at each change of this transaction, on whichever node it happens. */
  watch(id: string, listener: (state: TransactionState) => void): Promise<() => void>;
  /** Calls back whenever the user's pending list may have changed, or a device of theirs was removed or locked. */
  watchUser(userId: string, listener: () => void): Promise<() => void>;
  /** Tells the watchers of a user that something changed. */
  touchUser(userId: string): Promise<void>;
  /** Modes of open transactions of the user, for the choice of the way. */
  openModes(userId: string): Promise<{ id: string; mode: TransactionMode; bind: string }[]>;
}

/** Offers to add a phone. */
export interface Enrolments {
  now(): Promise<number>;
  open(
    enrolment: Omit<Enrolment, 'state' | 'expiresAt' | 'pinTries' | 'codeTries' | 'checkTries'>,
    lifeSeconds: number,
  ): Promise<Enrolment>;
  find(id: string): Promise<Enrolment | undefined>;
  findByToken(tokenHash: string): Promise<Enrolment | undefined>;
  /** The open enrolments of a person, for a typed code that comes with the sign-in name. */
  openOf(userId: string): Promise<Enrolment[]>;
  /** shown → scanned for the first key; the same key again is ok. */
  claim(id: string, by: { thumbprint: string; jwk: string; installHash: string }): Promise<Move<Enrolment>>;
  /** One atomic move between states; the PIN's hash is deleted at any end. */
  move(
    id: string,
    from: readonly EnrolmentState[],
    to: EnrolmentState,
    set?: { check?: string; lifeSeconds?: number },
  ): Promise<Move<Enrolment>>;
  /** Reserves one try before it is checked; answers the count, undefined where the enrolment is over. */
  reserve(id: string, what: 'pinTries' | 'codeTries' | 'checkTries'): Promise<number | undefined>;
  watch(id: string, listener: (state: EnrolmentState) => void): Promise<() => void>;
}

/** Verdict of a limit. `retryAfter` in seconds. */
export type LimitVerdict = { ok: true } | { ok: false; retryAfter: number };

/** Limits that are not a factor's own counter. Names are those of `limits.yaml`. */
export interface Limits {
  /** Takes one unit before the work is done. */
  take(rule: LimitRule, key: string): Promise<LimitVerdict>;
  /** Whether a unit is left, without taking one. */
  peek(rule: LimitRule, key: string): Promise<LimitVerdict>;
  /** Forgets the count: after a success. */
  clear(rule: LimitRule, key: string): Promise<void>;
}

/** Each rule has its figures in the settings. */
export type LimitRule =
  | 'password_person'
  | 'password_address'
  | 'mail_code'
  | 'mail_code_send'
  | 'push_short'
  | 'push_day'
  | 'offline_code'
  | 'enrolment_code_address'
  | 'user_code_address'
  | 'sign_in_address'
  | 'device_code_address'
  | 'password_reset'
  | 'device_api_address';

/** Values used once: a message's jti, a client assertion's, a DPoP proof's. */
export interface Replays {
  /** True for the first caller within `seconds`. */
  first(key: string, seconds: number): Promise<boolean>;
}

/** Small values that may be lost: second proofs under way, account sessions. Keys are typed by prefix. */
export interface Scratch {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Reads and deletes in one move. */
  take(key: string): Promise<string | undefined>;
  delete(key: string): Promise<void>;
  /** Adds one; the time to live is set by the first. */
  increment(key: string, ttlSeconds: number): Promise<number>;
}

// ── Telling and keeping secrets ────────────────────────────────────────────────────────────────────────────────────

/** A mail in the person's language. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Sends mail. Resolves when it is handed over; a failure is logged and retried, never thrown at a sign-in. */
export interface Mailer {
  /** The words of a letter in the person's language. */
  write(user: Pick<User, 'name' | 'locale'>, letter: Letter): Pick<Mail, 'subject' | 'text'>;
  send(mail: Mail): Promise<void>;
}

/** Where a phone's push service takes messages for it (RFC 8030), and the keys to encrypt them with (RFC 8291). All of it is secret. */
export interface PushSubscription {
  endpoint: string;
  /** Base64url: an uncompressed P-256 point, and 16 bytes. */
  keys: { p256dh: string; auth: string };
}

/** Wakes a phone: only a knock; the truth is `pending`. */
export interface Push {
  /** The key that phones subscribe with (RFC 8292), base64url; undefined where there is no push. */
  readonly publicKey: string | undefined;
  /** Whether messages may be sent to this address: an https address of a push service that we know, or one that the operator named. */
  accepts(endpoint: string): boolean;
  /** Seals a subscription for keeping. */
  seal(deviceId: string, subscription: PushSubscription): Sealed;
  /** Sends to every active phone of the person. Resolves at once: nobody waits for a push service, and nothing is thrown. */
  knock(userId: string, txn: string): void;
}

/** Carries what stands in {@link Deliveries} to the services. */
export interface Courier {
  /** Something is due: look now. Nobody waits for it, and nothing is thrown. */
  wake(): void;
  /** Takes a message that cannot be written now: hands it over at once, else keeps it until it can. @param expiresIn seconds. */
  hold(delivery: Delivery, expiresIn: number): void;
}

/** argon2id off the event loop, at most two at once, a bounded queue. */
export interface Passwords {
  /** @throws QueueFull */
  hash(password: string): Promise<string>;
  /** `stale`: right, but to be hashed anew. For an unknown person call {@link Passwords.pretend}: the same work, always wrong. @throws QueueFull */
  verify(hash: string, password: string): Promise<'right' | 'stale' | 'wrong'>;
  /** @param like whose work it is to be, where it may differ: a hash that stands in the database. @throws QueueFull */
  pretend(password: string, like?: string): Promise<'wrong'>;
}

export { QueueFull } from '../platform/queue.ts';

/** The server's own keys for what it keeps. */
export interface Vault {
  /** AES-256-GCM under the newest key, bound to `aad`. */
  seal(secret: Uint8Array, aad: string): Sealed;
  /** @returns undefined where the key is unknown or the row was tampered with. */
  open(sealed: Sealed, aad: string): Uint8Array | undefined;
  /**
   * HMAC-SHA256 under the newest pepper, or under the one of `pepperId`: what must come out the same twice names the pepper of the first time,
   * since another one may be the newest by then. A pepper that is gone gives way to the newest, and so to another HMAC.
   */
  pepper(data: Uint8Array, pepperId?: string): { pepper_id: string; mac: string };
  /** HMAC-SHA256 under every pepper, the newest first: to look for what may have been kept under any of them. */
  peppersOf(data: Uint8Array): string[];
  /** Whether a stored HMAC is of this data, in constant time. */
  peppered(data: Uint8Array, stored: { pepper_id: string; mac: string }): boolean;
  /** The public key that phones encrypt to (`enc_jwk`). */
  encryptionJwk(): import('../protocol/messages.ts').EncryptionJwk;
  /** The plaintext of a `sec`; `unknown_key` where its kid is none of ours (protocol section 1). */
  unseal(
    jwe: string,
  ): Promise<{ ok: true; plaintext: Record<string, unknown> } | { ok: false; why: 'unknown_key' | 'malformed' }>;
}

/** The parts of the settings that use cases read. */
export interface DeviceRules {
  appOrigin: string;
  issuer: string;
  pin: { setup: PinSetup; min: number; max: number };
  kdfIterations: number;
  numberDigits: number;
  /** Seconds that an offer to add a phone lives. */
  enrolmentLife: number;
  accountsPerDevice: number;
  devicesPerAccount: number;
  offline: boolean;
  contextIp: 'none' | 'prefix' | 'full';
  notices: readonly Notice[];
  readOnly: ReadOnlyMode;
}

/** Everything that a use case may touch. */
export interface World {
  clock: Clock;
  random: Random;
  log: Log;
  records: Records;
  /** All of `work` commits together or not at all. Never hash, and never wait for the network, inside. */
  atomically<T>(work: (records: Records) => Promise<T>): Promise<T>;
  transactions: Transactions;
  enrolments: Enrolments;
  limits: Limits;
  replays: Replays;
  scratch: Scratch;
  mailer: Mailer;
  push: Push;
  courier: Courier;
  passwords: Passwords;
  vault: Vault;
  /** Read at each use: a reload replaces it. */
  rules(): DeviceRules;
}
