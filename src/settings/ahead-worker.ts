// In a thread of its own: parses and checks files, each by itself, so that the server's thread answers requests meanwhile.
import { parentPort } from 'node:worker_threads';
import { readDocument } from './document.ts';
import { Findings } from './problems.ts';
import { FOLDERS, type FolderName } from './sections/index.ts';

/** A file of a folder. */
export interface Written {
  name: FolderName;
  /** Below the configuration folder. */
  file: string;
  text: string;
}

/** The same with what it says, and what its schema made of that. */
export interface Understood extends Written {
  value: unknown;
  made: unknown;
}

/** Nothing where something is wrong with it: that is told by the reading itself, with its line. */
function understand(written: Written): Understood | undefined {
  const { name, file, text } = written;
  const findings = new Findings();
  const { value } = readDocument(file, text, findings);
  const made = findings.count() === 0 ? FOLDERS[name].safeParse(value) : undefined;
  return made?.success ? { ...written, value, made: made.data } : undefined;
}

parentPort?.on('message', (some: Written[] | 'end') => {
  if (some === 'end') parentPort?.close();
  else parentPort?.postMessage(some.flatMap((one) => understand(one) ?? []));
});
