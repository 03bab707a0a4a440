// A command that prints a link and waits until somebody has signed in there.
import { type ChildProcess, spawn } from 'node:child_process';

/** A command that runs. */
export interface StartedCommand {
  child: ChildProcess;
  /** Both streams. */
  output(): string;
  stdout(): string;
  /** The link that it prints, once it has. */
  link(): Promise<string>;
  ended: Promise<number | null>;
}

const started: ChildProcess[] = [];

/** Starts `countersign …` of the built server. */
export function startCommand(args: string[], environment: { [name: string]: string }): StartedCommand {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, ['dist/src/main.js', ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  started.push(child);
  let out = '';
  let all = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    all += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    all += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  // The hint stands below the link: when it is there, somebody listens.
  const printed = new Promise<string>((resolve, reject) => {
    const look = () => {
      const found = /^(?: {3})?(http\S+\/(?:auth|device)\?\S+)\n(?: {3}\S)?/m.exec(all)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    void ended.then(() => reject(new Error(all)));
  });
  printed.catch(() => undefined);
  return { child, output: () => all, stdout: () => out, link: () => printed, ended };
}

/** Ends those that still wait. */
export function endCommands(): void {
  for (const child of started.splice(0)) child.kill();
}
