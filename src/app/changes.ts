// Notices that the files of a configuration folder have changed: the system's word where it gives one, and a look now and then where it gives none.
import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { FOLDERS } from '../settings/sections/index.ts';

/**
 * Milliseconds. `look`: between two looks without a word of the system; network mounts give none. `share`: a look at very many files takes
 * long, and so many times as long passes until the next. `quiet`: files are taken over when they have stood still so long, at the latest
 * after `atMost`.
 */
const PACE = { look: 2000, share: 50, quiet: 300, atMost: 30_000 };

/** So many files are asked for at once. */
const AT_ONCE = 16;

/** What is looked at. */
export interface ChangeWatch {
  stop(): void;
}

/**
 * Watches a folder, its folders of clients and resources, and files elsewhere. Links are followed: where one is turned to another folder
 * (as Kubernetes does it with ConfigMaps), that is a change.
 * @param parts.files files outside that are read too, absolute; asked for at each look.
 * @param parts.changed called once at the start, because what was read then may be old already, and after each change; never twice at once.
 *   `quiet`: at the start, and where more files are looked at than before: nobody need have written anything.
 */
export function watchForChanges(parts: {
  folder: string;
  files: () => readonly string[];
  log: Log;
  changed: (quiet: boolean) => Promise<void>;
}): ChangeWatch {
  const folders = [parts.folder, ...Object.keys(FOLDERS).map((name) => join(parts.folder, name))];
  const stopping = new AbortController();
  const listeners = new Map<string, { place: string; watcher: FSWatcher }>();
  let woken = false;
  let wake = () => {};

  /** Listens to a folder as long as it is the same one. */
  function listen(folder: string, place: string | undefined): void {
    const old = listeners.get(folder);
    if (old?.place === place) return;
    old?.watcher.close();
    listeners.delete(folder);
    if (place === undefined || stopping.signal.aborted) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        woken = true;
        wake();
      });
      watcher.on('error', () => listeners.delete(folder));
      listeners.set(folder, { place, watcher });
    } catch (error) {
      // Out of inotify watches, or a file system without: looking does.
      parts.log.debug({ folder, err: String(error) }, 'the system tells of no changes here');
    }
  }

  /** A text that is another one where a file came, went, or was written, moved or linked anew. */
  async function picture(): Promise<string> {
    const hash = createHash('sha256');
    const found: string[] = [...parts.files()];
    for (const folder of folders) {
      const own = await stat(folder, { bigint: true }).catch(() => undefined);
      listen(folder, own && `${own.dev}:${own.ino}`);
      const names = await readdir(folder).catch(() => []);
      found.push(...names.filter((name) => !name.startsWith('.')).map((name) => join(folder, name)));
    }
    for (let next = 0; next < found.length; next += AT_ONCE) {
      const some = found.slice(next, next + AT_ONCE);
      const stats = await Promise.all(some.map((file) => stat(file, { bigint: true }).catch(() => undefined)));
      stats.forEach((one, place) => {
        const seen = one?.isFile() ? [one.dev, one.ino, one.size, one.mtimeNs, one.ctimeNs].join(':') : '';
        hash.update(`${some[place]}\0${seen}\n`);
      });
    }
    return hash.digest('base64');
  }

  const pause = (milliseconds: number) => wait(milliseconds, undefined, { signal: stopping.signal, ref: false });

  async function nap(milliseconds: number): Promise<void> {
    if (!woken) {
      const called = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([pause(milliseconds), called]);
    }
    woken = false;
  }

  /** Waits until nobody writes any more. */
  async function settled(first: string): Promise<string> {
    let seen = first;
    const deadline = systemClock.now() + PACE.atMost;
    while (systemClock.now() < deadline) {
      await pause(PACE.quiet);
      const again = await picture();
      if (again === seen) break;
      seen = again;
    }
    return seen;
  }

  async function run(): Promise<void> {
    let listed = parts.files().join('\0');
    let known = await picture();
    await parts.changed(true);
    while (!stopping.signal.aborted) {
      const began = systemClock.now();
      const seen = await picture();
      const took = systemClock.now() - began;
      if (seen !== known) {
        known = await settled(seen);
        const now = parts.files().join('\0');
        const more = now !== listed;
        listed = now;
        await parts.changed(more);
      }
      await nap(Math.max(PACE.look, took * PACE.share));
    }
  }

  void run().catch((error: Error) => {
    if (!stopping.signal.aborted) parts.log.error({ err: error.message }, 'changes of the configuration are not seen');
  });
  return {
    stop: () => {
      stopping.abort();
      for (const { watcher } of listeners.values()) watcher.close();
      listeners.clear();
    },
  };
}
