// A lock on the folder of the embedded database: PGlite does not lock it, and opened twice it is destroyed.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Another process has the embedded database open. */
export class DatabaseInUse extends Error {
  override name = 'DatabaseInUse';
}

interface Holder {
  pid: number;
  /** When that process started, in the kernel's own count: a process number is used again. */
  started: string;
}

const held = new Set<string>();

/** Field 22 of /proc/PID/stat; empty where there is no such file (other systems). */
function startedAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isAlive({ pid, started }: Holder): boolean {
  if (pid === process.pid) return startedAt(pid) === started && started !== '';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return startedAt(pid) === started;
}

function parse(text: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}

function create(file: string): boolean {
  // Written whole under another name and linked, so that nobody ever reads half a lock.
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, started: startedAt(process.pid) }), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Puts the lock of a dead process aside; a lock that turns out to be another one is put back. */
function clearStale(file: string, seen: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== seen) linkSync(aside, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Takes the lock `FOLDER.lock`; the lock of a process that is gone is taken over.
 * @returns gives it back.
 * @throws DatabaseInUse
 */
export function lockFolder(folder: string): () => void {
  const file = `${resolve(folder)}.lock`;
  if (held.has(file)) throw new DatabaseInUse(`this process has ${folder} open already`);
  mkdirSync(dirname(file), { recursive: true });
  for (let tries = 0; tries < 5; tries += 1) {
    if (create(file)) {
      held.add(file);
      return () => {
        if (held.delete(file)) rmSync(file, { force: true });
      };
    }
    let text = '';
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      continue;
    }
    const holder = parse(text);
    if (holder && isAlive(holder)) {
      throw new DatabaseInUse(`process ${holder.pid} has ${folder} open: stop it first, or use a PostgreSQL database`);
    }
    clearStale(file, text);
  }
  throw new DatabaseInUse(`the lock ${file} cannot be taken`);
}
