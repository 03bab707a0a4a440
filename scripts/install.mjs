// What must be there before anything else can run: Node itself and the packages of the lockfile. Uses nothing but Node.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Ends with one clear line on a Node that is too old. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`Countersign needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

/**
 * Runs a program to its end with our own output.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, output?: number, onStart?: (child: import('node:child_process').ChildProcess) => void }} [options]
 * @returns {Promise<number>} its exit code, 1 where it could not be started or a signal ended it.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    // A file where it is told aside, this terminal otherwise.
    const output = options.output ?? 'inherit';
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', output, output], env });
    options.onStart?.(child);
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Installs exactly the lockfile's packages where they are missing or others are installed. Ends the process where that fails. */
export async function installIfStale() {
  const wrong = firstDifference();
  if (wrong === undefined) return;
  console.log(`Installing packages (${wrong}) …`);
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const code = npm === undefined ? await run('npm', args) : await run(process.execPath, [npm, ...args]);
  if (code === 0) return;
  console.error('The packages could not be installed; npm says why above.');
  process.exit(1);
}

/** Compares the lockfile with npm's own note of what it installed; answers what differs first. */
function firstDifference() {
  const note = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(note)) return 'first start';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(note, 'utf8')).packages;
  for (const [path, { version, optional, devOptional, link }] of Object.entries(wanted)) {
    const has = installed[path];
    // Optional packages are those of other machines.
    if (path === '' || link || (has === undefined && (optional || devOptional))) continue;
    if (has?.version !== version) return `${path.replace(/^.*node_modules\//, '')} ${version} is wanted`;
  }
  return undefined;
}
