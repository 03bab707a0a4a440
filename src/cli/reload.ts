// Takes a changed configuration over in a server that runs: one reading at a time, whole or not at all, and what came of it is told.
import type { House } from '../app/assemble.ts';
import { type ChangeWatch, watchForChanges } from '../app/changes.ts';
import { compareSettings, isSame } from '../app/reload.ts';
import type { Listening } from '../app/server.ts';
import { StoreRefused } from '../app/try-stores.ts';
import type { NodeWatch } from '../app/watch.ts';
import type { AuditEvent } from '../domain/audit.ts';
import type { Log } from '../platform/log.ts';
import { Memory } from '../settings/memory.ts';
import type { Settings } from '../settings/settings.ts';
import { configurationFolder, readSettingsAgain } from './read-settings.ts';

/** A server that runs. */
export interface Reloadable {
  house: House;
  listening: Pick<Listening, 'renew'>;
  watch: NodeWatch;
  folder: string | undefined;
  log: Log;
}

/** Reads the configuration again when told. */
export interface Reloader {
  /** Takes over what is there. Asked again meanwhile, it looks once more afterwards. */
  reload(): void;
  /** Where settings say so, looks for changes by itself. */
  watchFiles(): ChangeWatch;
}

/** Milliseconds until a store that did not let us in is asked again. */
const AGAIN = 5000;

const TELLING = new Set(['info', 'debug']);

/** Told by whichever of the two levels tells it: who turns the log down still sees that it was done. */
function tellReload(log: Log, level: Settings['server']['logLevel'], report: object): void {
  if (!TELLING.has(log.level)) log.level = level;
  log.info(report, 'configuration reloaded');
  log.level = level;
}

const SAME = 'files of the configuration were written, and say what they said before';

/** @param first the settings that the server started with. */
export function createReloader({ house, listening, watch, folder, log }: Reloadable, first: Settings): Reloader {
  const memory = new Memory();
  let last: Settings | undefined = first;
  let files: string[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let waiting = false;
  /** Why a store did not take what was read last: told once, and again when it changes. */
  let refusedBy: string | undefined;
  let again: NodeJS.Timeout | undefined;

  /** @param onlyIfNew what says the same as before is left alone. */
  async function take(onlyIfNew: boolean, quiet: boolean): Promise<AuditEvent | undefined> {
    clearTimeout(again);
    try {
      const read = await readSettingsAgain(folder, memory);
      files = read.files;
      if (onlyIfNew && last && isSame(await compareSettings(last, read.settings))) {
        if (!quiet) log.info(SAME);
        return undefined;
      }
      const report = await house.reload(read.settings);
      listening.renew(read.settings.server.tls);
      last = read.settings;
      refusedBy = undefined;
      watch.configurationLoaded();
      tellReload(log, read.settings.server.logLevel, report);
      return { event: 'sys_config_reloaded', outcome: 'success', actor: 'system' };
    } catch (error) {
      const reason = (error as Error).message;
      // Mended, it says what it said before, and must be taken over all the same.
      last = undefined;
      const told = error instanceof StoreRefused && reason === refusedBy;
      refusedBy = error instanceof StoreRefused ? reason : undefined;
      // A password is changed in the store and in the file, one after the other: nobody writes the file again when the store has followed.
      if (refusedBy !== undefined) again = setTimeout(() => void inTurn(() => takeAndTell(false)), AGAIN).unref();
      if (told) return undefined;
      watch.configurationRefused(reason);
      log.error({ reason }, 'configuration refused; the old one stays in force');
      return { event: 'sys_config_refused', outcome: 'failure', actor: 'system' };
    }
  }

  async function takeAndTell(onlyIfNew: boolean, quiet = false): Promise<void> {
    const event = await take(onlyIfNew, quiet);
    // What was done is done: a database that is away must not end the server.
    if (event)
      await house.world.records.audit
        .record(event)
        .catch((error: Error) => log.error({ err: error.message }, 'the reload could not be written to the audit'));
  }

  const inTurn = (work: () => Promise<void>) => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  return {
    reload: () => {
      if (waiting) return;
      waiting = true;
      void inTurn(() => {
        waiting = false;
        return takeAndTell(false);
      });
    },
    watchFiles: () =>
      watchForChanges({
        folder: configurationFolder(folder),
        files: () => files,
        log,
        changed: (start) => inTurn(() => takeAndTell(true, start)),
      }),
  };
}

/**
 * Watches the files for the process that watches over workers.
 * @param changed tells them; not called where the files say what they said before.
 */
export function watchFilesFor(folder: string | undefined, first: Settings, log: Log, changed: () => void): ChangeWatch {
  const memory = new Memory();
  let last: Settings | undefined = first;
  let files: string[] = [];
  return watchForChanges({
    folder: configurationFolder(folder),
    files: () => files,
    log,
    changed: async (start) => {
      try {
        const read = await readSettingsAgain(folder, memory);
        files = read.files;
        const same = last !== undefined && isSame(await compareSettings(last, read.settings));
        last = read.settings;
        log.level = read.settings.server.logLevel;
        if (!same) changed();
        else if (!start) log.info(SAME);
      } catch {
        // Each of them reads it, refuses it, and says why.
        last = undefined;
        changed();
      }
    },
  });
}
