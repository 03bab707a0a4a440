// `npm start`: from a fresh clone to a running provider. Installs and builds only what is missing; ends everything on Ctrl-C.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from './build.mjs';
import { checkNode, installIfStale, root } from './install.mjs';

/** A second Ctrl-C after this many milliseconds means now. */
const IMPATIENT = 500;

/** The configuration folder: --config DIR, else COUNTERSIGN_CONFIG, else the example. */
function configFolder(args) {
  const at = args.findIndex((arg) => arg === '--config' || arg.startsWith('--config='));
  const given = at < 0 ? undefined : (args[at].split('=', 2)[1] ?? args[at + 1]);
  return resolve(root, given ?? process.env.COUNTERSIGN_CONFIG ?? 'config');
}

/**
 * What the demo relying service has to be told, where this configuration is a demo and knows such a service.
 * A broken file is not our business: the provider tells what is wrong with it.
 */
async function demoEnvironment(folder) {
  try {
    const { parse } = await import('yaml');
    const read = (path) => parse(readFileSync(join(folder, path), 'utf8'));
    const server = read('server.yaml');
    if (server.demo !== true || !existsSync(join(folder, 'clients', 'demo.yaml'))) return undefined;
    const client = read('clients/demo.yaml');
    // In the demo PORT moves the issuer's port too.
    const issuer = new URL(server.issuer);
    if (process.env.PORT) issuer.port = process.env.PORT;
    return {
      ISSUER: issuer.origin,
      DEMO_PORT: process.env.DEMO_PORT ?? new URL(client.redirect_uris[0]).port,
      // Files are named relative to the configuration folder.
      DEMO_CLIENT_SECRET_FILE: resolve(folder, client.client_secret_file),
    };
  } catch {
    return undefined;
  }
}

/** Runs both, forwards the end to them, and ends when the provider has ended. */
function runBoth(args, demo) {
  // Groups of their own: they hear of Ctrl-C from us, once.
  const start = (file, more, env) =>
    spawn(process.execPath, [join(root, 'dist', file), ...more], {
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
      env: { ...process.env, ...env },
    });
  const provider = start('src/main.js', ['serve', ...args], {});
  const children = [provider];
  if (demo !== undefined) children.push(start('examples/demo-service/main.js', [], demo));

  const end = (signal) => {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  };
  let asked;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal === 'SIGHUP' && process.stdin.isTTY !== true) return provider.kill('SIGHUP');
      // Both npm and the terminal may tell us of one Ctrl-C.
      if (asked !== undefined && performance.now() - asked > IMPATIENT) return end('SIGKILL');
      if (asked === undefined) end('SIGTERM');
      asked ??= performance.now();
    });
  }
  process.once('exit', () => end('SIGKILL'));
  provider.once('exit', (code) => {
    end('SIGTERM');
    process.exitCode = asked === undefined ? (code ?? 1) : 0;
  });
}

checkNode();
const args = process.argv.slice(2);
await installIfStale();
if (!(await build())) process.exit(1);
const folder = configFolder(args);
const withFolder = args.some((arg) => arg.startsWith('--config')) ? args : [...args, '--config', folder];
runBoth(withFolder, await demoEnvironment(folder));
