// What the phone keeps: accounts with their keys, enrolments under way, and how to notice that the browser threw all of it away.
import { toBase64url } from '../../src/protocol/bytes.ts';
import type { Kdf, Metadata } from '../../src/protocol/messages.ts';
import { type Database, openDatabase } from './database.ts';
import type { DeviceKeys } from './device-key.ts';

/** One account on this phone. The keys can be used and never be read out; the PIN is not here and cannot be checked from here. */
export interface Account extends DeviceKeys {
  /** device_id */
  device: string;
  /** The provider's origin: this app answers no other one. */
  origin: string;
  /** Whose account it is, as the provider names it. */
  name: string;
  deviceName: string;
  /** Salt and key derivation came with the enrolment and never change (protocol section 2). */
  salt: string;
  kdf: Kdf;
  /** Highest counter ever sent. */
  ctr: number;
  ratchet: string;
  /** What the provider last said about itself: for the time without a network. */
  metadata: Metadata;
  /** `confirm` until the person has typed the check digits into the account page. */
  state: 'confirm' | 'active';
  check?: { digits: string; until: number };
  /** Face or fingerprint is switched on, as far as this phone knows: the provider may have ended it. */
  biometric?: true;
}

/** An enrolment under way: its key must be the same when it is tried again, or the enrolment counts as contested. */
export interface Draft extends DeviceKeys {
  id: string;
  madeAt: number;
}

/** How long a draft may be of use, in milliseconds: an enrolment lives 5 minutes, its confirmation 5 more. */
const DRAFT_LIFE = 15 * 60_000;
/** Kept in another kind of storage than the keys, so that it may survive them. Holds no name. */
const MARKER = 'countersign.accounts';

/** The phone's memory. */
export interface Store {
  accounts(): Promise<Account[]>;
  account(device: string): Promise<Account | undefined>;
  put(account: Account): Promise<void>;
  change(device: string, change: (account: Account) => Account): Promise<Account | undefined>;
  remove(device: string): Promise<void>;
  /** Takes the next counter and keeps it before anybody sends it: `max(last + 1, now)`, `now` in ms by the server's clock. */
  nextCounter(device: string, now: number): Promise<number | undefined>;
  /** Goes back to a counter that the provider takes, where ours was made by a clock far ahead; never forward. */
  lowerCounter(device: string, highest: number): Promise<unknown>;
  currentDevice(): Promise<string | undefined>;
  setCurrentDevice(device: string): Promise<void>;
  /** A random name of this installation; the provider keeps a hash of it (protocol section 4, E2). */
  installId(): Promise<string>;
  /** Whether the person wants to be woken; undefined where they were not asked yet. */
  wantsPush(): Promise<boolean | undefined>;
  setWantsPush(wants: boolean): Promise<void>;
  draft(id: string): Promise<Draft | undefined>;
  putDraft(draft: Draft): Promise<void>;
  removeDraft(id: string): Promise<void>;
  /** How many accounts the browser lost: keys were here once and nobody removed them. */
  evicted(): Promise<number>;
  /** The person has read that the keys are gone. */
  forgetEvicted(): void;
}

/** Opens the phone's memory. */
export async function openStore(): Promise<Store> {
  const database = await openDatabase();
  await dropOldDrafts(database);
  return overDatabase(database);
}

async function dropOldDrafts(database: Database): Promise<void> {
  for (const draft of await database.all<Draft>('drafts')) {
    if (Date.now() - draft.madeAt > DRAFT_LIFE) await database.delete('drafts', draft.id);
  }
}

function overDatabase(database: Database): Store {
  const mark = async () => writeMarker((await database.all('accounts')).length);
  return {
    accounts: () => database.all('accounts'),
    account: (device) => database.get('accounts', device),
    async put(account) {
      await database.put('accounts', account);
      await mark();
    },
    change: (device, change) => database.change('accounts', device, change),
    async remove(device) {
      await database.delete('accounts', device);
      await mark();
    },
    async nextCounter(device, now) {
      const changed = await database.change<Account>('accounts', device, (account) => ({
        ...account,
        ctr: Math.max(account.ctr + 1, Math.floor(now)),
      }));
      return changed?.ctr;
    },
    lowerCounter: (device, highest) =>
      database.change<Account>('accounts', device, (account) => ({ ...account, ctr: Math.min(account.ctr, highest) })),
    currentDevice: () => database.get('values', 'current'),
    setCurrentDevice: (device) => database.put('values', device, 'current'),
    async installId() {
      const known = await database.get<string>('values', 'install');
      if (known) return known;
      const made = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
      await database.put('values', made, 'install');
      return made;
    },
    wantsPush: () => database.get('values', 'push'),
    setWantsPush: (wants) => database.put('values', wants, 'push'),
    draft: (id) => database.get('drafts', id),
    putDraft: (draft) => database.put('drafts', draft),
    removeDraft: (id) => database.delete('drafts', id),
    async evicted() {
      const had = readMarker();
      return had > 0 && (await database.all('accounts')).length === 0 ? had : 0;
    },
    forgetEvicted: () => writeMarker(0),
  };
}

function readMarker(): number {
  try {
    return Number(localStorage.getItem(MARKER) ?? 0) || 0;
  } catch {
    return 0;
  }
}

function writeMarker(count: number): void {
  try {
    if (count === 0) localStorage.removeItem(MARKER);
    else localStorage.setItem(MARKER, String(count));
  } catch {
    // A browser without localStorage cannot tell an eviction; everything else works.
  }
}

/** Asks the browser to keep our storage; whether it does. Undefined where it cannot say. */
export async function askToPersist(): Promise<boolean | undefined> {
  if (!navigator.storage?.persist) return undefined;
  try {
    return (await navigator.storage.persisted()) || (await navigator.storage.persist());
  } catch {
    return undefined;
  }
}
