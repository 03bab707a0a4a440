// Where very many files are new, threads of their own parse and check them: the server's thread answers requests meanwhile.
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { pauses } from '../platform/gently.ts';
import type { Understood, Written } from './ahead-worker.ts';
import type { Memory } from './memory.ts';
import { FOLDERS, type FolderName } from './sections/index.ts';

/** Fewer are parsed sooner than a thread has started. */
const MANY = 500;
const BATCH = 100;
const MOST_THREADS = 4;

/** A thread takes JavaScript only: from the sources nothing is read ahead. */
const WORKER = new URL('./ahead-worker.js', import.meta.url);

/**
 * Reads the files of the folders into the memory, and what they say where many of them are new. What is missing in it afterwards (something
 * is wrong with a file, no thread can be started) the reading that follows finds by itself.
 * @param folder the configuration folder, absolute. @param memory to be told when the reading is over.
 * @param program what the threads run.
 */
export async function readAhead(folder: string, memory: Memory, program = WORKER): Promise<void> {
  const threads = new Threads(memory, program);
  const pause = pauses();
  let fresh: Written[] = [];
  for (const { name, file } of filesOf(folder)) {
    await pause();
    const text = read(memory, file, join(folder, file));
    if (text === undefined || memory.recall(file, text) !== undefined) continue;
    fresh.push({ name, file, text });
    if (fresh.length < (threads.running ? BATCH : MANY)) continue;
    threads.give(fresh);
    fresh = [];
  }
  if (threads.running) threads.give(fresh);
  await threads.done();
}

function filesOf(folder: string): { name: FolderName; file: string }[] {
  return (Object.keys(FOLDERS) as FolderName[]).flatMap((name) => {
    const files = namesIn(join(folder, name)).filter((file) => file.endsWith('.yaml') && !file.startsWith('.'));
    return files.map((file) => ({ name, file: `${name}/${file}` }));
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(memory: Memory, file: string, absolute: string): string | undefined {
  try {
    return memory.readAhead(file, absolute);
  } catch {
    return undefined;
  }
}

/** Threads that take turns; none before there is work. */
class Threads {
  readonly #memory: Memory;
  readonly #program: URL;
  readonly #workers: { worker: Worker; ended: Promise<void> }[] = [];
  #turn = 0;

  constructor(memory: Memory, program: URL) {
    this.#memory = memory;
    this.#program = program;
  }

  get running(): boolean {
    return this.#workers.length > 0;
  }

  give(files: Written[]): void {
    const most = Math.min(availableParallelism(), MOST_THREADS);
    while (this.#workers.length < most) this.#workers.push(this.#start());
    for (let next = 0; next < files.length; next += BATCH) {
      this.#turn += 1;
      this.#workers[this.#turn % most]?.worker.postMessage(files.slice(next, next + BATCH));
    }
  }

  #start() {
    const worker = new Worker(this.#program);
    worker.on('message', (understood: Understood[]) => {
      for (const one of understood) remember(one, this.#memory);
    });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    // It ends then, and what it did not answer is missing.
    worker.on('error', () => undefined);
    return { worker, ended };
  }

  async done(): Promise<void> {
    for (const { worker } of this.#workers) worker.postMessage('end');
    await Promise.all(this.#workers.map(({ ended }) => ended));
  }
}

function remember({ name, file, text, value, made }: Understood, memory: Memory): void {
  memory.keep(file, text, value);
  memory.keepMade(value, FOLDERS[name], made);
}
