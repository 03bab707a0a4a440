// What may be lost: one interface with two implementations (Redis, this process), held to one contract suite.
import { Unavailable } from '../../platform/unavailable.ts';

/** The fields of a record. */
export type Fields = { readonly [name: string]: string };

/** A record as it stood at `now`, milliseconds of the store's clock. */
export interface Read {
  fields: Fields;
  now: number;
}

/** A word to the watchers of a topic; with `field`, the topic's name ends with that field's value. */
export interface Telling {
  topic: string;
  field?: string;
  message: string;
}

/**
 * One atomic compare-and-set of a record: either every condition holds and all of the effects happen, or nothing does.
 * The store's own clock judges and stamps every time.
 */
export interface Change {
  /** The field's value is one of these. */
  when?: { readonly [field: string]: readonly string[] };
  /** The field is not set. */
  absent?: readonly string[];
  /** The field is not set, or has this value already. */
  absentOr?: { readonly [field: string]: string };
  /** The field, milliseconds, lies in the future; with `graceMs`, not further back than that. */
  alive?: { field: string; graceMs?: number };
  /** The number in the field (0 where absent) is lower. */
  below?: { readonly [field: string]: number };
  sets?: Fields;
  removes?: readonly string[];
  adds?: { readonly [field: string]: number };
  /** Field = the store's now + so many milliseconds. */
  stamps?: { readonly [field: string]: number };
  /** Field = the lower of field + `by` and `from` + `whole` (milliseconds); never lowers it. */
  raise?: { field: string; by: number; from: string; whole: number };
  tells?: readonly Telling[];
}

/** Answer of a {@link Change}: the record after it, or as it stands where a condition failed; undefined where there is none. */
export type Changed = { ok: true; now: Read } | { ok: false; now: Read | undefined };

/** Figures of a limit, in milliseconds. With `doubles`, each further unit after a block blocks twice as long, up to `maxBlock`. */
export interface Figures {
  points: number;
  window: number;
  block: number;
  maxBlock: number;
}

/** The state cannot be reached, or what it says cannot be trusted yet. */
export class StateUnavailable extends Unavailable {
  override name = 'StateUnavailable';
}

/** Every operation touches one key (works on Redis Cluster) and is atomic. Times to live are whole seconds. */
export interface State {
  /** Part of the keys of every challenge; it rises when the store went back in time, so that nothing older is accepted. */
  epoch(): number;
  /** Milliseconds by the store's clock. */
  now(): Promise<number>;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttl: number): Promise<void>;
  /** Sets it only where it is absent: true for exactly one caller. */
  add(key: string, value: string, ttl: number): Promise<boolean>;
  /** Sets it only where it exists. */
  replace(key: string, value: string, ttl: number): Promise<boolean>;
  /** Reads and deletes in one move. */
  take(key: string): Promise<string | undefined>;
  /** Whether it existed: true for exactly one caller. */
  delete(key: string): Promise<boolean>;
  /** Adds one; the time to live is set by the first. */
  increment(key: string, ttl: number): Promise<number>;
  /** Writes fields into a record (what is not named stays) and answers the whole of it. */
  write(key: string, fields: Fields, ttl: number, stamps?: { readonly [field: string]: number }): Promise<Read>;
  read(key: string): Promise<Read | undefined>;
  change(key: string, change: Change): Promise<Changed>;
  /** Puts a member into an index for `ttl` seconds; the index outlives its longest member. */
  enlist(key: string, member: string, ttl: number): Promise<void>;
  delist(key: string, member: string): Promise<void>;
  members(key: string): Promise<string[]>;
  /** Whether a unit is left, and takes it where `take` is true; answers 0, or the milliseconds to wait. */
  throttle(key: string, figures: Figures, take: boolean): Promise<number>;
  publish(topic: string, message: string): Promise<void>;
  /** Hears a topic until the answer is called. An empty message says: something may have been missed, look again. */
  subscribe(topic: string, listener: (message: string) => void): Promise<() => void>;
  /** Whether it can be written to and forgets nothing by itself. */
  health(): Promise<{ ok: true } | { ok: false; why: string }>;
  /** How full it is, from 0 to 1; missing where another program keeps it and tells that itself. */
  fill?(): number;
  close(): Promise<void>;
}

const LONGEST_KEY = 512;

/**
 * A key or topic as it is stored. Keys are typed by prefix; an id from outside is length-checked here at the latest.
 * @throws RangeError where it is empty, too long, or holds blanks or control characters.
 */
export function checkedKey(key: string): string {
  if (key.length === 0 || key.length > LONGEST_KEY || !/^[\x21-\x7e]+$/.test(key)) throw new RangeError('not a key');
  return key;
}

/** Whether text from outside can be one of our ids at all: what cannot is not looked up. */
export function isId(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(text);
}
