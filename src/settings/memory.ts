// What an earlier reading of the folder made of its files: one that stands there as before is not read, parsed and checked again.
import { readFileSync, statSync } from 'node:fs';
import type { z } from 'zod';
import { systemClock } from '../platform/clock.ts';

/**
 * Milliseconds that a file must have stood still when it was read, so that its times say whether it has changed since: a later write within
 * one tick of the file system's clock would leave them as they are.
 */
const STILL = 2000;

interface Kept {
  text: string;
  /** Its place, size and times; empty where they cannot be relied on. */
  look: string;
  value?: unknown;
}

/** Kept from one reading to the next; only files without a mistake of their own are in it. */
export class Memory {
  readonly #files = new Map<string, Kept>();
  readonly #made = new WeakMap<object, Map<unknown, unknown>>();

  /** Files that were read ahead for the next reading. */
  readonly #ahead = new Set<string>();

  /** The text of a file. @param file its name here. @throws what the file system throws. */
  read(file: string, absolute: string): string {
    const known = this.#files.get(file);
    if (known && this.#ahead.has(file)) return known.text;
    const now = systemClock.now();
    const stat = statSync(absolute, { bigint: true });
    const look = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':');
    if (known?.look === look) return known.text;
    const text = readFileSync(absolute, 'utf8');
    const still = now - Number(stat.ctimeMs) > STILL && now - Number(stat.mtimeMs) > STILL;
    if (known?.text === text) known.look = still ? look : '';
    else this.#files.set(file, { text, look: still ? look : '' });
    return text;
  }

  /** The same; until {@link readingOver} the file is not looked at again. */
  readAhead(file: string, absolute: string): string {
    const text = this.read(file, absolute);
    this.#ahead.add(file);
    return text;
  }

  /** Whoever read ahead must say so in the end, or the next reading sees old texts. */
  readingOver(): void {
    this.#ahead.clear();
  }

  /** What the text of a file said; undefined where it is not known or another one. */
  recall(file: string, text: string): unknown {
    const known = this.#files.get(file);
    return known?.text === text ? known.value : undefined;
  }

  keep(file: string, text: string, value: unknown): void {
    const known = this.#files.get(file);
    if (known?.text === text) known.value = value;
  }

  /** What was made of a value that is kept here itself. @param by the schema or step that made it. */
  recallMade<T>(value: unknown, by: z.ZodType | string): T | undefined {
    return isObject(value) ? (this.#made.get(value)?.get(by) as T | undefined) : undefined;
  }

  keepMade(value: unknown, by: z.ZodType | string, made: unknown): void {
    if (!isObject(value)) return;
    const all = this.#made.get(value) ?? new Map<unknown, unknown>();
    this.#made.set(value, all.set(by, made));
  }

  /** Forgets files that are gone. */
  keepOnly(files: ReadonlySet<string>): void {
    for (const file of this.#files.keys()) if (!files.has(file)) this.#files.delete(file);
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
